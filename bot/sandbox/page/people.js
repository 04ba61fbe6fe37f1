// Who I am: the list of sample people with their roles, and becoming one of them.

import { openChat } from "./chats.js";
import { draws, refresh } from "./refresh.js";
import { look } from "./server.js";
import { $, state } from "./state.js";
import { element, face, icon, noteAndCode } from "./text.js";
import { phrase } from "./words.js";

draws("people", async () => {
  if ($("#people").hidden) return;
  const wanted = $("#search").value;
  const { total, people } = await look("people", { q: wanted });
  if (wanted !== $("#search").value) return void refresh("people");
  $("#people-count").textContent = total > people.length
    ? phrase("people.some", { total, shown: people.length }) : phrase("people.all", { total });
  const rows = [];
  for (const [heading, group] of [
    ["people.cast", people.filter((one) => one.pinned)],
    ["people.others", people.filter((one) => !one.pinned)],
  ]) {
    if (group.length && !wanted) rows.push(element("li", { class: "heading" }, phrase(heading)));
    rows.push(...group.map(personRow));
  }
  const focused = document.activeElement?.dataset?.person;
  $("#people-list").replaceChildren(...rows);
  if (focused) $(`#people-list [data-person="${focused}"]`)?.focus();
});

function personRow(person) {
  const { id, name, note, unread, language } = person;
  const itIsMe = id === state.person;
  return element("li", { class: itIsMe ? "me" : "" },
    element("button", {
      type: "button", "data-person": id, "aria-current": itIsMe ? "true" : null, onclick: () => become(id),
    },
    face(element("span", { class: "face" }), name, id),
    element("span", { class: "who" }, element("b", {}, name,
      language && language !== "zh-hans" ? element("span", { class: "tongue" }, tongue(language)) : null,
      person.blocked ? element("span", { class: "tongue" }, phrase("people.blocked")) : null),
    element("i", { title: note }, noteAndCode(note)[0])),
    unread ? element("span", { class: "unread" }, String(unread)) : null),
    element("a", {
      class: "round small", href: `#${id}`, target: "_blank",
      title: phrase("people.window"), "aria-label": `${name}: ${phrase("people.window")}`,
    }, icon("window")));
}

const tongue = (language) => (/^zh-(hant|tw|hk|mo)/.test(language) ? "繁" : language.startsWith("zh") ? "简" : language.slice(0, 2).toUpperCase());

export function showPeople(open) {
  $("#people").hidden = !open;
  $("#chats").hidden = open;
  $("#me").setAttribute("aria-expanded", String(open));
  if (open) {
    refresh("people");
    if (matchMedia("(hover: hover)").matches) $("#search").focus({ preventScroll: true });
  }
}

export async function become(personId, chatId = null, topic = null) {
  state.person = Number(personId);
  state.chat = null;
  state.topic = null;
  $("#search").value = "";
  document.body.classList.remove("nobody", "in-chat");
  showPeople(false);
  document.dispatchEvent(new Event("became"));
  await refresh("chats");
  await openChat(chatId ?? state.person, { topic, stay: chatId === null });
}
