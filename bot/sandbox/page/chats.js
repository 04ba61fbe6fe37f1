// My chats: the list, the head of the open one with its menu, and opening one.

import { draws, refresh } from "./refresh.js";
import { look } from "./server.js";
import { $, chatNow, place, state, titleOf, topicNow } from "./state.js";
import { ask, attempt, copy } from "./telling.js";
import { element, face, noteAndCode } from "./text.js";
import { drawTopics, topicChoices } from "./topics.js";
import { dayOrHour, phrase } from "./words.js";

const left = new Map(); // groups that I left in this window: "person" -> Map(chat id -> title)
const typing = new Map(); // chat id -> the timer that ends it

draws("chats", async () => {
  if (state.person === null) return;
  const person = state.person;
  const known = await look("chats", { person });
  if (person !== state.person) return;
  state.known = known;
  const me = known.person;
  face($("#me .face"), me.name, me.id);
  $("#me b").textContent = me.name;
  drawNote(me.note);
  document.title = phrase("title.person", { name: me.name });
  const gone = [...(left.get(person) ?? new Map())].filter(([id]) => !known.chats.some((chat) => chat.id === id));
  const focused = document.activeElement?.dataset?.chat;
  $("#chats").replaceChildren(...inOrder(known.chats).map(chatRow), ...gone.map(goneRow));
  if (focused) $(`#chats [data-chat="${focused}"]`)?.focus();
  if (state.chat !== null && !chatNow()) openChat(person, { stay: true });
  else drawHead();
});

const usedCodes = new Set();

// A code works once: who has sent it needs to be shown it no longer.
export function forgetSentCode(messages) {
  const [, code] = noteAndCode(state.known.person.note);
  if (!code || !messages.some((one) => one.mine && one.text.trim() === code)) return;
  usedCodes.add(code);
  $("#code").hidden = true;
}

// Who has not linked yet carries a code in the note: it is what a newcomer needs first.
function drawNote(note) {
  const [rest, code] = noteAndCode(note);
  $("#me i").textContent = rest;
  $("#me i").title = rest;
  $("#code").hidden = !code || usedCodes.has(code);
  $("#code b").textContent = code ? phrase("people.code", { code }) : "";
  $("#code").onclick = async () => {
    await copy(code);
  };
}

// The bot first, as if it were pinned; then what was said last.
const inOrder = (chats) => [...chats].sort((a, b) => b.private - a.private || (b.last?.at ?? 0) - (a.last?.at ?? 0));

// The bot is drawn like a group: by how its name begins.
export const drawFace = (target, name, id) => (id === state.known.bot.id ? face(target, name, -4) : face(target, name, id));
const drawFaceOf = (target, chat) => drawFace(target, titleOf(chat), chat.private ? state.known.bot.id : chat.id);

function chatRow(chat) {
  const { last } = chat;
  const unread = chat.id === state.chat && document.visibilityState === "visible" ? 0 : chat.unread;
  return element("button", {
    type: "button", "data-chat": chat.id, class: chat.id === state.chat ? "open" : "",
    "aria-current": chat.id === state.chat ? "true" : null, onclick: () => openChat(chat.id),
  }, drawFaceOf(element("span", { class: "face" }), chat),
  element("span", { class: "who" }, element("b", {}, titleOf(chat)),
    element("i", { class: typing.has(chat.id) ? "typing" : "" },
      typing.has(chat.id) ? phrase("typing") : last ? lastLine(chat, last) : phrase("chat.nothing"))),
  element("span", { class: "aside" }, element("time", {}, last ? dayOrHour(last.at * 1000) : ""),
    unread ? element("span", { class: "unread", "aria-label": phrase("chat.unread", { count: unread }) }, String(unread)) : null));
}

function goneRow([id, title]) {
  return element("button", { type: "button", class: "gone", onclick: async () => {
    if (await attempt("member", { person: state.person, chat: id, act: "join" })) {
      left.get(state.person)?.delete(id);
      await refresh("chats");
      await openChat(id);
    }
  } }, face(element("span", { class: "face" }), title, id),
  element("span", { class: "who" }, element("b", {}, title), element("i", {}, phrase("chat.rejoin"))));
}

// What a message is in a few words, where there is no room for it.
export function inShort(message) {
  if (message.text) return message.text.replace(/\s+/g, " ");
  for (const kind of ["photo", "document", "contact", "location", "poll"]) {
    if (message[kind]) {
      return kind === "poll" ? phrase("short.poll", { question: message.poll.question })
        : kind === "document" ? phrase("short.document", { name: message.document.file_name ?? "" })
          : phrase(`short.${kind}`);
    }
  }
  return "…";
}

function lastLine(chat, last) {
  if (last.service) return serviceText(last.service);
  const what = inShort(last);
  if (last.mine) return phrase("chat.by-me", { what });
  return chat.private ? what : phrase("chat.by-other", { who: last.sender, what });
}

const LONGEST_QUOTE = 24;
const SERVICES = {
  joined: "service.joined", invited: "service.invited", left: "service.left", removed: "service.removed",
  pinned: "service.pinned", upgraded: "service.upgraded", upgraded_from: "service.upgraded-from",
  topic_created: "service.topic-created", topic_closed: "service.topic-closed",
  topic_reopened: "service.topic-reopened", topic_renamed: "service.topic-renamed",
};

export function serviceText(service) {
  if (typeof service === "string") return service;
  const { kind, who = "", whom = "", text = "" } = service;
  const shown = [...(text ?? "")].length > LONGEST_QUOTE ? `${[...text].slice(0, LONGEST_QUOTE).join("")}…` : text ?? "";
  return SERVICES[kind] ? phrase(SERVICES[kind], { who, whom: whom ?? "", text: shown }) : text || kind;
}

export async function openChat(chatId, { topic = null, stay = false } = {}) {
  state.chat = Number(chatId);
  const chat = chatNow();
  state.topic = chat?.forum ? Number(topic ?? 0) : null;
  history.replaceState(null, "", `#${state.person}/${state.chat}${state.topic ? `/${state.topic}` : ""}`);
  if (!stay || innerWidth > 760) document.body.classList.add("in-chat");
  for (const button of document.querySelectorAll("#chats button")) {
    const open = Number(button.dataset.chat) === state.chat;
    button.classList.toggle("open", open);
    if (open) button.querySelector(".unread")?.remove();
  }
  document.dispatchEvent(new Event("opened"));
  drawHead();
  await refresh("messages");
  if (matchMedia("(hover: hover)").matches) $("#text").focus({ preventScroll: true });
}

export function drawHead() {
  const chat = chatNow();
  if (!chat) return;
  const { person } = state.known;
  drawFaceOf($("#chat-head .face"), chat);
  $("#chat-title").textContent = titleOf(chat);
  $("#chat-note").textContent = typing.has(chat.id) ? phrase("typing") : noteOf(chat, person);
  $("#chat-note").classList.toggle("typing", typing.has(chat.id));
  drawTopics();
  const isClosed = Boolean(topicNow()?.closed) && !chat.admin;
  const canWrite = !chat.private || (person.started && !person.blocked);
  $("#compose").hidden = !canWrite || isClosed;
  $("#closed").hidden = !isClosed;
  $("#start").hidden = canWrite;
  $("#start").textContent = phrase(person.blocked ? "start.again" : "start");
  drawMenu(chat, person);
}

function noteOf(chat, person) {
  if (chat.private) return person.blocked ? phrase("chat.blocked") : phrase("chat.bot", { name: state.known.bot.username });
  const gone = { left: "bot.left", kicked: "bot.kicked", administrator: "bot.administrator" }[chat.bot];
  return [phrase("chat.members", { count: chat.members }), gone ? phrase(gone) : "",
    chat.admin ? phrase("chat.admin") : ""].filter(Boolean).join(phrase("separator"));
}

export function showTyping(chatId) {
  clearTimeout(typing.get(chatId));
  typing.set(chatId, setTimeout(() => endTyping(chatId), 5000));
  redrawTyping();
}

export function endTyping(chatId) {
  if (!typing.has(chatId)) return;
  clearTimeout(typing.get(chatId));
  typing.delete(chatId);
  redrawTyping();
}

function redrawTyping() {
  drawHead();
  refresh("chats");
}

// -- the menu of a chat --------------------------------------------------------------------

function choicesOf(chat, person) {
  const member = (label, what) => [phrase(label), () => attempt("member", { person: state.person, chat: chat.id, act: what })];
  if (chat.private) {
    return [
      [phrase(person.blocked ? "menu.unblock" : "menu.block"),
        () => attempt("block", { person: person.id, blocked: !person.blocked })],
      [phrase("menu.deactivate"), async () => {
        const sure = await ask(phrase("menu.deactivate-sure", { name: person.name }),
          [[phrase("menu.deactivate"), true], [phrase("cancel"), null]]);
        if (sure) await attempt("member", { person: person.id, act: "deactivate" });
      }],
    ];
  }
  const there = ["member", "administrator", "restricted"].includes(chat.bot);
  const choices = [...topicChoices(chat)];
  if ("forum" in chat && chat.admin && !chat.forum) choices.push(member("menu.forum", "forum"));
  choices.push(there ? member("menu.kick-bot", "kick_bot") : member("menu.add-bot", "add_bot"));
  if (chat.bot === "member") choices.push(member("menu.promote-bot", "promote_bot"));
  if (chat.bot === "administrator") choices.push(member("menu.demote-bot", "add_bot"));
  if (chat.bot === "member") choices.push(member("menu.silence-bot", "silence_bot"));
  if (chat.bot === "restricted") choices.push(member("menu.let-bot-write", "add_bot"));
  if ("admin" in chat) choices.push(chat.admin ? member("menu.demote", "demote") : member("menu.promote", "promote"));
  if (chat.supergroup === false) choices.push(member("menu.migrate", "migrate"));
  choices.push([phrase("menu.leave"), async () => {
    if (!await attempt("member", { person: state.person, chat: chat.id, act: "leave" })) return;
    if (!left.has(state.person)) left.set(state.person, new Map());
    left.get(state.person).set(chat.id, chat.title);
    document.body.classList.remove("in-chat");
  }]);
  return choices;
}

function drawMenu(chat, person) {
  const drawn = place() + JSON.stringify([chat, person, document.documentElement.lang]);
  if ($("#menu-items").dataset.drawn === drawn) return;
  $("#menu-items").dataset.drawn = drawn;
  $("#menu-items").replaceChildren(...choicesOf(chat, person).map(([label, does]) => element("button", {
    type: "button", onclick: async () => {
      $("#menu").open = false;
      await does();
      await refresh("chats", "messages");
    },
  }, label)));
}

