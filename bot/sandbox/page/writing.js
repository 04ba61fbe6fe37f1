// Writing: the text box, what it suggests, files and places, and the bot's own keyboard.

import { inShort } from "./chats.js";
import { refresh } from "./refresh.js";
import { act, look } from "./server.js";
import { $, chatNow, here, place, remember, remembered, state } from "./state.js";
import { ask, attempt, toast } from "./telling.js";
import { element } from "./text.js";
import { phrase } from "./words.js";

const UPLOAD_LIMIT = 20 * 1024 * 1024; // what a bot may download
const box = $("#text");
const drafts = new Map();
let writingAt = "";
let about = null; // { message, editing }: what a reply answers, or what is being edited
let keyboard = null;
let keysHidden = false;
let suggested = []; // what Enter may choose: { label, note, pick }
let chosen = -1;

document.addEventListener("opened", () => {
  if (writingAt === place()) return;
  drafts.set(writingAt, about?.editing ? "" : box.value);
  writingAt = place();
  forget();
  box.value = drafts.get(writingAt) ?? "";
  grow();
  suggest([]);
});

// -- text ----------------------------------------------------------------------------------

export async function say(text) {
  if (!text.trim()) return true;
  const subject = about;
  forget();
  const done = subject?.editing
    ? await attempt("edit", { person: state.person, chat: state.chat, message: subject.message.id, text })
    : await attempt("say", here({ text, reply_to: subject?.message.id ?? null }));
  if (!done) return false;
  if (!subject?.editing) document.dispatchEvent(new Event("said"));
  await refresh("messages");
  return true;
}

export function replyTo(message) {
  regard({ message, editing: false });
  box.focus();
}

export function edit(message) {
  regard({ message, editing: true });
  box.value = message.text;
  grow();
  box.focus();
  box.setSelectionRange(box.value.length, box.value.length);
}

function forget() {
  if (about?.editing) box.value = "";
  regard(null);
  grow();
}

function regard(subject) {
  about = subject;
  $("#replying").hidden = !subject;
  if (!subject) return;
  const { message, editing } = subject;
  $("#replying b").textContent = editing ? phrase("message.editing") : phrase("message.reply-to", { who: message.sender });
  $("#replying span").textContent = inShort(message);
}

function grow() {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, 140)}px`;
}

// Ctrl with an arrow moves the reply through the messages, as messengers do.
function replyBeside(step) {
  const messages = ($("#messages").messages ?? []).filter((one) => !one.service);
  const at = about ? messages.findIndex((one) => one.id === about.message.id) : messages.length;
  const next = messages[at + step];
  if (next) {
    replyTo(next);
    $(`#messages [data-message="${next.id}"]`)?.scrollIntoView({ block: "nearest" });
  } else if (step > 0) forget();
}

// -- suggestions: commands of the bot, or its inline results -------------------------------

function suggest(options, { note = "" } = {}) {
  suggested = options;
  chosen = options.length ? 0 : -1;
  $("#commands").hidden = !options.length && !note;
  $("#commands").replaceChildren(...options.map((one, index) => element("li", {
    id: `option-${index}`, role: "option", onmousedown: (event) => event.preventDefault(), onclick: () => pick(index),
  }, element("b", {}, one.label), one.note ? element("span", {}, one.note) : null)),
  ...(note ? [element("li", { class: "note" }, note)] : []));
  box.setAttribute("aria-expanded", String(options.length > 0));
  choose(chosen);
  return options.length;
}

function choose(index) {
  chosen = index;
  for (const [at, row] of [...$("#commands").children].entries()) {
    row.setAttribute("aria-selected", String(at === index));
    if (at === index) row.scrollIntoView({ block: "nearest" });
  }
  if (index < 0) box.removeAttribute("aria-activedescendant");
  else box.setAttribute("aria-activedescendant", `option-${index}`);
}

function pick(index) {
  const one = suggested[index];
  suggest([]);
  box.value = "";
  grow();
  one.pick();
}

function suggestCommands(wanted) {
  return suggest(state.commands.filter((one) => one.command.startsWith(wanted)).map((one) => ({
    label: `/${one.command}`, note: one.description,
    pick: () => say(`/${one.command}${chatNow().private ? "" : `@${state.known.bot.username}`}`),
  })));
}

let asking = 0; // the number of the newest inline question; older answers are dropped

async function suggestInline(query) {
  asking += 1;
  const mine = asking;
  await new Promise((done) => setTimeout(done, 300));
  if (mine !== asking) return;
  const at = { person: state.person, chat: state.chat };
  suggest([], { note: phrase("inline.asking") });
  try {
    const asked = await act("inline", { ...here(), query });
    const { results } = await look("inline", { query: asked.query, wait: 5 });
    if (mine !== asking) return;
    if (!results?.length) return suggest([], { note: phrase("inline.nothing") });
    suggest(results.map((result) => ({
      label: result.title ?? result.id, note: result.description ?? "",
      pick: async () => {
        if (!await attempt("choose", { ...here(), ...at, query: asked.query, result: result.id })) return;
        document.dispatchEvent(new Event("said"));
        await refresh("messages");
      },
    })));
  } catch (error) {
    if (mine === asking) suggest([], { note: error.message });
  }
}

function typed() {
  grow();
  const command = /^\/([a-z0-9_]*)$/.exec(box.value);
  const inline = /^@(\w+)\s+(.*)$/s.exec(box.value);
  asking += 1;
  if (command) suggestCommands(command[1]);
  else if (inline && inline[1].toLowerCase() === state.known?.bot.username.toLowerCase()) suggestInline(inline[2]);
  else suggest([]);
}

// -- files, places, my number --------------------------------------------------------------

async function attach(file) {
  if (!file) return;
  if (file.size > UPLOAD_LIMIT) return toast(phrase("attach.too-big"));
  const data = await new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.split(",")[1] ?? "");
    reader.readAsDataURL(file);
  });
  let photo = false;
  if (/^image\/(png|jpeg|gif)$/.test(file.type)) {
    photo = await ask(phrase("attach.how", { name: file.name }),
      [[phrase("attach.photo"), true], [phrase("attach.document"), false], [phrase("cancel"), null]]);
    if (photo === null) return;
  }
  const caption = about?.editing ? "" : box.value;
  if (!await attempt("document", here({ name: file.name, data, photo, caption }))) return;
  if (caption) box.value = "";
  grow();
  document.dispatchEvent(new Event("said"));
  await refresh("messages");
}

async function shareContact() {
  const yes = await ask(phrase("contact.sure"), [[phrase("contact.send"), true], [phrase("cancel"), null]]);
  if (yes && await attempt("contact", here())) document.dispatchEvent(new Event("said"));
}

async function shareLocation() {
  const [latitude, longitude] = (remembered("location") ?? "28.45210,117.94330").split(",");
  const given = await ask(phrase("location.where"), [[phrase("location.send"), true], [phrase("cancel"), null]],
    [["latitude", phrase("location.latitude"), latitude], ["longitude", phrase("location.longitude"), longitude]]);
  if (!given) return;
  const [north, east] = [Number(given.latitude), Number(given.longitude)];
  if (!given.latitude.trim() || !given.longitude.trim() || !(Math.abs(north) <= 90) || !(Math.abs(east) <= 180)) {
    return toast(phrase("location.wrong"));
  }
  remember("location", `${given.latitude},${given.longitude}`);
  if (await attempt("location", here({ latitude: north, longitude: east }))) document.dispatchEvent(new Event("said"));
}

// -- the keyboard of the bot ---------------------------------------------------------------

export function drawKeyboard(given, messages = []) {
  const isNew = JSON.stringify(given) !== JSON.stringify(keyboard);
  keyboard = given;
  if (isNew) keysHidden = false;
  const rows = given?.keyboard;
  $("#keys").hidden = !rows;
  $("#keys").setAttribute("aria-expanded", String(Boolean(rows) && !keysHidden));
  $("#keyboard").hidden = !rows || keysHidden || $("#compose").hidden;
  $("#keyboard").classList.toggle("tall", Boolean(rows) && !given.resize_keyboard);
  box.placeholder = given?.input_field_placeholder ?? phrase("text");
  if (!isNew) return;
  $("#keyboard").replaceChildren(...(rows ?? []).map((row) => element("div", {}, ...row.map((key) =>
    element("button", { type: "button", onclick: () => pressKey(key) }, key.text)))));
  const last = given?.force_reply && messages.findLast((one) => !one.mine && !one.service);
  if (last) replyTo(last);
}

async function pressKey(key) {
  if (key.request_contact) await shareContact();
  else if (key.request_location) await shareLocation();
  else if (key.request_poll || key.web_app) toast(phrase("button.unknown"));
  else await say(key.text);
  if (keyboard?.one_time_keyboard) {
    keysHidden = true;
    drawKeyboard(keyboard);
  }
}

// -- what the person does ------------------------------------------------------------------

$("#compose").onsubmit = async (event) => {
  event.preventDefault();
  const { value } = box;
  const at = place();
  if (!about?.editing) box.value = "";
  suggest([]);
  grow();
  if (!await say(value) && at === place() && !box.value) {
    box.value = value;
    grow();
  }
};
box.oninput = typed;
box.onblur = () => { if (!suggested.length) suggest([]); };
box.onkeydown = (event) => {
  if (event.isComposing || event.keyCode === 229) return; // an input method takes it
  const { key } = event;
  const step = { ArrowUp: -1, ArrowDown: 1 }[key];
  if (step && suggested.length) {
    event.preventDefault();
    choose((chosen + step + suggested.length) % suggested.length);
  } else if (step && event.ctrlKey) {
    event.preventDefault();
    replyBeside(step);
  } else if (key === "ArrowUp" && !box.value) {
    const mine = ($("#messages").messages ?? []).findLast((one) => one.mine && one.text && !one.photo && !one.document);
    if (mine) {
      event.preventDefault();
      edit(mine);
    }
  } else if ((key === "Enter" || key === "Tab") && !event.shiftKey && suggested.length && chosen >= 0) {
    event.preventDefault();
    pick(chosen);
  } else if (key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    $("#compose").requestSubmit();
  } else if (key === "Escape" && (!$("#commands").hidden || about)) {
    event.preventDefault();
    event.stopPropagation();
    if (!$("#commands").hidden) suggest([]);
    else forget();
  }
};
box.onpaste = (event) => {
  const file = event.clipboardData?.files[0];
  if (file) {
    event.preventDefault();
    attach(file);
  }
};
$("#chat").ondragover = (event) => event.preventDefault();
$("#chat").ondrop = (event) => {
  event.preventDefault();
  if (!$("#compose").hidden) attach(event.dataTransfer?.files[0]);
};
$("#replying button").onclick = () => {
  forget();
  box.focus();
};
$("#keys").onclick = () => {
  keysHidden = !keysHidden;
  drawKeyboard(keyboard);
};
$("#slash").onclick = () => {
  if (!$("#commands").hidden) suggest([]);
  else if (!suggestCommands("")) toast(phrase("commands.none"));
  box.focus();
};
$("#attach input").onchange = (event) => {
  $("#attach").open = false;
  attach(event.target.files[0]);
  event.target.value = "";
};
$("#send-location").onclick = () => {
  $("#attach").open = false;
  shareLocation();
};
$("#send-contact").onclick = () => {
  $("#attach").open = false;
  shareContact();
};
$("#start").onclick = async () => {
  await attempt("start", { person: state.person });
  await refresh("chats", "messages");
};
