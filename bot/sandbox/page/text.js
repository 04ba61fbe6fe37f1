// Texts with their entities, made of DOM nodes only: nothing a bot or a person writes is
// ever read as HTML. Offsets are UTF-16 units, which is how strings count here anyway.

import { fullMoment } from "./words.js";

const PLAIN = {
  bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote",
};
const SVG = "http://www.w3.org/2000/svg";

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// One of the symbols that index.html holds.
export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  made.append(use);
  return made;
}

// A note of one who has not linked yet ends in the code to link with.
export const noteAndCode = (note) => /^(.*?)(?: · 邀请码 (\w+))?$/s.exec(note).slice(1);

export const hueOf = (id) => String((Math.abs(Number(id)) * 47) % 360);

// The round picture of somebody, in a colour of their own: what one calls a person (the last
// two characters of a Chinese name) or what a group begins with.
export function face(target, name, id) {
  const short = /^[\x20-\x7e]+$/.test(name)
    ? name.split(/\s+/).slice(0, 2).map((word) => word[0]).join("").toUpperCase()
    : [...name.replace(/^[\d年届]+/, "")].slice(...(id < 0 ? [0, 2] : [-2])).join("");
  target.textContent = short;
  target.style.setProperty("--hue", hueOf(id));
  return target;
}

export function formatted(text, entities, does) {
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return nested(text, 0, text.length, sorted, does);
}

function nested(text, from, to, entities, does) {
  const made = document.createDocumentFragment();
  let at = from;
  for (let i = 0; i < entities.length;) {
    const entity = entities[i];
    const begin = Math.max(entity.offset, at);
    const end = Math.min(entity.offset + entity.length, to);
    let next = i + 1;
    while (next < entities.length && entities[next].offset < end) next += 1;
    if (end > begin) {
      made.append(text.slice(at, begin));
      const inside = nested(text, begin, end, entities.slice(i + 1, next), does);
      made.append(wrapped(entity, text.slice(begin, end), inside, does));
      at = end;
    }
    i = next;
  }
  made.append(text.slice(at, to));
  return made;
}

function wrapped(entity, text, inside, does) {
  switch (entity.type) {
    case "text_link":
      return link(entity.url, inside, does);
    case "url":
      return link(text, inside, does);
    case "bot_command":
      return element("a", { href: "#", class: "command", onclick: (event) => {
        event.preventDefault();
        does.say(text);
      } }, inside);
    case "spoiler":
      return spoiler(inside);
    case "date_time":
      return element("time", { title: fullMoment(entity.unix_time * 1000) }, inside);
    case "mention": case "text_mention": case "hashtag": case "email":
      return element("span", { class: "marked" }, inside);
    default:
      return element(PLAIN[entity.type] ?? "span", {}, inside);
  }
}

function spoiler(inside) {
  const open = (event) => {
    if (event.type === "keydown" && event.key !== "Enter") return;
    event.currentTarget.classList.add("open");
  };
  return element("span", { class: "spoiler", tabindex: "0", role: "button", onclick: open, onkeydown: open }, inside);
}

// What a bot calls an address may be anything; only these kinds are ever opened.
export const safeAddress = (url) => (/^(https?|tg|mailto|tel):/i.test(url) ? url : `https://${url}`);

function link(given, inside, does) {
  const url = safeAddress(given);
  return element("a", { href: url, target: "_blank", rel: "noopener noreferrer", onclick: (event) => {
    if (does.follow(url)) event.preventDefault();
  } }, inside);
}
