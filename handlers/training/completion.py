"""Completion: what follows for whom, the decision, make-ups, and taking a completion back."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key, pager
from handlers.context import Context, shortened, show, tap
from handlers.training import words
from handlers.training.results import OpenAssessment, OpenResults
from handlers.training.results_text import (
    assessment_text,
    decided_text,
    has_text,
    lacks_text,
    own_left_text,
    verdict_name,
)
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_tap, on_text, on_waiting
from locales import catalog, dates
from storage.moments import local_day
from storage.people import accounts
from storage.people.accounts import Reader
from storage.training import completion, results
from storage.training.completion import (
    SETTLES,
    Assessment,
    Confirmed,
    JudgementChanged,
    Lines,
    PersonFacts,
    Verdict,
)
from storage.training.remote import plan
from storage.training.tables import RegistrationState

AWAITED = "decide"
AWAITED_REVOKE = "revoke"
LABEL = 40
DAYS = (7, 14, 28)


@dataclass(frozen=True)
class ListPeople(Button):
    """Those for whom this follows, or who were decided as this (``is_…``), page by page."""

    tag = "cpll"
    batch_id: int
    kind: str
    page: int = 0


@dataclass(frozen=True)
class OpenParticipant(Button):
    """One participant with all that bears on the decision."""

    tag = "cplp"
    registration_id: int


@dataclass(frozen=True)
class DecideByHand(Button):
    """Decide on one person; the reason is typed."""

    tag = "cplh"
    registration_id: int
    completed: int


@dataclass(frozen=True)
class ConfirmCompletion(Button):
    """Decide on everybody for whom something follows, as it was shown (``mark``)."""

    tag = "cplc"
    batch_id: int
    sure: int = 0
    mark: int = 0


@dataclass(frozen=True)
class GiveMakeUp(Button):
    """Let one (or all who may: 0) make good what is missing, for so many days (0: ask)."""

    tag = "cplm"
    batch_id: int
    registration_id: int = 0
    days: int = 0


@dataclass(frozen=True)
class RevokeCompletion(Button):
    """Take a completion back; the reason is typed."""

    tag = "cplr"
    registration_id: int


def install(application: AnyApplication) -> None:
    on_tap(application, OpenAssessment, open_assessment)
    on_waiting(application, ["make_up"], OpenAssessment)
    on_tap(application, ListPeople, open_people)
    on_tap(application, OpenParticipant, open_participant)
    on_tap(application, DecideByHand, ask_reason)
    on_tap(application, ConfirmCompletion, confirm)
    on_tap(application, GiveMakeUp, give_make_up)
    on_tap(application, RevokeCompletion, ask_why_revoked)
    on_text(application, AWAITED, reason_given)
    on_text(application, AWAITED_REVOKE, revoke_reason_given)


def assessment_card(facts: Assessment, language: str, zone: ZoneInfo, today: date) -> Card:
    """What confirming would do, the lists behind the figures, and the keys."""
    _ = catalog(language).gettext
    id_ = facts.batch_id
    rows: list[tuple[Key, ...]] = [
        (
            Key(
                shortened(_begun(verdict_name(verdict, language)), LABEL),
                ListPeople(id_, verdict.value),
            ),
        )
        for verdict in Verdict
        if facts.counts.get(verdict)
    ]
    rows += [
        (
            Key(
                shortened(_begun(words.standing(state, language)), LABEL),
                ListPeople(id_, f"is_{state.value}"),
            ),
        )
        for state in results.DECIDED
        if facts.decided.get(state)
    ]
    if facts.settles and facts.is_over:
        label = _("Confirm for {n}").format(n=facts.settles)
        rows.append((Key(label, ConfirmCompletion(id_), style="primary"),))
    if facts.may_make_up:
        label = _("Make-up for {n}").format(n=facts.may_make_up)
        rows.append((Key(label, GiveMakeUp(id_)),))
    back = (Key(_("Back"), OpenResults(id_)),)
    return Card(assessment_text(facts, language, zone, today), (*rows, back))


def sure_card(facts: Assessment, language: str, *, changed: bool = False) -> Card:
    """Ask once more before everybody is decided."""
    _ = catalog(language).gettext
    ngettext = catalog(language).ngettext
    lines = [_("Meanwhile something has changed; nobody has been decided.")] if changed else []
    lines += [
        ngettext("Decide on {n} person?", "Decide on {n} people?", facts.settles).format(
            n=facts.settles
        )
    ]
    lines += [
        "· "
        + _("{state}: {n}").format(
            state=_begun(verdict_name(verdict, language)), n=facts.counts[verdict]
        )
        for verdict in SETTLES
        if facts.counts.get(verdict)
    ]
    if facts.certificate and facts.counts.get(Verdict.COMPLETED):
        lines.append(_("Those who complete get a certificate number."))
    lines.append(_("It can be undone for ten minutes; hours are posted apart."))
    sure = ConfirmCompletion(facts.batch_id, 1, facts.mark)
    return Card(
        "\n".join(lines),
        (
            (
                Key(_("Confirm"), sure, style="primary"),
                Key(_("Back"), OpenAssessment(facts.batch_id)),
            ),
        ),
    )


def confirmed_card(done: Confirmed, language: str) -> Card:
    """What the decision came to, and Undo."""
    _ = catalog(language).gettext
    lines = [
        f"<b>{html.escape(done.title)}</b>",
        decided_text(done.counts, language),
    ]
    if done.own:
        lines.append(own_left_text(language))
    rows: list[tuple[Key, ...]] = []
    if done.deed_id is not None:
        rows.append((undo_key(done.deed_id, language),))
    rows.append((Key(_("Completion"), OpenAssessment(done.batch_id)),))
    return Card("\n".join(lines), tuple(rows))


def people_card(facts: Lines, language: str) -> Card:
    """A page of people of one kind, each a key, with what they have."""
    _ = catalog(language).gettext
    if facts.kind.startswith("is_"):
        state = RegistrationState(facts.kind.removeprefix("is_"))
        kind = words.standing(state, language)
    else:
        kind = verdict_name(Verdict(facts.kind), language)
    lines = [f"<b>{html.escape(facts.title)}</b>", _begun(kind)]
    if not facts.lines:
        lines.append(_("The list is empty."))
    for line in facts.lines:
        text = _("{name}: {state}").format(
            name=html.escape(line.name),
            state=has_text(line.has, line.score, facts.needs, language),
        )
        if line.judged.lacks:
            text += f" · {lacks_text(line.judged.lacks, language)}"
        lines.append(text)
    keys = [
        (
            Key(
                shortened(f"{line.name} · {line.unit}", LABEL),
                OpenParticipant(line.registration_id),
            ),
        )
        for line in facts.lines
    ]
    turn = pager(facts.page, facts.pages, lambda page: ListPeople(facts.batch_id, facts.kind, page))
    back = (Key(_("Back"), OpenAssessment(facts.batch_id)),)
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), back))


def person_card(facts: PersonFacts, language: str, zone: ZoneInfo, today: date) -> Card:
    """One participant, and what can be decided."""
    del zone
    _ = catalog(language).gettext
    line = facts.line
    lines = [
        f"<b>{html.escape(line.name)}</b>, {html.escape(line.unit)}",
        html.escape(facts.title),
        _begun(words.standing(line.state, language)),
        has_text(line.has, line.score, facts.needs, language),
    ]
    if line.judged.lacks and line.state is not RegistrationState.COMPLETED:
        lines.append(_("Missing: {what}").format(what=lacks_text(line.judged.lacks, language)))
    if line.has.make_up_until is not None:
        lines.append(
            _("Make-up until {day}").format(day=dates.day(line.has.make_up_until, language, today))
        )
    if facts.certificate_no is not None:
        sentence = (
            _("Certificate {number}")
            if facts.certificate_on is not None
            else _("Certificate {number}, revoked")
        )
        lines.append(sentence.format(number=html.escape(facts.certificate_no)))
    if facts.has_hours:
        lines.append(_("Hours have been posted."))
    id_ = line.registration_id
    rows: list[tuple[Key, ...]] = []
    if line.state is RegistrationState.COMPLETED:
        rows.append((Key(_("Revoke completion"), RevokeCompletion(id_), style="danger"),))
    else:
        row = [Key(_("Completed"), DecideByHand(id_, 1))]
        if line.state in results.OPEN:
            row.append(Key(_("Not completed"), DecideByHand(id_, 0)))
        rows.append(tuple(row))
    if line.state is RegistrationState.NOT_COMPLETED:
        rows.append((Key(_("Allow a make-up"), GiveMakeUp(facts.batch_id, id_)),))
    rows.append((Key(_("Back"), OpenAssessment(facts.batch_id)),))
    return Card("\n".join(lines), tuple(rows))


def make_up_card(
    batch_id: int, registration_id: int, language: str, today: date, window: date | None = None
) -> Card:
    """Until when may what is missing be made good? First the end of the class's own window."""
    _ = catalog(language).gettext
    text = _(
        "Until when may what is missing be made good? Those concerned are told with their next "
        "daily brief, and take part again until then."
    )
    left = 0 if window is None else (window - today).days
    keys = tuple(
        (
            Key(
                _("Until {day}").format(
                    day=dates.day(today + timedelta(days=days), language, today)
                ),
                GiveMakeUp(batch_id, registration_id, days),
            ),
        )
        for days in (*(() if left <= 0 else (left,)), *(days for days in DAYS if days != left))
    )
    back = OpenParticipant(registration_id) if registration_id else OpenAssessment(batch_id)
    return Card(text, (*keys, (Key(_("Back"), back),)))


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


async def open_assessment(update: Update, context: Context) -> None:
    batch_id = OpenAssessment.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    facts = await _assessed(context, reader, batch_id)
    zone = context.house.zone
    card = assessment_card(facts, reader.language, zone, local_day(context.now(), zone))
    await show(update, context, reader, card)


async def _assessed(context: Context, reader: Reader, batch_id: int) -> Assessment:
    return await context.read(
        completion.assess, reader.linked_teacher_id, batch_id, now=context.now()
    )


async def open_people(update: Update, context: Context) -> None:
    button = ListPeople.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.write(
        completion.people,
        reader.linked_teacher_id,
        button.batch_id,
        button.kind,
        page=button.page,
        now=context.now(),
    )
    await show(update, context, reader, people_card(facts, reader.language))


async def open_participant(update: Update, context: Context) -> None:
    registration_id = OpenParticipant.parse(tap(update).data).registration_id
    reader = await context.reader(update)
    now, zone = context.now(), context.house.zone
    facts = await context.write(
        completion.person, reader.linked_teacher_id, registration_id, now=now
    )
    card = person_card(facts, reader.language, zone, local_day(now, zone))
    await show(update, context, reader, card)


async def confirm(update: Update, context: Context) -> None:
    """Ask once more, then decide on everybody for whom something follows."""
    button = ConfirmCompletion.parse(tap(update).data)
    reader = await context.reader(update)
    if not button.sure:
        facts = await _assessed(context, reader, button.batch_id)
        await show(update, context, reader, sure_card(facts, reader.language))
        return
    try:
        done = await context.write(
            completion.confirm,
            reader.linked_teacher_id,
            button.batch_id,
            now=context.now(),
            shown=button.mark,
        )
    except JudgementChanged:
        facts = await _assessed(context, reader, button.batch_id)
        await show(update, context, reader, sure_card(facts, reader.language, changed=True))
        return
    await show(update, context, reader, confirmed_card(done, reader.language))


async def ask_reason(update: Update, context: Context) -> None:
    """Wait for the reason of a decision by hand."""
    button = DecideByHand.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    text = (
        _("“Completed”: please send the reason in one message; the teacher reads it.")
        if button.completed
        else _("“Not completed”: please send the reason in one message; the teacher reads it.")
    )
    awaited = f"{AWAITED}:{button.registration_id}:{int(bool(button.completed))}"
    await _ask(update, context, reader, button.registration_id, text, awaited)


async def ask_why_revoked(update: Update, context: Context) -> None:
    """Wait for the reason of a revocation."""
    button = RevokeCompletion.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    text = _(
        "The completion is taken back, the certificate is revoked and posted hours are reversed. "
        "Please send the reason in one message; the teacher reads it."
    )
    awaited = f"{AWAITED_REVOKE}:{button.registration_id}"
    await _ask(update, context, reader, button.registration_id, text, awaited)


async def _ask(
    update: Update,
    context: Context,
    reader: Reader,
    registration_id: int,
    text: str,
    awaited: str,
) -> None:
    now = context.now()
    # Whoever may not decide is told so before a reason is asked for.
    await context.write(completion.person, reader.linked_teacher_id, registration_id, now=now)
    await context.write(accounts.await_text, reader.account_id, awaited, now=now)
    _ = catalog(reader.language).gettext
    keys = ((Key(_("Cancel"), OpenParticipant(registration_id)),),)
    await show(update, context, reader, Card(text, keys))


async def reason_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed text as the reason of a decision by hand."""
    _awaited, registration_id, completed = reader.awaiting.split(":")
    now = context.now()
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    done = await context.write(
        completion.decide_by_hand,
        reader.linked_teacher_id,
        int(registration_id),
        completed == "1",
        text,
        now=now,
    )
    await show(update, context, reader, confirmed_card(done, reader.language))


async def revoke_reason_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed text as the reason of a revocation."""
    registration_id = int(reader.awaiting.partition(":")[2])
    now, zone = context.now(), context.house.zone
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    await context.write(completion.revoke, reader.linked_teacher_id, registration_id, text, now=now)
    facts = await context.write(
        completion.person, reader.linked_teacher_id, registration_id, now=now
    )
    card = person_card(facts, reader.language, zone, local_day(now, zone))
    await show(update, context, reader, card)


async def give_make_up(update: Update, context: Context) -> None:
    """Ask until when, then let what is missing be made good."""
    button = GiveMakeUp.parse(tap(update).data)
    reader = await context.reader(update)
    now = context.now()
    today = local_day(now, context.house.zone)
    if not button.days:
        window = await context.read(plan.make_up_day, button.batch_id)
        card = make_up_card(button.batch_id, button.registration_id, reader.language, today, window)
        await show(update, context, reader, card)
        return
    done = await context.write(
        completion.give_make_up,
        reader.linked_teacher_id,
        button.batch_id,
        today + timedelta(days=min(max(button.days, 1), 365)),
        now=now,
        registration_id=button.registration_id or None,
    )
    await show(update, context, reader, confirmed_card(done, reader.language))
