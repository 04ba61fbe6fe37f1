// Drawing again what changed: many requests at once become one, and one part is never drawn
// twice at the same time, so that an older answer cannot overwrite a newer one.

const drawers = new Map();
const wanted = new Set();
let running = null;

// A drawer may ask for another drawing but must not wait for it: it would wait for itself.
export function draws(part, drawer) {
  drawers.set(part, drawer);
}

export function refresh(...parts) {
  for (const part of parts) wanted.add(part);
  running ??= run().finally(() => { running = null; });
  return running;
}

async function run() {
  await null;
  while (wanted.size) {
    const parts = [...wanted];
    wanted.clear();
    // Chats come first: the messages are drawn with what is known of their chat.
    parts.sort((a, b) => (b === "chats") - (a === "chats"));
    for (const part of parts) {
      try {
        await drawers.get(part)?.();
      } catch (error) {
        console.warn(`${part}: ${error.message}`);
      }
    }
  }
}
