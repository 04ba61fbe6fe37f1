// The chat page. The server holds all state; a change there comes as an event that names
// what to look at again, and the page redraws just that.

import { element, formatted } from "./text.js";

const $ = (selector) => document.querySelector(selector);
const state = {
  person: null, chat: null, known: null, keyboard: null, commands: [],
  replyTo: null, keysHidden: false, clockAhead: 0, drawn: new Map(), waiting: new Map(),
  stream: null,
};
const ZONE = "Asia/Shanghai";
const clockFormat = new Intl.DateTimeFormat("zh-CN", {
  timeZone: ZONE, month: "long", day: "numeric", weekday: "short", hour: "2-digit", minute: "2-digit",
  hour12: false, year: "numeric",
});
const dayFormat = new Intl.DateTimeFormat("zh-CN", {
  timeZone: ZONE, year: "numeric", month: "long", day: "numeric", weekday: "long",
});
const hourFormat = new Intl.DateTimeFormat("zh-CN", {
  timeZone: ZONE, hour: "2-digit", minute: "2-digit", hour12: false,
});

// -- talking to the server ----------------------------------------------------------------

async function look(path, query = {}) {
  const answer = await fetch(`/sandbox/${path}?${new URLSearchParams(query)}`);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error ?? answer.statusText);
  return body;
}

async function act(path, body) {
  const answer = await fetch(`/sandbox/${path}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const result = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    toast(result.error ?? "没有成功，请再试一次。");
    throw new Error(result.error ?? answer.statusText);
  }
  return result;
}

const here = (more = {}) => ({ person: state.person, chat: state.chat, ...more });

// -- who I am ------------------------------------------------------------------------------

function face(target, name, id) {
  target.textContent = [...name].slice(-2).join("");
  target.style.setProperty("--hue", String((Math.abs(Number(id)) * 47) % 360));
}

async function drawPeople() {
  const wanted = $("#search").value;
  const { total, people } = await look("people", { q: wanted });
  if (wanted !== $("#search").value) return;
  $("#people-count").textContent = total > people.length
    ? `共 ${total} 人，显示前 ${people.length} 人，请输入姓名缩小范围` : `共 ${total} 人`;
  $("#people-list").replaceChildren(...people.map((person) => {
    const picture = element("span", { class: "face" });
    face(picture, person.name, person.id);
    return element("li", {}, element("button", {
      type: "button", class: person.pinned ? "pinned" : "", "data-person": person.id,
      onclick: () => become(person.id),
    }, picture, element("span", { class: "who" }, element("b", {}, person.name),
      element("i", {}, person.note)),
    person.unread ? element("span", { class: "unread" }, String(person.unread)) : null));
  }));
}

function showPeople(open) {
  $("#people").hidden = !open;
  $("#chats").hidden = open;
  $("#me").setAttribute("aria-expanded", String(open));
  if (open) {
    drawPeople();
    $("#search").focus({ preventScroll: true });
  }
}

async function become(personId, chatId = personId) {
  state.person = Number(personId);
  state.chat = null;
  $("#search").value = "";
  document.body.classList.remove("nobody");
  showPeople(false);
  listen();
  await drawChats();
  await openChat(chatId, { stay: true });
}

// -- my chats ------------------------------------------------------------------------------

async function drawChats() {
  const person = state.person;
  const known = await look("chats", { person });
  if (person !== state.person) return;
  state.known = known;
  const me = known.person;
  face($("#me .face"), me.name, me.id);
  $("#me b").textContent = me.name;
  $("#me i").textContent = me.note;
  document.title = `${me.name} · 青蓝沙箱`;
  $("#chats").replaceChildren(...known.chats.map((chat) => {
    const name = titleOf(chat);
    const picture = element("span", { class: "face" });
    face(picture, chat.private ? "青蓝" : name, chat.private ? 4 : chat.id);
    const last = chat.last;
    return element("button", {
      type: "button", "data-chat": chat.id, class: chat.id === state.chat ? "open" : "",
      onclick: () => openChat(chat.id),
    }, picture, element("span", { class: "who" }, element("b", {}, name),
      element("i", {}, last ? lastLine(chat, last) : "还没有消息")),
    element("span", { class: "side" }, last ? element("time", {}, hourFormat.format(last.at * 1000)) : null,
      chat.unread && chat.id !== state.chat ? element("span", { class: "unread" }, String(chat.unread)) : null));
  }));
  drawHead();
}

const titleOf = (chat) => (chat.private ? state.known.bot.first_name : chat.title);

function lastLine(chat, last) {
  if (last.service) return last.service;
  const what = last.text || (last.photo ? "[图片]" : last.document ? "[文件]" : last.contact ? "[名片]" : "");
  return last.mine ? `我：${what}` : chat.private ? what : `${last.sender}：${what}`;
}

const chatNow = () => state.known?.chats.find((chat) => chat.id === state.chat);

async function openChat(chatId, { stay = false } = {}) {
  state.chat = Number(chatId);
  state.drawn.clear();
  state.replyTo = null;
  state.keysHidden = false;
  $("#messages").replaceChildren();
  location.replace(`#${state.person}/${state.chat}`);
  if (!stay || innerWidth > 760) document.body.classList.add("in-chat");
  for (const button of document.querySelectorAll("#chats button")) {
    button.classList.toggle("open", Number(button.dataset.chat) === state.chat);
  }
  drawHead();
  await drawMessages({ toEnd: true });
  if (matchMedia("(hover: hover)").matches) $("#text").focus({ preventScroll: true });
}

function drawHead() {
  const chat = chatNow();
  if (!chat) return;
  const { person, bot } = state.known;
  face($("#chat-head .face"), chat.private ? "青蓝" : chat.title, chat.private ? 4 : chat.id);
  $("#chat-title").textContent = titleOf(chat);
  const gone = { left: "，机器人不在群里", kicked: "，机器人已被移出", administrator: "，机器人是管理员" };
  $("#chat-note").textContent = chat.private
    ? (person.blocked ? "已拉黑" : `机器人 @${bot.username}`)
    : `${chat.members} 位成员${gone[chat.bot] ?? ""}`;
  const canWrite = !chat.private || (person.started && !person.blocked);
  $("#compose").hidden = !canWrite;
  $("#start").hidden = canWrite;
  $("#start").textContent = person.blocked ? "解除拉黑并重新开始" : "开始";
  drawMenu(chat, person);
}

function drawMenu(chat, person) {
  const member = (label, what) => [label, () => act("member", here({ act: what }))];
  let items;
  if (chat.private) {
    items = [[person.blocked ? "解除拉黑" : "拉黑机器人",
      () => act("block", { person: person.id, blocked: !person.blocked })]];
  } else {
    items = ["member", "administrator"].includes(chat.bot)
      ? [member("把机器人移出群", "kick_bot")] : [member("邀请机器人", "add_bot")];
    if (chat.bot === "member") items.push(member("设机器人为管理员", "promote_bot"));
    if (chat.bot === "administrator") items.push(member("取消机器人的管理员", "add_bot"));
    items.push(member("退出本群", "leave"));
  }
  $("#menu-items").replaceChildren(...items.map(([label, does]) => element("button", {
    type: "button", onclick: async () => {
      $("#menu").open = false;
      await does();
      await drawChats();
    },
  }, label)));
}

// -- messages ------------------------------------------------------------------------------

async function drawMessages({ toEnd = false } = {}) {
  const at = `${state.person}/${state.chat}`;
  const seen = await look("seen", { person: state.person, chat: state.chat });
  if (at !== `${state.person}/${state.chat}`) return;
  const list = $("#messages");
  const wasAtEnd = toEnd || list.scrollHeight - list.scrollTop - list.clientHeight < 120;
  const rows = [];
  let day = "";
  let before = null;
  for (const message of seen.messages) {
    const thisDay = dayFormat.format(message.at * 1000);
    if (thisDay !== day) {
      rows.push(kept(`day ${thisDay}`, "", () => element("div", { class: "day" }, thisDay)));
      before = null;
    }
    day = thisDay;
    const follows = before !== null && !before.service && before.sender_id === message.sender_id
      && message.at - before.at < 300;
    rows.push(kept(message.id, JSON.stringify([message, follows]), () => drawMessage(message, follows)));
    before = message;
  }
  if (!rows.length) rows.push(welcome());
  // Only what differs is touched, so that a picture or a spoiler does not flicker.
  rows.forEach((row, index) => {
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
  while (list.children.length > rows.length) list.lastChild.remove();
  if (wasAtEnd) scrollToEnd();
  state.commands = seen.commands;
  drawKeyboard(seen.keyboard);
  drawPinned(seen.pinned);
  if (document.visibilityState === "visible" && chatNow()?.unread) act("read", here());
}

function kept(key, version, make) {
  const drawn = state.drawn.get(key);
  if (drawn?.version === version) return drawn.row;
  const row = make();
  state.drawn.set(key, { version, row });
  return row;
}

function scrollToEnd() {
  const list = $("#messages");
  list.scrollTop = list.scrollHeight;
}

function welcome() {
  const chat = chatNow();
  const text = chat?.private ? state.known.bot.description || "按“开始”，和机器人说第一句话。" : "群里还没有消息。";
  return element("div", { class: "welcome" }, text);
}

function drawMessage(message, follows) {
  if (message.service) return element("div", { class: "service" }, message.service);
  const chat = chatNow();
  const bubble = element("div", { class: "bubble" });
  if (message.only_for_you) bubble.append(element("div", { class: "only" }, "仅你可见"));
  if (!message.mine && chat && !chat.private && !follows) {
    const name = element("div", { class: "sender" }, message.sender);
    name.style.setProperty("--hue", String((message.sender_id * 47) % 360));
    bubble.append(name);
  }
  if (message.forwarded_from) bubble.append(element("div", { class: "forwarded" }, `转发自 ${message.forwarded_from}`));
  if (message.reply_to) {
    bubble.append(element("button", { type: "button", class: "quoted", onclick: () => showMessage(message.reply_to.id) },
      element("b", {}, message.reply_to.sender), element("span", {}, message.reply_to.text)));
  }
  if (message.photo) {
    bubble.append(element("a", { href: `/sandbox/file/${message.photo}`, target: "_blank", class: "photo" },
      element("img", { src: `/sandbox/file/${message.photo}`, alt: message.text || "图片", onload: () => nearEnd() && scrollToEnd() })));
  }
  if (message.document) {
    const size = message.document.file_size;
    bubble.append(element("a", { class: "document", href: `/sandbox/file/${message.document.file_id}`,
      download: message.document.file_name }, element("span", { class: "icon" }, suffix(message.document.file_name)),
    element("span", {}, element("b", {}, message.document.file_name),
      element("small", {}, size < 1024 ? `${size} B` : size < 1048576 ? `${(size / 1024).toFixed(1)} KB` : `${(size / 1048576).toFixed(1)} MB`))));
  }
  if (message.contact) {
    bubble.append(element("div", { class: "contact" }, element("b", {}, message.contact.first_name),
      element("span", {}, `+${message.contact.phone_number}`)));
  }
  if (message.text) {
    bubble.append(element("div", { class: "text" }, formatted(message.text, message.entities, { say, follow })));
  }
  bubble.append(element("div", { class: "meta" },
    element("button", { type: "button", class: "reply", onclick: () => replyTo(message) }, "回复"),
    message.edited ? "已编辑 " : null, hourFormat.format(message.at * 1000)));
  if (message.reaction) bubble.append(element("span", { class: "reaction" }, message.reaction));
  const row = element("div", { "data-message": message.id,
    class: `row ${message.mine ? "mine" : "theirs"}${follows ? " follows" : ""}${message.only_for_you ? " private" : ""}` }, bubble);
  if (message.buttons.length) row.append(drawButtons(message));
  return row;
}

const nearEnd = () => {
  const list = $("#messages");
  return list.scrollHeight - list.scrollTop - list.clientHeight < 900;
};
const suffix = (name) => (/\.([^.]{1,5})$/.exec(name)?.[1] ?? "文件").toUpperCase();

function showMessage(id) {
  const row = $(`#messages [data-message="${id}"]`);
  row?.scrollIntoView({ block: "center", behavior: "smooth" });
  row?.classList.add("found");
  setTimeout(() => row?.classList.remove("found"), 1200);
}

function drawButtons(message) {
  return element("div", { class: "buttons" }, ...message.buttons.map((row) =>
    element("div", {}, ...row.map((button) => {
      const made = element("button", {
        type: "button", class: `inline ${button.style ?? ""}`, disabled: Boolean(button.disabled),
        onclick: () => press(message, button, made),
      }, button.text, button.url ? element("span", { class: "corner" }, "↗") : null);
      return made;
    }))));
}

async function press(message, button, made) {
  if (button.url) {
    if (!follow(button.url)) window.open(/^[a-z]+:/i.test(button.url) ? button.url : `https://${button.url}`, "_blank", "noopener");
  } else if (button.callback_data) {
    made.classList.add("busy");
    const { query } = await act("tap", here({ message: message.id, data: button.callback_data }))
      .catch(() => ({ query: null }));
    if (query === null) made.classList.remove("busy");
    else {
      state.waiting.set(query, made);
      setTimeout(() => settle(query), 15_000);
    }
  } else if (button.copy_text) {
    await navigator.clipboard?.writeText(button.copy_text.text).catch(() => {});
    toast(`已复制：${button.copy_text.text}`);
  } else {
    toast("沙箱里没有这种按钮。");
  }
}

function settle(query) {
  state.waiting.get(query)?.classList.remove("busy");
  state.waiting.delete(query);
}

function answered(tap) {
  settle(tap.id);
  const { text, show_alert: alert, url } = tap.answer;
  if (text && alert) ask(text, [["好", null]]);
  else if (text) toast(text);
  if (url) follow(url);
}

// -- links to the bot ----------------------------------------------------------------------

// A link to the bot opens its chat here; true when it was one.
function follow(url) {
  const parts = /^(?:https?:\/\/)?t\.me\/([A-Za-z0-9_]+)(?:\?(.*))?$/i.exec(url)
    ?? /^tg:\/\/resolve\?domain=([A-Za-z0-9_]+)&?(.*)$/i.exec(url);
  if (!parts || parts[1].toLowerCase() !== state.known.bot.username.toLowerCase()) return false;
  const query = new URLSearchParams(parts[2] ?? "");
  if (query.has("startgroup")) chooseGroup(query.get("startgroup"));
  else openPrivate(query.get("start"));
  return true;
}

async function openPrivate(payload) {
  const person = state.person;
  await openChat(person);
  if (payload) {
    await act("start", { person, payload });
    await drawChats();
  }
}

async function chooseGroup(payload) {
  const groups = state.known.chats.filter((chat) => !chat.private);
  const group = await ask("把机器人加到哪个群？", [...groups.map((chat) => [chat.title, chat.id]), ["取消", null]]);
  if (group === null) return;
  await act("start", { person: state.person, group, payload });
  await openChat(group);
}

// -- writing -------------------------------------------------------------------------------

async function say(text) {
  if (!text.trim()) return;
  const reply = state.replyTo;
  replyTo(null);
  await act("say", here({ text, reply_to: reply?.id ?? null }));
  scrollToEnd();
}

function replyTo(message) {
  state.replyTo = message;
  $("#replying").hidden = !message;
  if (message) {
    $("#replying span").textContent = `回复 ${message.sender}：${message.text.slice(0, 60) || "…"}`;
    $("#text").focus();
  }
}

function drawKeyboard(keyboard) {
  const isNew = JSON.stringify(keyboard) !== JSON.stringify(state.keyboard);
  state.keyboard = keyboard;
  if (isNew) state.keysHidden = false;
  const rows = keyboard?.keyboard;
  $("#keys").hidden = !rows;
  $("#keyboard").hidden = !rows || state.keysHidden || $("#compose").hidden;
  $("#keyboard").classList.toggle("tall", Boolean(rows) && !keyboard.resize_keyboard);
  $("#text").placeholder = keyboard?.input_field_placeholder ?? "消息";
  if (isNew) {
    $("#keyboard").replaceChildren(...(rows ?? []).map((row) => element("div", {}, ...row.map((key) =>
      element("button", { type: "button", onclick: () => pressKey(key) }, key.text)))));
    if (rows && nearEnd()) requestAnimationFrame(scrollToEnd);
  }
  if (keyboard?.force_reply && isNew) {
    look("seen", { person: state.person, chat: state.chat }).then(({ messages }) => {
      const last = messages.filter((message) => !message.mine && !message.service).at(-1);
      if (last) replyTo(last);
    });
  }
}

async function pressKey(key) {
  if (key.request_contact) {
    const yes = await ask("把你的手机号发给机器人？", [["发送手机号", true], ["取消", null]]);
    if (yes) await act("contact", here());
  } else if (key.request_location || key.request_poll || key.web_app) {
    toast("沙箱里没有这种按钮。");
  } else {
    await say(key.text);
  }
}

function drawPinned(pinned) {
  $("#pinned").hidden = !pinned;
  if (pinned) {
    $("#pinned").textContent = `置顶：${(pinned.text || "图片或文件").split("\n")[0]}`;
    $("#pinned").onclick = () => showMessage(pinned.id);
  }
}

function drawCommands(wanted) {
  const found = wanted === null ? []
    : state.commands.filter((one) => one.command.startsWith(wanted));
  $("#commands").hidden = !found.length;
  $("#commands").replaceChildren(...found.map((one) => element("li", {}, element("button", {
    type: "button", onclick: () => {
      $("#text").value = "";
      drawCommands(null);
      const chat = chatNow();
      say(`/${one.command}${chat.private ? "" : `@${state.known.bot.username}`}`);
    },
  }, element("b", {}, `/${one.command}`), element("span", {}, one.description)))));
  return found.length;
}

async function attach(file) {
  if (!file) return;
  const data = await new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.split(",")[1] ?? "");
    reader.readAsDataURL(file);
  });
  let photo = false;
  if (/^image\/(png|jpeg|gif)$/.test(file.type)) {
    photo = await ask(`发送 ${file.name}`, [["作为图片", true], ["作为文件", false], ["取消", null]]);
    if (photo === null) return;
  }
  const caption = $("#text").value;
  await act("document", here({ name: file.name, data, photo, caption }));
  $("#text").value = "";
}

function growText() {
  const box = $("#text");
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 140)}px`;
}

// -- telling the person --------------------------------------------------------------------

function toast(text) {
  const made = element("div", { class: "toast" }, text);
  $("#toasts").append(made);
  setTimeout(() => made.remove(), Math.min(2500 + text.length * 60, 8000));
}

function ask(text, choices) {
  const dialog = $("#dialog");
  dialog.querySelector("p").textContent = text;
  return new Promise((done) => {
    const finish = (value) => {
      dialog.onclose = null;
      if (dialog.open) dialog.close();
      done(value);
    };
    dialog.querySelector(".choices").replaceChildren(...choices.map(([label, value], index) =>
      element("button", { type: "button", class: index ? "" : "first", onclick: () => finish(value) }, label)));
    dialog.onclose = () => finish(null);
    if (!dialog.open) dialog.showModal();
  });
}

// -- the clock -----------------------------------------------------------------------------

async function readClock(given = null) {
  const { ms } = given ?? await look("clock");
  state.clockAhead = ms - Date.now();
  drawClock();
}

function drawClock() {
  $("#time").textContent = clockFormat.format(Date.now() + state.clockAhead).replace("周", " 周");
}

async function moveClock(body) {
  const moved = await act("clock", body);
  if (moved.note) toast(moved.note);
  await readClock(moved);
}

// -- hearing of changes --------------------------------------------------------------------

function listen() {
  state.stream?.close();
  const stream = new EventSource(`/sandbox/events?person=${state.person}`);
  state.stream = stream;
  stream.onopen = () => {
    // What happened while nobody listened is looked up at once.
    readClock();
    if (state.chat !== null) drawChats().then(() => drawMessages());
  };
  stream.onmessage = (event) => hear(JSON.parse(event.data));
}

async function hear(change) {
  switch (change.kind) {
    case "chat":
      await drawChats();
      if (change.chat === state.chat) {
        $("#messages").classList.remove("typing");
        await drawMessages();
      }
      break;
    case "people":
      if (!$("#people").hidden) drawPeople();
      await drawChats();
      break;
    case "read":
      await drawChats();
      break;
    case "commands":
      if (state.chat !== null) await drawMessages();
      break;
    case "answer":
      answered(change.tap);
      break;
    case "clock":
      await readClock();
      break;
    case "action":
      if (change.chat === state.chat) {
        $("#messages").classList.add("typing");
        setTimeout(() => $("#messages").classList.remove("typing"), 5000);
      }
      break;
  }
}

// -- beginning -----------------------------------------------------------------------------

$("#me").onclick = () => showPeople($("#people").hidden);
$("#search").oninput = drawPeople;
$("#back").onclick = () => document.body.classList.remove("in-chat");
$("#start").onclick = () => act("start", { person: state.person }).then(drawChats);
$("#replying button").onclick = () => replyTo(null);
$("#keys").onclick = () => {
  state.keysHidden = !state.keysHidden;
  drawKeyboard(state.keyboard);
};
$("#slash").onclick = () => {
  if (!$("#commands").hidden) drawCommands(null);
  else if (!drawCommands("")) toast("机器人没有为你设置命令。");
};
$("#attach input").onchange = (event) => {
  attach(event.target.files[0]);
  event.target.value = "";
};
$("#text").oninput = () => {
  growText();
  const typed = /^\/([a-z0-9_]*)$/.exec($("#text").value);
  drawCommands(typed ? typed[1] : null);
};
$("#text").onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("#compose").requestSubmit();
  }
};
$("#compose").onsubmit = (event) => {
  event.preventDefault();
  const text = $("#text").value;
  $("#text").value = "";
  growText();
  drawCommands(null);
  say(text).catch(() => { $("#text").value = text; });
};
for (const button of document.querySelectorAll("#clock [data-seconds]")) {
  button.onclick = () => moveClock({ advance_seconds: Number(button.dataset.seconds) });
}
$("#next-event").onclick = () => moveClock({ next_event: true });
document.addEventListener("click", (event) => {
  if (!event.target.closest("#menu")) $("#menu").open = false;
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && state.chat !== null) drawMessages();
});
setInterval(drawClock, 1000);

await readClock();
const [person, chat] = location.hash.slice(1).split("/").map(Number);
try {
  // An address may name somebody of another sandbox.
  if (person) await look("chats", { person });
  if (person) await become(person, chat || person);
  else showPeople(true);
} catch {
  showPeople(true);
}
