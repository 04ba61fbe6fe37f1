// Texts with their entities, made of DOM nodes only: nothing a bot or a person writes is
// ever read as HTML. Offsets are UTF-16 units, which is how strings count here anyway.

const PLAIN = {
  bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote",
};

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
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
      return link(/^[a-z]+:/i.test(text) ? text : `https://${text}`, inside, does);
    case "bot_command":
      return element("a", { href: "#", class: "command", onclick: (event) => {
        event.preventDefault();
        does.say(text);
      } }, inside);
    case "spoiler":
      return element("span", { class: "spoiler", onclick: (event) => {
        event.currentTarget.classList.add("open");
      } }, inside);
    case "date_time":
      return element("time", { title: new Date(entity.unix_time * 1000).toLocaleString("zh-CN") }, inside);
    case "mention": case "text_mention": case "hashtag": case "email":
      return element("span", { class: "marked" }, inside);
    default:
      return element(PLAIN[entity.type] ?? "span", {}, inside);
  }
}

function link(url, inside, does) {
  if (!/^(https?|tg|mailto|tel):/i.test(url)) url = `https://${url}`;
  return element("a", { href: url, target: "_blank", rel: "noopener noreferrer", onclick: (event) => {
    if (does.follow(url)) event.preventDefault();
  } }, inside);
}
