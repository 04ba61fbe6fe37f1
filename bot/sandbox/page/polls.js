// A poll in a bubble: choices to tap, and bars once the result may be seen.

import { here } from "./state.js";
import { attempt } from "./telling.js";
import { element, icon } from "./text.js";
import { phrase } from "./words.js";

export function drawPoll(message) {
  const { poll } = message;
  const shown = poll.voted || poll.is_closed;
  const kind = poll.is_closed ? "poll.closed" : poll.type === "quiz" ? "poll.quiz"
    : poll.is_anonymous ? "poll.anonymous" : "poll.open";
  const made = element("div", { class: "poll", role: "group", "aria-label": poll.question },
    element("b", { class: "question" }, poll.question), element("small", {}, phrase(kind)));
  const vote = (options) => attempt("vote", here({ message: message.id, options }));
  const several = poll.allows_multiple_answers;
  poll.options.forEach((option, index) => {
    if (shown) made.append(bar(option, poll));
    else {
      const choice = element("button", { type: "button", class: "option", role: several ? "checkbox" : "radio",
        "aria-checked": "false", onclick: () => {
          if (!several) {
            choice.setAttribute("aria-checked", "true");
            vote([index]).then((done) => done ?? choice.setAttribute("aria-checked", "false"));
            return;
          }
          choice.setAttribute("aria-checked", String(choice.getAttribute("aria-checked") !== "true"));
          send.disabled = !chosen().length;
        } }, element("span", { class: several ? "mark square" : "mark" }), element("span", {}, option.text));
      made.append(choice);
    }
  });
  const chosen = () => [...made.querySelectorAll(".option")].flatMap((one, index) => (
    one.getAttribute("aria-checked") === "true" ? [index] : []));
  const send = element("button", { type: "button", class: "vote", disabled: true, onclick: () => vote(chosen()) }, phrase("poll.vote"));
  const foot = element("div", { class: "poll-foot" },
    element("small", {}, poll.total_voter_count ? phrase("poll.voters", { count: poll.total_voter_count }) : phrase("poll.nobody")));
  if (!shown && several) foot.append(send);
  if (poll.voted && !poll.is_closed && poll.type !== "quiz") {
    foot.append(element("button", { type: "button", class: "vote", onclick: () => vote([]) }, phrase("poll.retract")));
  }
  made.append(foot);
  return made;
}

function bar(option, poll) {
  const share = poll.total_voter_count ? Math.round(100 * option.voter_count / poll.total_voter_count) : 0;
  const made = element("div", { class: `result${option.mine ? " mine-too" : ""}` },
    element("span", { class: "share" }, `${share}%`),
    element("span", { class: "label" }, option.text, option.mine ? icon("check") : null),
    element("span", { class: "votes" }, String(option.voter_count)), element("span", { class: "gauge" }));
  made.style.setProperty("--share", `${share}%`);
  return made;
}
