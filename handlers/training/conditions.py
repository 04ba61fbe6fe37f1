"""The conditions of a programme, set by its organiser with keys."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session
from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key, pager
from handlers.context import Context, shortened, show, tap
from handlers.training import conditions_words as words
from handlers.training.buttons import OpenRun
from handlers.wiring import AnyApplication, on_run, on_tap, on_text
from locales import catalog
from storage import sheets
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import NotFound
from storage.training import eligibility
from storage.training.eligibility import FIELDS, NUMBERS, Conditions, RuleFacts
from storage.training.making import WrongValue

AWAITED = "cond"
DRAFT = "condition"
LABEL = 40
PAGE = 8
USUAL = {
    "hire_year": (),
    "years_in_service": (1, 3, 5, 10),
    "years_since_national": (1, 2, 3, 5),
    "hours_in_cycle": (60, 120, 240, 360),
}
"""Numbers that are offered as keys; any other can be typed."""


@dataclass(frozen=True)
class OpenConditions(Button):
    """The conditions of a class's programme."""

    tag = "el"
    batch_id: int


@dataclass(frozen=True)
class OpenCondition(Button):
    """One condition."""

    tag = "el1"
    batch_id: int
    rule_id: int


@dataclass(frozen=True)
class SetHard(Button):
    """The condition refuses (1), or only warns (0)."""

    tag = "elh"
    batch_id: int
    rule_id: int
    on: int


@dataclass(frozen=True)
class RemoveCondition(Button):
    """Take the condition away."""

    tag = "elx"
    batch_id: int
    rule_id: int


@dataclass(frozen=True)
class AddCondition(Button):
    """Set a condition: choose what it asks about, then in which way."""

    tag = "ela"
    batch_id: int
    field: str = ""
    op: str = ""


@dataclass(frozen=True)
class PickValue(Button):
    """Of the condition that is being set: this one of the values, or this number; -1 turns."""

    tag = "elv"
    number: int
    page: int = 0


@dataclass(frozen=True)
class SetCondition(Button):
    """Set the condition as it was chosen: hard (1), or soft (0)."""

    tag = "elg"
    hard: int


def install(application: AnyApplication) -> None:
    on_run(application, {Act.RUN_PROGRAMME}, _label, OpenConditions, prepares=True)
    on_tap(application, OpenConditions, open_conditions)
    on_tap(application, OpenCondition, open_condition)
    on_tap(application, SetHard, set_hard)
    on_tap(application, RemoveCondition, remove)
    on_tap(application, AddCondition, add)
    on_tap(application, PickValue, pick)
    on_tap(application, SetCondition, settle)
    on_text(application, AWAITED, typed)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Conditions")


# --- cards -------------------------------------------------------------------------------------


def conditions_card(facts: Conditions, language: str) -> Card:
    """All conditions, each a key, and how many people they leave."""
    _ = catalog(language).gettext
    lines = [_("<b>Conditions: {title}</b>").format(title=html.escape(facts.title))]
    keys: list[tuple[Key, ...]] = []
    for number, rule in enumerate(facts.rules, 1):
        lines.append(f"{number}. {_said(rule, language)}")
        label = shortened(f"{number}. {html.unescape(words.rule_text(rule, language))}", LABEL)
        keys.append((Key(label, OpenCondition(facts.batch_id, rule.rule_id)),))
    if not facts.rules:
        lines.append(_("Whoever is in the audience may register."))
    lines.append(
        _(
            "In the audience: {audience}. May register: {eligible}. "
            "Meet every condition: {welcome}."
        ).format(audience=facts.audience, eligible=facts.eligible, welcome=facts.welcome)
    )
    keys.append((Key(_("Add a condition"), AddCondition(facts.batch_id)),))
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenRun(facts.batch_id)),)))


def _said(rule: RuleFacts, language: str) -> str:
    _ = catalog(language).gettext
    text = words.rule_text(rule, language)
    if rule.hard:
        return _("{condition} (required)").format(condition=text)
    return _("{condition} (recommended)").format(condition=text)


def condition_card(facts: Conditions, rule: RuleFacts, language: str) -> Card:
    """One condition: what comes of not meeting it, and what can be changed."""
    _ = catalog(language).gettext
    meaning = (
        _("Whoever does not meet it cannot register, and is told why.")
        if rule.hard
        else _("Whoever does not meet it is told, and asked once before registering.")
    )
    text = f"<b>{_said(rule, language)}</b>\n{meaning}"
    of = (facts.batch_id, rule.rule_id)
    other = _("Only recommend it") if rule.hard else _("Require it")
    keys = (
        (Key(other, SetHard(*of, int(not rule.hard))), Key(_("Remove"), RemoveCondition(*of))),
        (Key(_("Back"), OpenConditions(facts.batch_id)),),
    )
    return Card(text, keys)


def values_card(data: Mapping[str, Any], page: int, language: str) -> Card:
    """The values to choose from, or the numbers; what is chosen has a mark."""
    _ = catalog(language).gettext
    of, op = data["field"], data["op"]
    chosen: list[str] = data["values"]
    keys: list[tuple[Key, ...]] = []
    if of in NUMBERS:
        text = f"<b>{words.field(of, language)}</b>\n"
        text += _("Please choose a number, or type one.")
        row = [Key(str(n), PickValue(n)) for n in USUAL[of]]
        keys += [tuple(row)] if row else []
    else:
        choices: list[str] = data["choices"]
        text = f"<b>{words.field(of, language)}</b>\n"
        text += _("Please choose one or several.") if choices else _("There is nothing to choose.")
        pages = max(1, -(-len(choices) // PAGE))
        page = min(max(0, page), pages - 1)
        for number, one in list(enumerate(choices))[page * PAGE : (page + 1) * PAGE]:
            mark = "✓" if one in chosen else "○"
            label = shortened(f"{mark} {words.value(of, one, language)}", LABEL)
            keys.append((Key(label, PickValue(number, page)),))
        turn = pager(page, pages, lambda where: PickValue(-1, where))
        keys += [turn] if turn else []
    if chosen:
        rule = RuleFacts(0, of, op, tuple(chosen), hard=True)
        text += "\n" + words.rule_text(rule, language)
        keys.append(
            (
                Key(_("Require it"), SetCondition(1), style="primary"),
                Key(_("Only recommend it"), SetCondition(0)),
            )
        )
    return Card(text, (*keys, (Key(_("Cancel"), OpenConditions(data["batch_id"])),)))


# --- handlers ----------------------------------------------------------------------------------


async def open_conditions(update: Update, context: Context) -> None:
    """Show the conditions."""
    button = OpenConditions.parse(tap(update).data)
    await _show(update, context, await context.reader(update), button.batch_id)


async def _show(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    facts = await context.read(
        eligibility.conditions, reader.linked_teacher_id, batch_id, now=context.now()
    )
    await show(update, context, reader, conditions_card(facts, reader.language))


async def open_condition(update: Update, context: Context) -> None:
    """Show one condition."""
    button = OpenCondition.parse(tap(update).data)
    await _show_one(update, context, button.batch_id, button.rule_id)


async def _show_one(update: Update, context: Context, batch_id: int, rule_id: int) -> None:
    reader = await context.reader(update)
    facts = await context.read(
        eligibility.conditions, reader.linked_teacher_id, batch_id, now=context.now()
    )
    rule = next((one for one in facts.rules if one.rule_id == rule_id), None)
    if rule is None:
        raise NotFound("condition")
    await show(update, context, reader, condition_card(facts, rule, reader.language))


async def set_hard(update: Update, context: Context) -> None:
    """Let the condition refuse, or only warn."""
    button = SetHard.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        eligibility.set_hard,
        reader.linked_teacher_id,
        button.batch_id,
        button.rule_id,
        hard=bool(button.on),
        now=context.now(),
    )
    await _show_one(update, context, button.batch_id, button.rule_id)


async def remove(update: Update, context: Context) -> None:
    """Take the condition away; it is set again in four taps, so nothing is asked."""
    button = RemoveCondition.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        eligibility.remove_rule,
        reader.linked_teacher_id,
        button.batch_id,
        button.rule_id,
        now=context.now(),
    )
    await _show(update, context, reader, button.batch_id)


async def add(update: Update, context: Context) -> None:
    """Ask what the condition is about, in which way, and then with which value."""
    button = AddCondition.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    cancel = (Key(_("Cancel"), OpenConditions(button.batch_id)),)
    if button.field not in FIELDS:
        every = [
            Key(words.field(of, reader.language), AddCondition(button.batch_id, of))
            for of in FIELDS
        ]
        rows = [tuple(every[n : n + 2]) for n in range(0, len(every), 2)]
        await show(
            update, context, reader, Card(_("What does the condition ask about?"), (*rows, cancel))
        )
        return
    ways = eligibility.ops(button.field)
    if button.op not in ways:
        names = {
            "is": _("is one of"),
            "is_not": _("is none of"),
            "at_least": _("at least"),
            "at_most": _("at most"),
        }
        keys = tuple(
            (Key(names[op], AddCondition(button.batch_id, button.field, op)),) for op in ways
        )
        text = f"<b>{words.field(button.field, reader.language)}</b>"
        await show(update, context, reader, Card(text, (*keys, cancel)))
        return
    data = await context.write(
        _begin, reader, button.batch_id, button.field, button.op, now=context.now()
    )
    await show(update, context, reader, values_card(data, 0, reader.language))


def _begin(
    session: Session, reader: Reader, batch_id: int, field: str, op: str, *, now: datetime
) -> dict[str, Any]:
    eligibility.conditions(session, reader.linked_teacher_id, batch_id, now=now)  # may they?
    data = {
        "batch_id": batch_id,
        "field": field,
        "op": op,
        "choices": list(eligibility.choices(session, field)),
        "values": [],
    }
    drafts.keep(session, reader.account_id, DRAFT, data, now=now)
    if field in NUMBERS:
        accounts.await_text(session, reader.account_id, f"{AWAITED}:{batch_id}", now=now)
    return data


async def pick(update: Update, context: Context) -> None:
    """Choose a value, or take the choice back."""
    button = PickValue.parse(tap(update).data)
    reader = await context.reader(update)
    data = await context.write(_pick, reader, button.number, now=context.now())
    await show(update, context, reader, values_card(data, button.page, reader.language))


def _pick(session: Session, reader: Reader, number: int, *, now: datetime) -> dict[str, Any]:
    data = _draft(session, reader)
    if data["field"] in NUMBERS:
        data["values"] = [str(number)] if number >= 0 else data["values"]
    elif 0 <= number < len(data["choices"]):
        one, chosen = data["choices"][number], list(data["values"])
        data["values"] = [x for x in chosen if x != one] if one in chosen else [*chosen, one]
    drafts.keep(session, reader.account_id, DRAFT, data, now=now)
    return data


def _draft(session: Session, reader: Reader) -> dict[str, Any]:
    data = drafts.read(session, reader.account_id, DRAFT)
    if data is None:
        raise NotFound("draft")
    return data


async def typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed number."""
    number = sheets.as_number(text)
    if number is None or number < 0:
        raise WrongValue("number")
    data = await context.write(_typed, reader, number, now=context.now())
    await show(update, context, reader, values_card(data, 0, reader.language))


def _typed(session: Session, reader: Reader, number: Any, *, now: datetime) -> dict[str, Any]:
    data = _draft(session, reader)
    data["values"] = [f"{number.normalize():f}"]
    drafts.keep(session, reader.account_id, DRAFT, data, now=now)
    return data


async def settle(update: Update, context: Context) -> None:
    """Set the condition; tapped twice it is set once."""
    button = SetCondition.parse(tap(update).data)
    reader = await context.reader(update)
    batch_id = await context.write(_settle, reader, bool(button.hard), now=context.now())
    await _show(update, context, reader, batch_id)


def _settle(session: Session, reader: Reader, hard: bool, *, now: datetime) -> int:
    data = _draft(session, reader)
    eligibility.add_rule(
        session,
        reader.linked_teacher_id,
        data["batch_id"],
        field=data["field"],
        op=data["op"],
        values=data["values"],
        hard=hard,
        now=now,
    )
    drafts.drop(session, reader.account_id, DRAFT)
    return int(data["batch_id"])
