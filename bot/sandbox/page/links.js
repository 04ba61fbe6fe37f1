// Links to the bot: they open its chat here, as Telegram would.

import { openChat } from "./chats.js";
import { refresh } from "./refresh.js";
import { state } from "./state.js";
import { ask, attempt } from "./telling.js";
import { phrase } from "./words.js";

// True when the address was a link to the bot.
export function follow(url) {
  const parts = /^(?:https?:\/\/)?(?:t|telegram)\.me\/([A-Za-z0-9_]+)(?:\?(.*))?$/i.exec(url)
    ?? /^tg:\/\/resolve\?domain=([A-Za-z0-9_]+)&?(.*)$/i.exec(url);
  if (!parts || parts[1].toLowerCase() !== state.known.bot.username.toLowerCase()) return false;
  const query = new URLSearchParams(parts[2] ?? "");
  if (query.has("startgroup")) chooseGroup(query.get("startgroup"));
  else openPrivate(query.get("start"));
  return true;
}

async function openPrivate(payload) {
  const { person } = state;
  await openChat(person);
  if (payload && await attempt("start", { person, payload })) await refresh("chats", "messages");
}

async function chooseGroup(payload) {
  const groups = state.known.chats.filter((chat) => !chat.private);
  const group = await ask(phrase("startgroup"),
    [...groups.map((chat) => [chat.title, chat.id]), [phrase("cancel"), null]]);
  if (group === null) return;
  if (await attempt("start", { person: state.person, group, payload })) {
    await refresh("chats");
    await openChat(group);
  }
}
