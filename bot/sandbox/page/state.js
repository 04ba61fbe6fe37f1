// What the page knows at the moment. The server holds the truth; this is what was last seen.

export const state = {
  person: null, // who I am
  chat: null, // the open chat
  topic: null, // the open topic of a forum: 0 is General; null outside forums
  known: null, // the last answer of /sandbox/chats: me, the bot, my chats
  commands: [], // what the bot offers me in this chat
};

export const $ = (selector) => document.querySelector(selector);
export const here = (more = {}) => ({
  person: state.person, chat: state.chat, ...(state.topic ? { topic: state.topic } : {}), ...more,
});
export const chatNow = () => state.known?.chats.find((chat) => chat.id === state.chat);
export const titleOf = (chat) => (chat.private ? state.known.bot.first_name : chat.title);
export const topicNow = () => chatNow()?.topics?.find((topic) => topic.id === state.topic);
export const place = () => `${state.person}/${state.chat}/${state.topic ?? ""}`;

// What is remembered between visits; a browser that keeps nothing is no reason to fail.
export function remembered(name) {
  try {
    return localStorage.getItem(`qinglan.${name}`);
  } catch {
    return null;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(`qinglan.${name}`, value);
  } catch { /* then it is only forgotten */ }
}
