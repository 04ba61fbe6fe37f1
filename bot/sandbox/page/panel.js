// The side panel for the curious: the bot's calls as they happen, what the scheduler did,
// and faults and switches.

import { look } from "./server.js";
import { $, chatNow, remember, remembered, state, titleOf } from "./state.js";
import { attempt, toast } from "./telling.js";
import { element } from "./text.js";
import { hourMinuteSecond, moment, phrase } from "./words.js";

const CALLS_SHOWN = 200;
const FEED_EVERY = 3000;
const FAULTS = ["flood", "error", "bad_gateway", "timeout", "reset_before", "reset_after", "blocked",
  "deactivated", "kicked", "migrated", "topic_closed"];
const METHODS = ["sendMessage", "editMessageText", "editMessageReplyMarkup", "answerCallbackQuery", "sendPhoto",
  "sendDocument", "getFile", "getUpdates", "setMyCommands", "pinChatMessage"];
const SWITCHES = ["flood", "paid", "privacy_mode", "ephemeral_supported"];

const open = () => !$("#panel").hidden;
const tab = () => $("#panel [role=tab][aria-selected=true]").dataset.tab;
export const wantsCalls = () => open() && tab() === "calls";

export function showPanel(shown, { focus = true } = {}) {
  $("#panel").hidden = !shown;
  document.body.classList.toggle("with-panel", shown);
  $("#panel-toggle").setAttribute("aria-expanded", String(shown));
  remember("panel", shown ? "open" : "closed");
  if (shown) fill();
  else if (focus) $("#panel-toggle").focus();
  document.dispatchEvent(new Event("curious"));
}

function showTab(name) {
  for (const button of document.querySelectorAll("#panel [role=tab]")) {
    const selected = button.dataset.tab === name;
    button.setAttribute("aria-selected", String(selected));
    button.tabIndex = selected ? 0 : -1;
    $(`#${button.getAttribute("aria-controls")}`).hidden = !selected;
  }
  remember("tab", name);
  fill();
  document.dispatchEvent(new Event("curious"));
}

function fill() {
  if (!open()) return;
  const draw = { calls: readCalls, feed: drawFeed, faults: drawFaults }[tab()];
  draw().catch((error) => console.warn(error.message));
}

// -- calls ---------------------------------------------------------------------------------

let heard = new Set(); // what is shown already: the stream and the log may both bring a call

async function readCalls() {
  const calls = await look("log", { last: 100 });
  heard = new Set();
  $("#calls-list").replaceChildren();
  if (!calls.length) $("#calls-list").append(element("p", { class: "empty" }, phrase("calls.none")));
  calls.forEach(showCall);
}

export function showCall(call) {
  if (!wantsCalls() || call.method.toLowerCase() === "getupdates" && !call.refusal) return;
  const key = JSON.stringify([call.at, call.method, call.ms, call.values]);
  if (heard.has(key)) return;
  heard.add(key);
  const list = $("#calls-list");
  list.querySelector(".empty")?.remove();
  const above = list.scrollTop;
  const lower = list.scrollHeight;
  list.prepend(callRow(call));
  if (above > 4) list.scrollTop = above + list.scrollHeight - lower;
  while (list.children.length > CALLS_SHOWN) list.lastElementChild.remove();
  filterCalls();
}

function callRow(call) {
  const at = typeof call.at === "number" ? call.at * 1000 : Date.parse(call.at);
  const row = element("details", { class: call.refusal ? "call refused" : "call", "data-method": call.method.toLowerCase() },
    element("summary", {}, element("time", {}, hourMinuteSecond(at)), element("b", {}, call.method),
      element("span", { class: "ms" }, `${call.ms} ms`),
      call.refusal || briefly(call) ? element("span", { class: "brief" }, call.refusal ?? briefly(call)) : null));
  // What nobody opens is never drawn.
  row.addEventListener("toggle", () => {
    if (row.open && row.children.length === 1) {
      row.append(element("h4", {}, phrase("calls.values")), json(call.values), element("h4", {}, phrase("calls.answer")),
        call.refusal ? element("pre", { class: "wrong" }, call.refusal) : json(call.answer));
    }
  });
  return row;
}

function briefly({ values }) {
  if (!values) return "";
  const chat = state.known?.chats.find((one) => one.id === Number(values.chat_id));
  const where = chat ? (chat.private ? state.known.person.name : titleOf(chat)) : values.chat_id;
  const what = String(values.text ?? values.caption ?? "").replace(/<[^>]*>/g, "").replace(/\s+/g, " ");
  return [where, what].filter(Boolean).join(phrase("colon"));
}

function filterCalls() {
  const wanted = $("#calls-filter").value.trim().toLowerCase();
  for (const row of $("#calls-list").children) row.hidden = Boolean(wanted) && !row.dataset.method?.includes(wanted);
}

// JSON with its parts in colours.
function json(value) {
  const text = JSON.stringify(unpacked(value), null, 2) ?? "null";
  const made = element("pre", { class: "json", tabindex: "0" });
  const parts = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi;
  let at = 0;
  for (const match of text.matchAll(parts)) {
    const kind = match[2] ? "key" : match[1] ? "string" : "value";
    made.append(text.slice(at, match.index), element("span", { class: kind }, match[1] ?? match[0]), match[2] ?? "");
    at = match.index + match[0].length;
  }
  made.append(text.slice(at));
  return made;
}

// Clients send objects as text; they are shown as what they are.
function unpacked(value) {
  if (!value || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => {
    if (typeof one !== "string" || !/^[[{]/.test(one)) return [name, one];
    try {
      return [name, JSON.parse(one)];
    } catch {
      return [name, one];
    }
  }));
}

// -- what the scheduler did ----------------------------------------------------------------

const SENT = { brief: "sent.brief", reminder: "sent.reminder", brief_edit: "sent.brief-edit", offer: "sent.offer",
  cancelled: "sent.cancelled", link_moved: "sent.link", link_conflict: "sent.link", group_card: "sent.card",
  card: "sent.card", group_hello: "sent.hello", hello: "sent.hello", notice: "sent.notice" };
const DEADLINES = ["reg_open", "reg_close", "offer", "batch_start", "session", "remote_start", "remote_end"];
const OUTCOMES = { swept: "step.swept", stale: "step.stale", superseded: "step.superseded" };

function stepName(step) {
  if (step === "weekly") return phrase("offset.weekly");
  const [, sign, number, unit] = /^T([+-])(\d+)([hd]?)$/.exec(step ?? "") ?? [];
  if (!sign) return step ?? "";
  if (number === "0") return phrase(sign === "-" ? "offset.same-day" : "offset.at-once");
  const count = { h: "hours", d: "days", "": "workdays" }[unit];
  return phrase(`offset.${count}-${sign === "-" ? "before" : "after"}`, { count: Number(number) });
}

function feedLine(entry) {
  if (entry.kind === "sent") {
    return SENT[entry.what] ? phrase(SENT[entry.what], { count: entry.count })
      : phrase("sent.other", { what: entry.what, count: entry.count });
  }
  const deadline = phrase(DEADLINES.includes(entry.deadline) ? `deadline.${entry.deadline}` : "deadline.other");
  const values = { title: entry.title ?? "", deadline, step: stepName(entry.step), count: entry.people ?? 0 };
  return phrase(OUTCOMES[entry.outcome] ?? "step.other", values);
}

export async function drawFeed() {
  if (!open() || tab() !== "feed") return;
  const entries = await look("feed", { last: 50 });
  const shown = JSON.stringify([entries, document.documentElement.lang]);
  if ($("#feed-list").dataset.drawn === shown) return;
  $("#feed-list").dataset.drawn = shown;
  $("#feed-list").replaceChildren(...[...entries].reverse().map((entry) => element("li", {
    class: `${entry.kind}${entry.people === 0 ? " idle" : ""}` },
    element("time", {}, moment(Date.parse(entry.at))), element("span", {}, feedLine(entry)))));
  if (!entries.length) $("#feed-list").append(element("li", { class: "empty" }, phrase("feed.none")));
}

// -- faults and switches -------------------------------------------------------------------

export async function drawFaults() {
  if (!open() || tab() !== "faults") return;
  drawFaultForm();
  const [faults, settings] = await Promise.all([look("faults"), look("settings").catch(() => null)]);
  $("#faults-list").replaceChildren(...faults.map((fault) => element("li", {},
    element("b", {}, faultName(fault)), element("span", {}, faultDetails(fault)))));
  if (!faults.length) $("#faults-list").append(element("li", { class: "empty" }, phrase("faults.none")));
  $("#faults-clear").hidden = !faults.length;
  if (settings) drawSettings(settings);
  const stats = await look("stats");
  $("#stats").textContent = phrase("stats", {
    people: stats.people, waiting: stats.updates_waiting,
    calls: Object.values(stats.calls ?? {}).reduce((sum, one) => sum + one, 0),
  });
}

function faultName(fault) {
  const name = fault.name || fault.fault;
  return FAULTS.includes(name) ? phrase(`fault.${name}`) : fault.description ?? String(fault.status ?? name);
}

function faultDetails({ method, chat_id: chat, share, times, hits }) {
  const known = state.known?.chats.find((one) => one.id === chat);
  return [method || phrase("faults.any-method"), chat ? (known ? titleOf(known) : String(chat)) : "",
    share !== undefined && share < 1 ? `${Math.round(share * 100)}%` : "",
    times ? phrase("faults.times", { count: times }) : phrase("faults.always"),
    hits ? phrase("faults.hits", { count: hits }) : ""].filter(Boolean).join(" · ");
}

function drawFaultForm() {
  const form = $("#fault-form");
  const option = (value, label) => element("option", { value }, label);
  const chat = chatNow();
  const drawn = [document.documentElement.lang, state.person, state.chat].join();
  if (form.dataset.drawn === drawn) return;
  form.dataset.drawn = drawn;
  const keep = Object.fromEntries(new FormData(form));
  form.elements.fault.replaceChildren(...FAULTS.map((fault) => option(fault, phrase(`fault.${fault}`))));
  $("#methods").replaceChildren(...METHODS.map((method) => option(method)));
  form.elements.chat.replaceChildren(option("", phrase("faults.every-chat")),
    ...(chat ? [option(chat.id, phrase("faults.this-chat"))] : []));
  form.elements.share.replaceChildren(...[100, 50, 20, 5].map((share) => option(share / 100, `${share}%`)));
  form.elements.times.replaceChildren(option(1, phrase("faults.times", { count: 1 })),
    option(5, phrase("faults.times", { count: 5 })), option("", phrase("faults.always")));
  for (const [name, value] of Object.entries(keep)) {
    if ([...form.elements[name].options ?? []].some((one) => one.value === value)) form.elements[name].value = value;
  }
}

$("#fault-form").onsubmit = async (event) => {
  event.preventDefault();
  const { fault, method, chat, share, times } = Object.fromEntries(new FormData(event.target));
  const wanted = { fault, share: Number(share), times: times ? Number(times) : null };
  if (method.trim()) wanted.method = method.trim();
  if (chat) wanted.chat_id = Number(chat);
  await attempt("faults", wanted);
  await drawFaults();
};
$("#faults-clear").onclick = async () => {
  await attempt("faults", { clear: true });
  await drawFaults();
  $("#fault-form button").focus();
};

function drawSettings(settings) {
  for (const name of SWITCHES) {
    const box = $(`#settings [name=${name}]`);
    box.closest("label").hidden = !(name in settings);
    box.checked = Boolean(settings[name]);
  }
  const latency = $("#settings [name=latency_ms]");
  if (document.activeElement !== latency) latency.value = String(Math.round(settings.latency_ms ?? 0));
}

$("#settings").onchange = async (event) => {
  const { name, type, checked, value } = event.target;
  const settings = await attempt("settings", { [name]: type === "checkbox" ? checked : Math.max(0, Number(value) || 0) });
  if (settings) drawSettings(settings);
  else await drawFaults();
};
$("#settings").onsubmit = (event) => event.preventDefault();

for (const [id, wanted] of [["hold", { hold: true }], ["release", { hold: false }], ["repeat", { repeat: true }]]) {
  $(`#updates-${id}`).onclick = async () => {
    const answer = await attempt("updates", wanted);
    if (answer) toast(phrase("updates.waiting", { count: answer.waiting }));
  };
}

// -- beginning -----------------------------------------------------------------------------

$("#panel-toggle").onclick = () => {
  showPanel(!open());
  if (open()) $("#panel [role=tab][aria-selected=true]").focus();
};
$("#panel-close").onclick = () => showPanel(false);
$("#calls-filter").oninput = filterCalls;
$("#calls-clear").onclick = () => {
  $("#calls-list").replaceChildren(element("p", { class: "empty" }, phrase("calls.none")));
};
const tabs = [...document.querySelectorAll("#panel [role=tab]")];
for (const [index, button] of tabs.entries()) {
  button.onclick = () => showTab(button.dataset.tab);
  button.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const next = tabs[(index + step + tabs.length) % tabs.length];
    showTab(next.dataset.tab);
    next.focus();
  };
}
document.addEventListener("language", fill);
document.addEventListener("opened", () => { if (tab() === "faults") fill(); });
document.addEventListener("moved", () => drawFeed().catch(() => {}));
setInterval(() => {
  if (document.visibilityState === "visible") drawFeed().catch(() => {});
}, FEED_EVERY);

export function beginPanel() {
  const kept = remembered("tab");
  if (tabs.some((button) => button.dataset.tab === kept)) showTab(kept);
  if (remembered("panel") === "open" && innerWidth >= 1100) showPanel(true, { focus: false });
}
