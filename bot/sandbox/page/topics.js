// The topics of a forum group: a strip of tabs, and what an administrator does with them.

import { refresh } from "./refresh.js";
import { $, chatNow, state, topicNow } from "./state.js";
import { ask, attempt } from "./telling.js";
import { element, icon } from "./text.js";
import { phrase } from "./words.js";

let open = () => {};

// Opening is the chat list's business; it is told here once, so that the two do not import
// each other.
export function topicsOpenWith(does) {
  open = does;
}

const nameOf = (topic) => topic.id === 0 ? phrase("topic.general") : topic.name;

export function drawTopics() {
  const chat = chatNow();
  const strip = $("#topics");
  strip.hidden = !chat?.forum;
  if (strip.hidden) return;
  const drawn = JSON.stringify([chat.id, chat.topics, chat.admin, state.topic, document.documentElement.lang]);
  if (strip.dataset.drawn === drawn) return;
  strip.dataset.drawn = drawn;
  const tabs = (chat.topics ?? []).map((topic) => element("button", {
    type: "button", role: "tab", "data-topic": topic.id, "aria-selected": String(topic.id === state.topic),
    onclick: () => open(chat.id, topic.id),
  }, topic.closed ? icon("lock") : null, element("span", {}, nameOf(topic)),
  topic.unread && topic.id !== state.topic ? element("span", { class: "unread" }, String(topic.unread)) : null));
  if (chat.admin) {
    tabs.push(element("button", { type: "button", class: "add", onclick: () => create(chat),
      "aria-label": phrase("topic.create"), title: phrase("topic.create") }, icon("plus")));
  }
  strip.replaceChildren(...tabs);
  const selected = strip.querySelector("[aria-selected=true]");
  if (selected) strip.scrollLeft = selected.offsetLeft - strip.offsetLeft - 40;
}

async function create(chat) {
  const given = await ask(phrase("topic.create"), [[phrase("topic.do-create"), true], [phrase("cancel"), null]],
    [["name", phrase("topic.name"), ""]]);
  if (!given?.name.trim()) return;
  const made = await attempt("topic", { person: state.person, chat: chat.id, act: "create", name: given.name.trim() });
  if (!made) return;
  await refresh("chats");
  const id = made.topic ?? made.id ?? chatNow()?.topics?.findLast((topic) => topic.name === given.name.trim())?.id;
  if (id) open(chat.id, id);
}

// What the chat's menu offers for the open topic.
export function topicChoices(chat) {
  const topic = topicNow();
  if (!chat.forum || !chat.admin || !topic || topic.id === 0) return [];
  const does = (what, more = {}) => attempt("topic", {
    person: state.person, chat: chat.id, topic: topic.id, act: what, ...more,
  });
  return [
    topic.closed ? [phrase("topic.reopen"), () => does("reopen")] : [phrase("topic.close"), () => does("close")],
    [phrase("topic.rename"), async () => {
      const given = await ask(phrase("topic.rename"), [[phrase("topic.do-rename"), true], [phrase("cancel"), null]],
        [["name", phrase("topic.name"), topic.name]]);
      if (given?.name.trim()) await does("rename", { name: given.name.trim() });
    }],
    [phrase("topic.delete"), () => does("delete")],
  ];
}
