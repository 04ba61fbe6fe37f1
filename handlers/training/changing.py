"""Changing a programme: everything it says with a key each, and who is told before it is done."""

from __future__ import annotations

import html
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.buttons import Button, StaleButton
from handlers.cards import Card, Key, Keys
from handlers.context import Context, House, alert, show, tap
from handlers.messaging.brief_text import changed_card
from handlers.messaging.voices import Nothing, Said, Say
from handlers.training import making_text, words
from handlers.training.buttons import OpenRun
from handlers.training.making import making_words, read_dates, read_registration
from handlers.training.making_text import ALL, DONE, SUBJECTS, from_to
from handlers.training.run_buttons import (
    Answer,
    ApplyChange,
    ChangeRun,
    ChangeTo,
    ChangeWhat,
    CheckRun,
)
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog, dates, numbers
from storage.calendar.saying import NotUnderstood, WrongWeekday
from storage.messaging.outbox import Claimed
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.plan.form import STAGES
from storage.refusals import NotFound, Refusal
from storage.sheets import as_number
from storage.training import changing
from storage.training.audience import wanted
from storage.training.changing import Changed, Face, FixedByNow, Impact, SeatsTaken, What
from storage.training.making import DatesNotInOrder, WrongValue
from storage.training.tables import CATEGORIES, Approval, Enrolment, Mode

AWAITED = "progchange"
KIND = "change"
"""The kind of the draft row that keeps a change until it is confirmed."""
ABOUT = 400  # characters of the description that the card shows
_TYPED = (
    What.TITLE,
    What.PLACE,
    What.BRING,
    What.ABOUT,
    What.CONTACT,
    What.CERTIFICATE,
    What.PROVIDER,
)
_MAY_BE_EMPTY = frozenset(_TYPED) - {What.TITLE}
_CONFIRMED = frozenset({What.DATES, What.REGISTRATION})
"""What is said back in words before it counts, in a draft too."""
_CLOSES = (Enrolment.OPEN, Enrolment.MENU, Enrolment.NOMINATION)
"""Doors that close at a time."""
_MANY = (What.STAGE, What.SUBJECT)


def install(application: AnyApplication) -> None:
    on_tap(application, ChangeRun, open_face)
    on_tap(application, ChangeWhat, ask)
    on_tap(application, ChangeTo, choose)
    on_tap(application, ApplyChange, apply)
    on_text(application, AWAITED, typed)


def label(what: What, language: str) -> str:
    """What a field is called on its key."""
    _ = catalog(language).gettext
    return {
        What.TITLE: _("Heading"),
        What.CATEGORY: _("Kind"),
        What.LEVEL: _("Level"),
        What.MODE: _("Way of teaching"),
        What.ENROLMENT: _("Enrolment"),
        What.APPROVAL: _("Approval"),
        What.STAGE: _("Stages"),
        What.SUBJECT: _("Subjects"),
        What.HOURS: _("Hours"),
        What.DATES: _("Time"),
        What.PLACE: _("Place"),
        What.REGISTRATION: _("Registration"),
        What.SEATS: _("Seats"),
        What.ABOUT: _("Description"),
        What.BRING: _("To bring"),
        What.CONTACT: _("Contact"),
        What.CERTIFICATE: _("Certificate"),
        What.PROVIDER: _("Held by"),
    }[what]


def face_card(facts: Face, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """Everything that a programme and this class of it say, a key for each."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    seats = _("without limit") if facts.seats is None else str(facts.seats)
    title = f"<b>{html.escape(facts.title)}</b>"
    lines = [title if not facts.batch else f"{title} · {html.escape(facts.batch)}"]
    lines += [
        _("{level} · {category} · {mode} · {hours} hours").format(
            level=words.level(facts.level, language),
            category=words.category(facts.category, language),
            mode=words.mode(facts.mode, language),
            hours=numbers.hours(facts.hours, language),
        ),
        _("Organised by {unit}").format(unit=html.escape(facts.owner)),
        _("When: {when}").format(when=from_to(facts.starts_at, facts.ends_at, language, zone)),
        _("Where: {place}").format(place=html.escape(facts.place or "—")),
        ngettext(
            "For: {audience} ({n} person)", "For: {audience} ({n} persons)", facts.people
        ).format(audience=words.audience(wanted(facts.audience), language), n=facts.people),
        _("Enrolment: {how}").format(how=words.enrolment(facts.enrolment, language)),
        _("Approval: {who}").format(who=making_text.approval(facts.approval, language)),
        _("Seats: {seats}, taken: {taken}").format(seats=seats, taken=facts.taken),
    ]
    if facts.enrolment in _CLOSES:
        lines.append(_registration_text(facts, language, zone, now))
    for what, text in (
        (What.BRING, facts.bring),
        (What.CONTACT, facts.contact),
        (What.CERTIFICATE, facts.certificate),
        (What.PROVIDER, facts.provider),
        (What.ABOUT, facts.about),
    ):
        if text:
            line = _("{what}: {text}").format(what=label(what, language), text=html.escape(text))
            lines.append(line)
    keys: list[tuple[Key, ...]] = []
    if not facts.is_cancelled and facts.state in ("draft", "published"):
        each = [
            Key(label(what, language), ChangeWhat(facts.batch_id, what.value))
            for what in What
            if (what is not What.LEVEL or len(facts.levels) > 1)
            and (what is not What.REGISTRATION or facts.enrolment in _CLOSES)
        ]
        keys = [tuple(each[n : n + 3]) for n in range(0, len(each), 3)]
    if facts.is_draft:
        publish = Key(_("Check and publish"), CheckRun(facts.batch_id), style="primary")
        keys.append((publish,))
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenRun(facts.batch_id)),)))


def _registration_text(facts: Face, language: str, zone: ZoneInfo, now: datetime) -> str:
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    closes = facts.reg_close or facts.starts_at
    if facts.enrolment is Enrolment.NOMINATION:
        return _("Schools nominate until {end}").format(
            end=dates.moment(closes, zone, language, today)
        )
    if facts.reg_open is None:
        return _("Registration: from publishing to {end}").format(
            end=dates.moment(closes, zone, language, today)
        )
    return _("Registration: {start} to {end}").format(
        start=dates.moment(facts.reg_open, zone, language, today),
        end=dates.moment(closes, zone, language, today),
    )


def question_card(
    facts: Face, what: What, chosen: tuple[str, ...], language: str, trouble: str = ""
) -> Card:
    """Ask for another value."""
    _ = catalog(language).gettext
    batch_id = facts.batch_id
    text = {
        What.DATES: making_text.when_question(language),
        What.SEATS: making_text.seats_question(language),
        What.REGISTRATION: making_text.registration_question(language),
        What.HOURS: _("How many hours is it worth? Please type the number, or take one."),
        What.STAGE: _("For which stages? Choose any number; none is all."),
        What.SUBJECT: _("For which subjects? Choose any number; none is all."),
    }.get(what, "")
    if what in _TYPED:
        text = _("Please type: {what}").format(what=label(what, language))
    elif not text:
        text = _("Please choose: {what}").format(what=label(what, language))
    rows: Keys = ()
    match what:
        case What.CATEGORY:
            rows = making_text.choice_keys(
                what.value,
                [(each, words.category(each, language)) for each in CATEGORIES],
            )
        case What.LEVEL:
            rows = making_text.choice_keys(
                what.value, [(each.value, words.level(each, language)) for each in facts.levels]
            )
        case What.MODE:
            rows = making_text.choice_keys(
                what.value, [(each.value, words.mode(each, language)) for each in Mode]
            )
        case What.ENROLMENT:
            rows = making_text.choice_keys(
                what.value,
                [(each.value, words.enrolment(each, language)) for each in Enrolment],
                wide=True,
            )
        case What.APPROVAL:
            rows = making_text.choice_keys(
                what.value,
                [(each.value, making_text.approval(each, language)) for each in Approval],
                wide=True,
            )
        case What.STAGE | What.SUBJECT:
            rows = making_text.toggle_keys(what.value, _pool(facts, what), set(chosen), language)
        case What.SEATS:
            rows = making_text.number_keys(what.value, making_text.SEATS, language)
        case What.HOURS:
            rows = making_text.number_keys(what.value, making_text.HOURS, language, with_all=False)
        case _ if what in _MAY_BE_EMPTY:
            rows = ((Key(_("Leave it empty"), Answer(what.value, "none")),),)
    keys = tuple(tuple(_for_class(key, batch_id) for key in row) for row in rows)
    lines = [f"<b>{html.escape(facts.title)}</b>", *([trouble] if trouble else []), text]
    return Card("\n".join(lines), (*keys, (Key(_("Cancel"), ChangeRun(batch_id)),)))


def _for_class(key: Key, batch_id: int) -> Key:
    """The same key for a class that is there, where the dialogue has one for its answers."""
    assert isinstance(key.press, Answer)
    press: Button = ChangeTo(batch_id, key.press.step, key.press.value)
    return Key(key.label, press, style=key.style)


def _pool(facts: Face, what: What) -> tuple[str, ...]:
    return STAGES if what is What.STAGE else facts.subjects[:SUBJECTS]


def impact_card(facts: Face, impact: Impact, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """What a change would do and who would be told, before it is done."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [f"<b>{html.escape(facts.title)}</b>"]
    if impact.what is What.DATES:
        starts_at, ends_at = (
            datetime.fromisoformat(impact.after[name]) for name in ("starts_at", "ends_at")
        )
        lines.append(making_text.understood_text(starts_at, ends_at, language, zone, now))
    else:
        lines.append(
            _("{what}: {before} → {after}").format(
                what=label(impact.what, language),
                before=value_text(impact.what, impact.before, language, zone),
                after=value_text(impact.what, impact.after, language, zone),
            )
        )
    if not facts.is_draft:
        lines.append("")
        if impact.told:
            lines.append(
                ngettext(
                    "{n} person who is in is told of it in one message.",
                    "{n} people who are in are told of it in one message.",
                    impact.told,
                ).format(n=impact.told)
            )
            if impact.unreachable:
                lines.append(
                    ngettext(
                        "{n} of them cannot be reached by messages.",
                        "{n} of them cannot be reached by messages.",
                        impact.unreachable,
                    ).format(n=impact.unreachable)
                )
        else:
            lines.append(_("Nobody is told; it stands on the card at once."))
        if impact.deadlines:
            lines.append(
                ngettext(
                    "{n} deadline moves with it, and its reminders.",
                    "{n} deadlines move with it, and their reminders.",
                    impact.deadlines,
                ).format(n=impact.deadlines)
            )
        if impact.offers:
            lines.append(_("Those who wait are offered the new seats at once."))
        if impact.enrols:
            lines.append(_("Whoever is newly concerned is enrolled at once; nobody is taken out."))
    if impact.people is not None:
        lines.append(
            ngettext(
                "It is then for {n} person.", "It is then for {n} persons.", impact.people
            ).format(n=impact.people)
        )
    batch_id = facts.batch_id
    row = (
        Key(_("Yes"), ApplyChange(batch_id), style="primary"),
        Key(_("Type again"), ChangeWhat(batch_id, impact.what.value)),
    )
    return Card("\n".join(lines), (row, (Key(_("Cancel"), ChangeRun(batch_id)),)))


def value_text(what: What, value: Any, language: str, zone: ZoneInfo) -> str:
    """A value in words. HTML."""
    _ = catalog(language).gettext
    match what:
        case What.SEATS:
            return _("without limit") if value is None else str(value)
        case What.STAGE | What.SUBJECT:
            return words.joined(value, language) or _("all")
        case What.LEVEL:
            return words.level(value, language)
        case What.CATEGORY:
            return words.category(value, language)
        case What.MODE:
            return words.mode(value, language)
        case What.ENROLMENT:
            return words.enrolment(Enrolment(value), language)
        case What.APPROVAL:
            return making_text.approval(value, language)
        case What.REGISTRATION:
            moments = [
                dates.moment(datetime.fromisoformat(at), zone, language) if at else "…"
                for at in (value["reg_open"], value["reg_close"])
            ]
            return _("{start} to {end}").format(start=moments[0], end=moments[1])
    return html.escape(str(value)) or "—"


async def open_face(update: Update, context: Context) -> None:
    """Show everything a programme says."""
    batch_id = ChangeRun.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    await context.write(drafts.drop, reader.account_id, KIND)
    await show_face(update, context, reader, batch_id)


async def show_face(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    """Show it, from wherever somebody comes back to it."""
    now = context.now()
    facts = await context.read(changing.face, reader.linked_teacher_id, batch_id, now=now)
    card = face_card(facts, reader.language, context.house.zone, now)
    await show(update, context, reader, card)


async def ask(update: Update, context: Context) -> None:
    """Ask for another value of one thing."""
    button = ChangeWhat.parse(tap(update).data)
    reader = await context.reader(update)
    await _ask(update, context, reader, button.batch_id, _what(button.what))


async def _ask(
    update: Update,
    context: Context,
    reader: Reader,
    batch_id: int,
    what: What,
    trouble: str = "",
) -> None:
    facts, chosen = await context.write(_open, reader, batch_id, what, now=context.now())
    card = question_card(facts, what, chosen, reader.language, trouble)
    await show(update, context, reader, card)


async def choose(update: Update, context: Context) -> None:
    """Take a key's value."""
    button = ChangeTo.parse(tap(update).data)
    reader = await context.reader(update)
    what, batch_id, now = _what(button.what), button.batch_id, context.now()
    if what in _MANY and button.value != DONE:
        facts, chosen = await context.write(_toggle, reader, batch_id, what, button.value, now=now)
        await show(update, context, reader, question_card(facts, what, chosen, reader.language))
        return
    value: Any = button.value
    if what in _MANY:
        value = list(await context.read(_chosen, reader, batch_id, what))
    elif what in _MAY_BE_EMPTY and value == "none":
        value = ""
    elif what is What.SEATS and value == ALL:
        value = None
    await _propose(update, context, reader, batch_id, what, value)


async def typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed text as the value that was asked for; a better one may follow."""
    now, zone = context.now(), context.house.zone
    _awaited, batch, name = reader.awaiting.split(":")
    batch_id, what = int(batch), _what(name)
    trouble = ""
    try:
        await _propose(update, context, reader, batch_id, what, _read(what, text, zone, now))
    except (NotUnderstood, WrongWeekday, WrongValue, DatesNotInOrder) as refusal:
        trouble = making_words(refusal, reader.language, zone, now)
        if isinstance(refusal, WrongValue) and what is What.ABOUT:
            _ = catalog(reader.language).gettext
            trouble = _("Please type a text of at most 1000 characters.")
    except (SeatsTaken, FixedByNow) as refusal:
        trouble = changing_text(refusal, reader.language, zone, now)
    if trouble:
        await _ask(update, context, reader, batch_id, what, trouble)


def _read(what: What, text: str, zone: ZoneInfo, now: datetime) -> Any:
    match what:
        case What.DATES:
            return read_dates(text, zone, now)
        case What.REGISTRATION:
            return read_registration(text, zone, now)
        case What.SEATS | What.HOURS:
            number = as_number(text)
            if number is None or (what is What.SEATS and number != int(number)):
                raise WrongValue(what.value)
            return int(number) if what is What.SEATS else str(number)
        case What.ABOUT:
            return text
    return " ".join(text.split())


async def _propose(
    update: Update, context: Context, reader: Reader, batch_id: int, what: What, value: Any
) -> None:
    """Do it in a draft; of a published one show first who is told what."""
    now = context.now()
    facts, impact = await context.write(_prepare, reader, batch_id, what, value, now=now)
    if impact.before == impact.after or (facts.is_draft and what not in _CONFIRMED):
        await _apply(update, context, reader, batch_id)
        return
    card = impact_card(facts, impact, reader.language, context.house.zone, now)
    await show(update, context, reader, card)


async def apply(update: Update, context: Context) -> None:
    """Do the change that was shown."""
    batch_id = ApplyChange.parse(tap(update).data).batch_id
    await _apply(update, context, await context.reader(update), batch_id)


async def _apply(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    done = await context.write(_do, reader, batch_id, now=context.now())
    if done is not None and done.is_new:
        context.house.wake_delivery()
        if update.callback_query is not None:
            text = _("Changed.")
            if done.told:
                text = ngettext(
                    "Changed; {n} person is told.", "Changed; {n} people are told.", done.told
                ).format(n=done.told)
            await alert(update, text)
    await show_face(update, context, reader, batch_id)


def _what(name: str) -> What:
    try:
        return What(name)
    except ValueError:
        raise StaleButton from None


def _open(
    session: Session, reader: Reader, batch_id: int, what: What, *, now: datetime
) -> tuple[Face, tuple[str, ...]]:
    """Open the question of one thing; what is typed next answers it."""
    facts = changing.face(session, reader.linked_teacher_id, batch_id, now=now)
    chosen: list[str] = []
    if what in _MANY:
        chosen = list(facts.audience.get(what.value) or [])
        data = {"batch_id": batch_id, "what": what.value, "value": chosen}
        drafts.keep(session, reader.account_id, KIND, data, now=now)
    elif what in (*_TYPED, What.DATES, What.REGISTRATION, What.SEATS, What.HOURS):
        awaited = f"{AWAITED}:{batch_id}:{what.value}"
        accounts.await_text(session, reader.account_id, awaited, now=now)
    return facts, tuple(chosen)


def _pending(session: Session, reader: Reader, batch_id: int) -> dict[str, Any] | None:
    """The change of this class that waits to be confirmed, if any does."""
    kept = drafts.read(session, reader.account_id, KIND)
    return kept if kept is not None and kept["batch_id"] == batch_id else None


def _chosen(session: Session, reader: Reader, batch_id: int, what: What) -> tuple[str, ...]:
    kept = _pending(session, reader, batch_id)
    if kept is None or kept["what"] != what.value:
        raise NotFound("draft")
    return tuple(kept["value"])


def _toggle(
    session: Session, reader: Reader, batch_id: int, what: What, value: str, *, now: datetime
) -> tuple[Face, tuple[str, ...]]:
    facts = changing.face(session, reader.linked_teacher_id, batch_id, now=now)
    chosen, pool = list(_chosen(session, reader, batch_id, what)), _pool(facts, what)
    if not value.isdigit() or int(value) >= len(pool):
        raise StaleButton
    one = pool[int(value)]
    chosen = [each for each in chosen if each != one] if one in chosen else [*chosen, one]
    data = {"batch_id": batch_id, "what": what.value, "value": chosen}
    drafts.keep(session, reader.account_id, KIND, data, now=now)
    return facts, tuple(chosen)


def _prepare(
    session: Session, reader: Reader, batch_id: int, what: What, value: Any, *, now: datetime
) -> tuple[Face, Impact]:
    """Keep the change until it is confirmed, and return what it would do."""
    actor_id = reader.linked_teacher_id
    impact = changing.impact(session, actor_id, batch_id, what, value, now=now)
    data = {"batch_id": batch_id, "what": what.value, "value": value}
    drafts.keep(session, reader.account_id, KIND, data, now=now)
    return changing.face(session, actor_id, batch_id, now=now), impact


def _do(session: Session, reader: Reader, batch_id: int, *, now: datetime) -> Changed | None:
    """Do the change that waits; a second tap finds none and changes nothing."""
    kept = _pending(session, reader, batch_id)
    if kept is None:
        return None
    done = changing.change(
        session, reader.linked_teacher_id, batch_id, What(kept["what"]), kept["value"], now=now
    )
    drafts.drop(session, reader.account_id, KIND)
    accounts.await_text(session, reader.account_id, "", now=now)
    return done


async def changed(house: House, row: Claimed) -> Said:
    """The voice of a changed time or place: what is different now from what the person knew."""
    if row.teacher_id is None:
        return Nothing("there is no teacher")
    news = await house.database.read(changing.news, row.teacher_id, row.facts)
    if news is None:
        return Nothing("nothing is different any more")
    return Say(changed_card(news, row.language, house.zone, house.clock()))


def changing_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why something stays as it is; empty for what is not ours."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    match refusal:
        case FixedByNow():
            return ngettext(
                "{n} person is in already, so this stays as it is. "
                "You can copy the programme and change the copy.",
                "{n} people are in already, so this stays as it is. "
                "You can copy the programme and change the copy.",
                refusal.people,
            ).format(n=refusal.people)
        case SeatsTaken():
            return ngettext(
                "{n} seat is taken or given to a school, so there cannot be fewer.",
                "{n} seats are taken or given to schools, so there cannot be fewer.",
                refusal.least,
            ).format(n=refusal.least)
    return making_words(refusal, language, zone, now)
