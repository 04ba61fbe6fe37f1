// Telling and asking the person: toasts that pass, and one dialog.

import { act } from "./server.js";
import { $ } from "./state.js";
import { element } from "./text.js";
import { phrase } from "./words.js";

export function toast(text) {
  const made = element("div", { class: "toast" }, text);
  $("#toasts").append(made);
  setTimeout(() => made.classList.add("going"), Math.min(2500 + text.length * 60, 8000));
  setTimeout(() => made.remove(), Math.min(2750 + text.length * 60, 8250));
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page that does not come from this computer has no clipboard but the old one.
    const box = element("textarea", {}, text);
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
  toast(phrase("copied", { text }));
}

// Do something on the server; what it refuses is told, and null is returned.
export async function attempt(path, body) {
  try {
    return await act(path, body);
  } catch (error) {
    toast(error.message || phrase("failed"));
    return null;
  }
}

// Choices are [label, value] pairs; fields are [name, label, value] triples. The answer is the
// value of the choice (with fields: an object of what was typed), or null when it was closed.
export function ask(text, choices, fields = []) {
  const dialog = $("#dialog");
  dialog.querySelector("p").textContent = text;
  const boxes = fields.map(([name, label, value]) => element("label", { class: "field" },
    element("span", {}, label), element("input", { name, value, autocomplete: "off" })));
  dialog.querySelector(".fields").replaceChildren(...boxes);
  return new Promise((done) => {
    const finish = (value) => {
      dialog.onclose = null;
      if (dialog.open) dialog.close();
      done(value && fields.length ? Object.fromEntries(new FormData(dialog.querySelector("form"))) : value);
    };
    dialog.querySelector(".choices").replaceChildren(...choices.map(([label, value], index) =>
      element("button", index ? { type: "button", onclick: () => finish(value) } : { type: "submit", class: "first" }, label)));
    dialog.querySelector(".choices").classList.toggle("tall", choices.length > 3);
    dialog.querySelector("form").onsubmit = (event) => {
      event.preventDefault();
      finish(choices[0][1]);
    };
    dialog.onclose = () => finish(null);
    if (!dialog.open) dialog.showModal();
    (boxes[0]?.querySelector("input") ?? dialog.querySelector(".choices button")).focus();
  });
}
