// The messages of the open chat, as bubbles. Only what differs is drawn again, so that a
// picture, a spoiler or a selection survives every change beside it.

import { drawFace, forgetSentCode, inShort, serviceText } from "./chats.js";
import { follow } from "./links.js";
import { drawPoll } from "./polls.js";
import { draws, refresh } from "./refresh.js";
import { act, look } from "./server.js";
import { $, chatNow, here, place, state, topicNow } from "./state.js";
import { ask, attempt, copy, toast } from "./telling.js";
import { element, face, formatted, hueOf, icon, safeAddress } from "./text.js";
import { drawKeyboard, edit, replyTo, say } from "./writing.js";
import { dayOf, hourOf, phrase } from "./words.js";

const PORTION = 300; // messages that are asked for at first, and with each look further back
const TOGETHER = 300; // seconds within which messages of one sender form one group
const waiting = new Map(); // taps that the bot has not answered: query id -> button
const sizes = new Map(); // photos whose size is known, so that nothing jumps when drawn again
let drawn = new Map(); // key -> { version, row }
let drawnPlace = "";
let toEnd = true;
let unseen = 0;
let wanted = PORTION;

const list = $("#messages");

document.addEventListener("opened", () => { toEnd = true; });
document.addEventListener("said", () => { toEnd = true; });
document.addEventListener("language", () => {
  drawn = new Map();
  refresh("messages");
});

draws("messages", async () => {
  if (state.chat === null) return;
  const at = place();
  if (drawnPlace !== at) wanted = PORTION;
  const query = { person: state.person, chat: state.chat, last: wanted };
  if (state.topic !== null) query.topic = state.topic;
  const seen = await look("seen", query);
  if (at !== place()) return void refresh("messages");
  const isNew = drawnPlace !== at;
  if (isNew) {
    drawn = new Map();
    drawnPlace = at;
    toEnd = true;
    unseen = 0;
  }
  const before = list.lastElementChild?.dataset.message;
  const stay = !toEnd && distanceToEnd() > 120;
  list.lang = state.known.person.language ?? "";
  show(rowsOf(seen.messages));
  drawKeyboard(seen.keyboard, seen.messages);
  drawPinned(seen.pinned);
  if (chatNow()?.private) forgetSentCode(seen.messages);
  state.commands = seen.commands;
  list.messages = seen.messages;
  if (stay) {
    if (list.lastElementChild?.dataset.message !== before) unseen += 1;
  } else scrollToEnd();
  toEnd = false;
  drawToEnd();
  markRead();
});

export function markRead() {
  const unread = topicNow()?.unread ?? chatNow()?.unread;
  if (document.visibilityState === "visible" && unread) act("read", here()).catch(() => {});
}

function rowsOf(messages) {
  const rows = [];
  let day = "";
  let before = null;
  messages.forEach((message, index) => {
    const thisDay = dayOf(message.at * 1000);
    if (thisDay !== day) {
      rows.push(kept(`day ${thisDay}`, "", () => element("div", { class: "day" }, thisDay)));
      before = null;
    }
    day = thisDay;
    const after = messages[index + 1];
    const follows = together(before, message);
    const leads = together(message, after) && dayOf(after.at * 1000) === day;
    rows.push(kept(message.id, JSON.stringify([message, follows, leads]), () => drawMessage(message, follows, leads)));
    before = message;
  });
  return rows.length ? rows : [kept("welcome", JSON.stringify([welcomeText(), place()]),
    () => element("div", { class: "welcome" }, welcomeText()))];
}

const together = (one, next) => Boolean(one && next) && !one.service && !next.service
  && one.sender_id === next.sender_id && next.at - one.at < TOGETHER && one.only_for_you === next.only_for_you;

function kept(key, version, make) {
  const known = drawn.get(key);
  if (known?.version === version) return known.row;
  const row = make();
  drawn.set(key, { version, row });
  return row;
}

function show(rows) {
  const wanted = new Set(rows);
  for (const row of [...list.children]) if (!wanted.has(row)) row.remove();
  rows.forEach((row, index) => {
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
  for (const [key, { row }] of drawn) if (!wanted.has(row)) drawn.delete(key);
}

function welcomeText() {
  const chat = chatNow();
  return chat?.private ? state.known.bot.description || phrase("welcome.private") : phrase("welcome.group");
}

// -- where one looks -----------------------------------------------------------------------

const distanceToEnd = () => list.scrollHeight - list.scrollTop - list.clientHeight;

export function scrollToEnd() {
  list.scrollTop = list.scrollHeight;
  unseen = 0;
}

function drawToEnd() {
  const far = distanceToEnd() > 240;
  if (!far) unseen = 0;
  $("#to-end").hidden = !far;
  $("#to-end .unread").hidden = !unseen;
  $("#to-end .unread").textContent = String(unseen);
}

list.addEventListener("scroll", () => {
  drawToEnd();
  if (list.scrollTop < 200 && list.messages?.length >= wanted && drawnPlace === place()) {
    wanted += PORTION;
    refresh("messages");
  }
}, { passive: true });
$("#to-end").onclick = () => {
  list.scrollTo({ top: list.scrollHeight, behavior: "smooth" });
  $("#text").focus({ preventScroll: true });
};
// Whatever makes the list lower (a keyboard, a panel) leaves the end in sight.
let height = 0;
new ResizeObserver(() => {
  const lost = height - list.clientHeight;
  if (lost > 0 && distanceToEnd() - lost < 120) scrollToEnd();
  height = list.clientHeight;
}).observe(list);

export function showMessage(id) {
  const row = $(`#messages [data-message="${id}"]`);
  row?.scrollIntoView({ block: "center", behavior: "smooth" });
  row?.classList.add("found");
  setTimeout(() => row?.classList.remove("found"), 1400);
}

function drawPinned(pinned) {
  $("#pinned").hidden = !pinned;
  if (!pinned) return;
  $("#pinned span").textContent = inShort({ ...pinned, text: pinned.text?.split("\n")[0] });
  $("#pinned").onclick = () => showMessage(pinned.id);
}

// -- one message ---------------------------------------------------------------------------

function drawMessage(message, follows, leads) {
  if (message.service) return element("div", { class: "service", "data-message": message.id }, serviceText(message.service));
  const chat = chatNow();
  const inGroup = Boolean(chat && !chat.private && !message.mine);
  const bubble = element("div", { class: "bubble" });
  if (message.only_for_you) bubble.append(element("div", { class: "only" }, icon("eye"), phrase("message.only")));
  if (inGroup && !follows) {
    const name = element("div", { class: "sender" }, message.sender);
    name.style.setProperty("--hue", hueOf(message.sender_id));
    bubble.append(name);
  }
  if (message.forwarded_from) bubble.append(element("div", { class: "forwarded" }, phrase("message.forwarded", { who: message.forwarded_from })));
  if (message.via_bot) bubble.append(element("div", { class: "forwarded" }, phrase("message.via", { bot: message.via_bot.replace(/^@/, "") })));
  if (message.reply_to) {
    const { id, sender, text } = message.reply_to;
    bubble.append(element("button", { type: "button", class: "quoted", onclick: () => showMessage(id) },
      element("b", {}, sender), element("span", {}, text || "…")));
  }
  if (message.photo) bubble.append(drawPhoto(message));
  if (message.document) bubble.append(drawDocument(message.document));
  if (message.contact) bubble.append(drawContact(message.contact));
  if (message.location) bubble.append(drawLocation(message.location));
  if (message.poll) bubble.append(drawPoll(message));
  const meta = element("span", { class: "meta" },
    message.edited ? `${phrase("message.edited")} ` : null, element("time", {}, hourOf(message.at * 1000)));
  if (message.text) {
    bubble.append(element("div", { class: "text" }, formatted(message.text, message.entities ?? [], { say, follow })), meta);
  } else bubble.append(meta);
  bubble.append(drawActions(message));
  if (message.reaction) bubble.append(element("span", { class: "reaction" }, message.reaction));
  const names = ["row", message.mine ? "mine" : "theirs", follows && "follows", leads && "leads",
    message.only_for_you && "private", inGroup && "grouped", message.buttons?.length && "keyed"];
  const row = element("div", { "data-message": message.id, class: names.filter(Boolean).join(" ") }, bubble);
  if (message.buttons?.length) row.append(drawButtons(message));
  if (inGroup && !leads) row.append(drawFace(element("span", { class: "face" }), message.sender, message.sender_id));
  return row;
}

function drawActions(message) {
  const button = (name, label, does) => element("button", { type: "button", tabindex: "-1", class: name,
    title: label, "aria-label": label, onclick: does }, icon(name));
  return element("span", { class: "actions" },
    button("reply", phrase("message.reply"), () => replyTo(message)),
    message.mine && message.text && !message.photo && !message.document ? button("edit", phrase("message.edit"), () => edit(message)) : null);
}

function drawPhoto(message) {
  const address = `/sandbox/file/${message.photo}`;
  const size = sizes.get(message.photo);
  const image = element("img", { src: address, alt: message.text || phrase("short.photo"),
    width: size?.[0], height: size?.[1], onload: () => {
      sizes.set(message.photo, [image.naturalWidth, image.naturalHeight]);
      if (distanceToEnd() < image.clientHeight + 160) scrollToEnd();
    } });
  return element("button", { type: "button", class: "photo", "aria-label": phrase("message.open-photo"), onclick: () => {
    $("#viewer img").src = address;
    $("#viewer img").alt = image.alt;
    $("#viewer").showModal();
  } }, image);
}

$("#viewer").onclick = () => $("#viewer").close();

function drawDocument({ file_id: id, file_name: name = phrase("short.file"), file_size: size = 0 }) {
  const sized = size < 1024 ? `${size} B` : size < 1048576 ? `${(size / 1024).toFixed(1)} KB` : `${(size / 1048576).toFixed(1)} MB`;
  const suffix = (/\.([^.]{1,5})$/.exec(name)?.[1] ?? "").toUpperCase();
  return element("a", { class: "document", href: `/sandbox/file/${id}`, download: name },
    element("span", { class: "suffix" }, suffix || icon("file")),
    element("span", { class: "what" }, element("b", {}, name), element("small", {}, sized)));
}

const drawContact = ({ first_name: first, last_name: last = "", phone_number: phone, user_id: id }) => element("div", { class: "contact" },
  face(element("span", { class: "face" }), first, id ?? 0),
  element("span", { class: "what" }, element("b", {}, `${first} ${last}`.trim()), element("small", {}, `+${String(phone).replace(/^\+/, "")}`)));

const drawLocation = ({ latitude, longitude }) => element("div", { class: "location" },
  element("span", { class: "map", "aria-hidden": "true" }, icon("pin")),
  element("span", { class: "what" }, element("b", {}, phrase("attach.location")),
    element("small", {}, `${Number(latitude).toFixed(5)}, ${Number(longitude).toFixed(5)}`)));

// On a screen that one touches, a tap on a bubble shows what one may do with it.
list.addEventListener("click", (event) => {
  const row = event.target.closest(".row");
  const wasActive = row?.classList.contains("active");
  list.querySelector(".row.active")?.classList.remove("active");
  if (row && !wasActive && !event.target.closest("a, button, .spoiler")) row.classList.add("active");
});

// -- buttons under a message ---------------------------------------------------------------

function drawButtons(message) {
  return element("div", { class: "buttons" }, ...message.buttons.map((row) =>
    element("div", {}, ...row.map((button) => {
      const corner = button.url ? "out" : button.copy_text ? "copy" : null;
      const made = element("button", {
        type: "button", class: `inline ${button.style ?? ""}`, disabled: Boolean(button.disabled),
        onclick: () => press(message, button, made),
      }, button.text, corner ? icon(corner) : null);
      return made;
    }))));
}

async function press(message, button, made) {
  if (button.url) {
    if (!follow(button.url)) window.open(safeAddress(button.url), "_blank", "noopener");
  } else if (button.callback_data) {
    made.classList.add("busy");
    const tapped = await attempt("tap", here({ message: message.id, data: button.callback_data }));
    if (!tapped) return made.classList.remove("busy");
    waiting.set(tapped.query, made);
    setTimeout(() => settle(tapped.query), 15_000);
  } else if (button.copy_text) {
    await copy(button.copy_text.text);
  } else if (button.switch_inline_query_current_chat !== undefined) {
    $("#text").value = `@${state.known.bot.username} ${button.switch_inline_query_current_chat}`;
    $("#text").dispatchEvent(new Event("input"));
    $("#text").focus();
  } else {
    toast(phrase("button.unknown"));
  }
}

function settle(query) {
  waiting.get(query)?.classList.remove("busy");
  waiting.delete(query);
}

// The bot answered a tap of mine.
export function answered(tap) {
  settle(tap.id);
  const { text, show_alert: alert, url } = tap.answer;
  if (text && alert) ask(text, [[phrase("ok"), null]]);
  else if (text) toast(text);
  if (url && !follow(url)) window.open(safeAddress(url), "_blank", "noopener");
}
