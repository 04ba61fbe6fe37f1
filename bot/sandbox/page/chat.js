// The chat page begins here. The server holds all state; a change there comes as an event
// that names what to look at again, and the page redraws just that.

import { endTyping, openChat, showTyping } from "./chats.js";
import { readClock } from "./clock.js";
import { answered, markRead } from "./messages.js";
import { beginPanel, drawFaults, drawFeed, showCall, showPanel, wantsCalls } from "./panel.js";
import { become, showPeople } from "./people.js";
import { refresh } from "./refresh.js";
import { look } from "./server.js";
import { $, chatNow, state } from "./state.js";
import { readTour } from "./tour.js";
import { topicsOpenWith } from "./topics.js";
import { LANGUAGES, language, setLanguage, translate } from "./words.js";

let stream = null;
let listeningTo = "";

// -- hearing of changes --------------------------------------------------------------------

function listen() {
  // One who is nobody yet hears of what concerns everybody.
  const query = { person: state.person ?? 0 };
  if (wantsCalls()) query.calls = 1;
  const address = `/sandbox/events?${new URLSearchParams(query)}`;
  if (address === listeningTo) return;
  listeningTo = address;
  stream?.close();
  stream = new EventSource(address);
  let first = true;
  stream.onopen = () => {
    // What happened while nobody listened is looked up at once.
    if (!first) again();
    first = false;
  };
  stream.onmessage = (event) => hear(JSON.parse(event.data));
}

function again() {
  readClock().catch(() => {});
  readTour();
  refresh("people", "chats", "messages");
}

function hear(change) {
  switch (change.kind) {
    case "chat":
      endTyping(change.chat);
      refresh("chats", ...(change.chat === state.chat ? ["messages"] : []));
      readTour();
      break;
    case "people":
      refresh("people", "chats");
      readTour();
      break;
    case "read":
      refresh("chats");
      break;
    case "commands":
      refresh("chats", "messages");
      break;
    case "answer":
      answered(change.tap);
      readTour();
      break;
    case "clock":
      readClock(change.ms ? change : null).catch(() => {});
      drawFeed().catch(() => {});
      readTour();
      break;
    case "action":
      showTyping(change.chat);
      break;
    case "call":
      showCall(change.call);
      break;
    case "feed":
      drawFeed().catch(() => {});
      break;
    case "faults":
    case "settings":
      drawFaults().catch(() => {});
      break;
    case "tour":
      readTour();
      break;
  }
}

document.addEventListener("became", listen);
document.addEventListener("curious", listen);
document.addEventListener("moved", readTour);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && chatNow()?.unread) markRead();
});

// -- moving about --------------------------------------------------------------------------

topicsOpenWith((chat, topic) => openChat(chat, { topic }));
$("#me").onclick = () => showPeople($("#people").hidden);
$("#search").oninput = () => refresh("people");
$("#search").onkeydown = (event) => {
  if (event.key === "Enter") $("#people-list button")?.click();
  if (event.key === "ArrowDown") $("#people-list button")?.focus();
};
$("#back").onclick = () => {
  document.body.classList.remove("in-chat");
  $(`#chats [data-chat="${state.chat}"]`)?.focus();
};
// Arrow keys walk through a list of people or chats.
for (const list of [$("#people-list"), $("#chats")]) {
  list.onkeydown = (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    const buttons = [...list.querySelectorAll("button")];
    event.preventDefault();
    buttons[buttons.indexOf(document.activeElement) + step]?.focus();
  };
}
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || $("dialog[open]")) return;
  const menu = $("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (!$("#people").hidden && state.person !== null) {
    showPeople(false);
    $("#me").focus();
  } else if (!$("#panel").hidden) showPanel(false);
  else if (innerWidth <= 760 && document.body.classList.contains("in-chat")) $("#back").click();
});

// -- beginning -----------------------------------------------------------------------------

async function goWhereTheAddressSays() {
  const [person, chat, topic] = location.hash.slice(1).split("/").map(Number);
  if (!person) return showPeople(true);
  if (person === state.person && (chat || person) === state.chat && (topic || null) === (state.topic || null)) return null;
  try {
    await look("chats", { person }); // the address may name somebody of another sandbox
    return await become(person, chat || null, topic || null);
  } catch {
    return showPeople(true);
  }
}

$("#language").replaceChildren(...Object.entries(LANGUAGES).map(([code, name]) => new Option(name, code)));
$("#language").value = language();
$("#language").onchange = (event) => setLanguage(event.target.value);
document.addEventListener("language", () => refresh("people", "chats"));
addEventListener("hashchange", goWhereTheAddressSays);

translate();
readClock().catch(() => {});
beginPanel();
await goWhereTheAddressSays();
listen();
readTour();
document.documentElement.dataset.ready = "yes";
