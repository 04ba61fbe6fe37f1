// The guided tour: one card with the current step, and a way to where it is played.

import { openChat } from "./chats.js";
import { moveClock } from "./clock.js";
import { become } from "./people.js";
import { look } from "./server.js";
import { $, remember, remembered, state } from "./state.js";
import { element, icon } from "./text.js";
import { language, phrase } from "./words.js";

let steps = [];
let shown = null; // the step that is looked at: the first that is not done, unless one was chosen
let reading = null;

export function readTour() {
  reading ??= new Promise((done) => setTimeout(done, 150)).then(async () => {
    reading = null;
    try {
      ({ steps = [] } = await look("tour", { language: language() }));
    } catch {
      steps = []; // a sandbox without a tour is a sandbox all the same
    }
    draw();
  });
  return reading;
}

const current = () => steps.find((step) => !step.done);

export function showTour(open) {
  remember("tour", open ? "open" : "closed");
  draw();
  if (open) $("#tour button")?.focus();
  else $("#tour-toggle").focus();
}

function draw() {
  const closed = remembered("tour") === "closed";
  const folded = remembered("tour-folded") === "yes";
  $("#tour").hidden = closed || !steps.length;
  $("#tour-toggle").hidden = !steps.length;
  $("#tour-toggle").setAttribute("aria-expanded", String(!$("#tour").hidden));
  if ($("#tour").hidden) return;
  const step = steps.find((one) => one.id === shown && !one.done) ?? current();
  const key = JSON.stringify([steps, step?.id, folded, language()]);
  if ($("#tour").dataset.drawn === key) return;
  $("#tour").dataset.drawn = key;
  const had = document.activeElement?.closest("#tour") ? document.activeElement.dataset.does : null;
  const done = steps.filter((one) => one.done).length;
  const head = element("div", { class: "tour-head" },
    element("button", { type: "button", class: "fold", "data-does": "fold", "aria-expanded": String(!folded), onclick: () => {
      remember("tour-folded", folded ? "no" : "yes");
      draw();
    } }, icon("down"), element("b", {}, folded && step ? step.title : phrase("tour.title")),
    element("span", { class: "progress-text" }, phrase("tour.progress", { done, total: steps.length }))),
    element("button", { type: "button", class: "round small", "data-does": "close", "aria-label": phrase("tour.close"),
      title: phrase("tour.close"), onclick: () => showTour(false) }, icon("close")));
  const bar = element("div", { class: "progress", role: "progressbar", "aria-valuemin": "0", "aria-valuenow": done,
    "aria-valuemax": steps.length, "aria-label": phrase("tour.title") }, ...steps.map((one) => element("button", {
    type: "button", tabindex: "-1", class: one.done ? "done" : one === step ? "now" : "", title: one.title, "aria-label": one.title,
    onclick: () => {
      shown = one.id;
      draw();
    } })));
  $("#tour").replaceChildren(head, bar);
  $("#tour").classList.toggle("folded", folded);
  if (!folded) $("#tour").append(step ? stepCard(step) : element("p", {}, phrase("tour.finished")));
  if (had) $(`#tour [data-does=${had}]`)?.focus();
}

function stepCard(step) {
  const previous = steps[steps.indexOf(step) - 1];
  const buttons = element("div", { class: "tour-buttons" });
  if (step.person !== null || step.chat !== null) {
    buttons.append(element("button", { type: "button", class: "first", "data-does": "go", onclick: () => go(step) }, phrase("tour.go")));
  }
  if (step.clock) {
    buttons.append(element("button", { type: "button", class: step.person === null ? "first" : "", "data-does": "clock",
      onclick: turn }, icon("clock"), phrase("tour.next-event")));
  }
  return element("div", { class: "step", "aria-live": "polite" },
    previous?.done ? element("p", { class: "ticked" }, icon("check"), previous.title) : null,
    element("h3", {}, `${steps.indexOf(step) + 1}. ${step.title}`), element("p", { class: "step-text" }, step.text), buttons);
}

async function go(step) {
  if (innerWidth <= 760) remember("tour-folded", "yes"); // a small screen is for the chat now
  if (step.person !== null && step.person !== state.person) await become(step.person, step.chat ?? step.person);
  else if (step.chat !== null && state.person !== null) await openChat(step.chat);
  else if (step.person !== null) await openChat(step.person);
  await readTour();
}

async function turn() {
  await moveClock({ next_event: true });
  await readTour();
}

$("#tour-toggle").onclick = () => showTour($("#tour").hidden);
document.addEventListener("language", readTour);
