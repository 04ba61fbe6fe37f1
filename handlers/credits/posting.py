"""Hours of a class: seen before they are posted, and confirmed by the school where that is due."""

from __future__ import annotations

import html
from dataclasses import dataclass
from decimal import Decimal

from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key, pager
from handlers.context import Context, shortened, show, tap
from handlers.credits.words import amount, category_name, level_name
from handlers.people.buttons import OpenDesk
from handlers.training.buttons import OpenRun
from handlers.training.results import OpenAssessment
from handlers.training.results_text import own_left_text
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_desk, on_run, on_tap
from locales import catalog
from storage.credits import posting
from storage.credits.posting import Confirmed, Done, People, Preview, ToConfirm, Unconfirmed
from storage.people.authority import Act

LABEL = 40
OF_POSTING = ("hours", "hours_changed", "hours_dropped")
SHOWN = 20  # classes and people on the school's cards


@dataclass(frozen=True)
class OpenPosting(Button):
    """What posting the hours of a class would do."""

    tag = "hp"
    batch_id: int


@dataclass(frozen=True)
class PostingPeople(Button):
    """Who gets how much, page by page."""

    tag = "hpl"
    batch_id: int
    page: int = 0


@dataclass(frozen=True)
class PostHours(Button):
    """Post them."""

    tag = "hpp"
    batch_id: int


@dataclass(frozen=True)
class OpenToConfirm(Button):
    """School-based hours that wait for the school's word."""

    tag = "hc"


@dataclass(frozen=True)
class ConfirmClass(Button):
    """Whose hours of this class wait for it."""

    tag = "hcc"
    batch_id: int


@dataclass(frozen=True)
class ConfirmHours(Button):
    """They are right: of one person, or of all (0)."""

    tag = "hcy"
    batch_id: int
    teacher_id: int = 0


def install(application: AnyApplication) -> None:
    on_run(application, [Act.POST_HOURS], _label, OpenPosting, kinds=OF_POSTING)
    on_desk(
        application, [Act.CONFIRM_HOURS], _confirm_label, OpenToConfirm, kinds=["confirm_hours"]
    )
    on_tap(application, OpenPosting, open_posting)
    on_tap(application, PostingPeople, open_people)
    on_tap(application, PostHours, post)
    on_tap(application, OpenToConfirm, open_to_confirm)
    on_tap(application, ConfirmClass, open_class)
    on_tap(application, ConfirmHours, confirm)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Hours")


def _confirm_label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Confirm hours")


def preview_card(facts: Preview, language: str) -> Card:
    """What posting would do: how many people, split how, who gets less, and what is there."""
    _ = catalog(language).gettext
    ngettext = catalog(language).ngettext
    lines = [
        _("<b>Hours</b>: {title}").format(title=html.escape(facts.title)),
        _("{level}, {amount} planned for each who completes.").format(
            level=level_name(facts.level, language), amount=amount(facts.planned, "hour", language)
        ),
    ]
    if facts.by_modules > facts.planned:
        lines.append(
            _("The modules add up to {amount}; they share what was planned in proportion.").format(
                amount=amount(facts.by_modules, "hour", language)
            )
        )
    lines += [
        ngettext(
            "· {category}, {year}: {n} person, {amount} in all",
            "· {category}, {year}: {n} people, {amount} in all",
            sum_.people,
        ).format(
            category=html.escape(category_name(sum_.category, language)),
            year=sum_.year,
            n=sum_.people,
            amount=amount(sum_.hours, "hour", language),
        )
        for sum_ in facts.sums
    ]
    if facts.partial:
        lines.append(
            ngettext(
                "{n} person did not complete and gets {amount} under the rules.",
                "{n} people did not complete and get {amount} each under the rules.",
                facts.partial,
            ).format(n=facts.partial, amount=amount(facts.share, "hour", language))
        )
    for sentence, number in (
        (_("To be posted: {n}"), facts.new),
        (_("Put right: {n}"), facts.changed),
        (_("Taken back, because nobody is due it any more: {n}"), facts.dropped),
        (_("There already: {n}"), facts.already),
        (_("Corrected by hand, stays so: {n}"), facts.by_hand),
        (_("Not decided yet: {n}"), facts.undecided),
    ):
        if number:
            lines.append(sentence.format(n=number))
    if facts.own:
        lines.append(own_left_text(language))
    if facts.is_idle:
        lines.append(_("There is nothing to post now."))
    elif facts.is_pending:
        lines.append(_("School-based hours count once the school has confirmed them."))
    else:
        lines.append(_("Each teacher is told once. It can be undone for 24 hours."))
    id_ = facts.batch_id
    rows: list[tuple[Key, ...]] = []
    if not facts.is_idle:
        rows.append((Key(_("Post"), PostHours(id_), style="primary"),))
    if facts.completed or facts.already or facts.new:
        rows.append((Key(_("Who gets what"), PostingPeople(id_)),))
    if facts.undecided:
        rows.append((Key(_("Completion"), OpenAssessment(id_)),))
    rows.append((Key(_("Back"), OpenRun(id_)),))
    return Card("\n".join(lines), tuple(rows))


def people_card(facts: People, language: str) -> Card:
    """A page of who gets how much."""
    _ = catalog(language).gettext
    standing = {
        "new": _("to be posted"),
        "changed": _("put right"),
        "dropped": _("taken back"),
        "already": _("there already"),
        "by_hand": _("corrected by hand"),
    }
    lines = [f"<b>{html.escape(facts.title)}</b>"]
    if not facts.lines:
        lines.append(_("The list is empty."))
    lines += [
        _("{name}, {unit}: {amount}, {standing}").format(
            name=html.escape(line.name),
            unit=html.escape(line.unit),
            amount=amount(line.hours, "hour", language),
            standing=standing[line.standing],
        )
        for line in facts.lines
    ]
    turn = pager(facts.page, facts.pages, lambda page: PostingPeople(facts.batch_id, page))
    back = (Key(_("Back"), OpenPosting(facts.batch_id)),)
    return Card("\n".join(lines), (*((turn,) if turn else ()), back))


def done_card(done: Done, language: str) -> Card:
    """What posting came to, and Undo."""
    _ = catalog(language).gettext
    ngettext = catalog(language).ngettext
    lines = [f"<b>{html.escape(done.title)}</b>"]
    if not done.people and not done.dropped:
        lines.append(_("Everything was posted already; nothing has changed."))
    elif done.people and done.is_pending:
        lines.append(
            ngettext(
                "{amount} for {n} person wait for the school's word.",
                "{amount} for {n} people wait for the school's word.",
                done.people,
            ).format(amount=amount(done.hours, "hour", language), n=done.people)
        )
    elif done.people:
        lines.append(
            ngettext(
                "{amount} posted for {n} person, who is told with the next daily brief.",
                "{amount} posted for {n} people, who are told with their next daily brief.",
                done.people,
            ).format(amount=amount(done.hours, "hour", language), n=done.people)
        )
    if done.dropped:
        lines.append(_("Taken back, because nobody is due it any more: {n}").format(n=done.dropped))
    if done.own:
        lines.append(own_left_text(language))
    rows: list[tuple[Key, ...]] = []
    if done.deed_id is not None:
        rows.append((undo_key(done.deed_id, language),))
    rows.append((Key(_("Back"), OpenPosting(done.batch_id)),))
    return Card("\n".join(lines), tuple(rows))


def to_confirm_card(found: tuple[ToConfirm, ...], own: int, language: str) -> Card:
    """The classes whose hours wait for the school's word, each to be confirmed in one tap."""
    _ = catalog(language).gettext
    lines = [_("<b>Hours to confirm</b>")]
    if not found:
        lines.append(_("Nothing waits for you."))
    rows: list[tuple[Key, ...]] = []
    for number, item in enumerate(found[:SHOWN], 1):
        text = _("{title}: {what}").format(
            title=html.escape(item.title), what=_sum_text(item, language)
        )
        lines.append(f"{number}. {text}")
        rows.append(
            (
                Key(_("Confirm {n}").format(n=number), ConfirmHours(item.batch_id)),
                Key(_("Look {n}").format(n=number), ConfirmClass(item.batch_id)),
            )
        )
    if own:
        lines.append(own_left_text(language))
    if found:
        lines.append(
            _("Hours that you confirm are posted, and the teachers are told with their brief.")
        )
    return Card("\n".join(lines), (*rows, (Key(_("Back"), OpenDesk()),)))


def _sum_text(item: ToConfirm, language: str) -> str:
    ngettext = catalog(language).ngettext
    return ngettext(
        "{n} person, {amount} in all", "{n} people, {amount} in all", item.people
    ).format(n=item.people, amount=amount(item.hours, "hour", language))


def class_card(batch_id: int, title: str, people: tuple[Unconfirmed, ...], language: str) -> Card:
    """Whose hours of one class wait, one by one or all at once."""
    _ = catalog(language).gettext
    lines = [f"<b>{html.escape(title)}</b>"]
    if not people:
        lines.append(_("Nothing waits for you."))
    rows: list[tuple[Key, ...]] = [
        (
            Key(
                shortened(f"✓ {person.name} · {amount(person.hours, 'hour', language)}", LABEL),
                ConfirmHours(batch_id, person.teacher_id),
            ),
        )
        for person in people[:SHOWN]
    ]
    more = len(people) - SHOWN
    if more > 0:
        ngettext = catalog(language).ngettext
        lines.append(ngettext("and {n} more", "and {n} more", more).format(n=more))
    if people:
        lines.append(_("A tap on a name confirms this person's hours alone."))
        rows.append((Key(_("Confirm all"), ConfirmHours(batch_id), style="primary"),))
    return Card("\n".join(lines), (*rows, (Key(_("Back"), OpenToConfirm()),)))


def confirmed_card(done: Confirmed, language: str) -> Card:
    """What was confirmed, and Undo."""
    _ = catalog(language).gettext
    ngettext = catalog(language).ngettext
    if not done.people:
        text = _("Nothing was left to confirm.")
    else:
        text = ngettext(
            "{amount} confirmed for {n} person.", "{amount} confirmed for {n} people.", done.people
        ).format(amount=amount(Decimal(done.hours), "hour", language), n=done.people)
    undo = ((undo_key(done.deed_id, language),),) if done.deed_id is not None else ()
    return Card(text, (*undo, (Key(_("Back"), OpenToConfirm()),)))


async def open_posting(update: Update, context: Context) -> None:
    batch_id = OpenPosting.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    facts = await context.read(
        posting.preview, reader.linked_teacher_id, batch_id, now=context.now()
    )
    await show(update, context, reader, preview_card(facts, reader.language))


async def open_people(update: Update, context: Context) -> None:
    button = PostingPeople.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.write(
        posting.people,
        reader.linked_teacher_id,
        button.batch_id,
        page=button.page,
        now=context.now(),
    )
    await show(update, context, reader, people_card(facts, reader.language))


async def post(update: Update, context: Context) -> None:
    """Post the hours; a second tap finds them there."""
    batch_id = PostHours.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    done = await context.write(posting.post, reader.linked_teacher_id, batch_id, now=context.now())
    context.house.wake_delivery()
    await show(update, context, reader, done_card(done, reader.language))


async def open_to_confirm(update: Update, context: Context) -> None:
    reader = await context.reader(update)
    actor_id, now = reader.linked_teacher_id, context.now()
    found = await context.read(posting.to_confirm, actor_id, now=now)
    own = await context.read(posting.own_unconfirmed, actor_id, now=now)
    await show(update, context, reader, to_confirm_card(found, own, reader.language))


async def open_class(update: Update, context: Context) -> None:
    batch_id = ConfirmClass.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    title, people = await context.write(
        posting.unconfirmed, reader.linked_teacher_id, batch_id, now=context.now()
    )
    await show(update, context, reader, class_card(batch_id, title, people, reader.language))


async def confirm(update: Update, context: Context) -> None:
    """Give the school's word for all of a class, or for one person."""
    button = ConfirmHours.parse(tap(update).data)
    reader = await context.reader(update)
    done = await context.write(
        posting.confirm,
        reader.linked_teacher_id,
        button.batch_id,
        now=context.now(),
        teacher_id=button.teacher_id or None,
    )
    context.house.wake_delivery()
    await show(update, context, reader, confirmed_card(done, reader.language))
