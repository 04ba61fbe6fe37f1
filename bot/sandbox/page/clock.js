// The clock of the sandbox: it ticks by itself, and can be moved forward, never back.

import { look } from "./server.js";
import { $ } from "./state.js";
import { attempt, toast } from "./telling.js";
import { clockMoment, moment, phrase } from "./words.js";

let ahead = null; // milliseconds between this computer's clock and the sandbox's

export async function readClock(given = null) {
  const { ms } = given ?? await look("clock");
  ahead = ms - Date.now();
  drawClock();
}

function drawClock() {
  if (ahead === null) return;
  const text = clockMoment(Date.now() + ahead);
  if ($("#time").textContent !== text) $("#time").textContent = text;
}

export async function moveClock(body) {
  $("#clock").setAttribute("aria-busy", "true");
  const moved = await attempt("clock", body);
  $("#clock").removeAttribute("aria-busy");
  if (!moved) return null;
  await readClock(moved);
  if (body.next_event) {
    toast(moved.moved ? phrase("clock.moved", { moment: moment(Date.parse(moved.event ?? moved.now)) }) : phrase("clock.no-event"));
  }
  document.dispatchEvent(new Event("moved"));
  return moved;
}

for (const button of document.querySelectorAll("#clock [data-seconds]")) {
  button.onclick = () => moveClock({ advance_seconds: Number(button.dataset.seconds) });
}
$("#next-event").onclick = () => moveClock({ next_event: true });
document.addEventListener("language", drawClock);
setInterval(drawClock, 1000);
