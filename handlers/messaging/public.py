"""What a whole group sees. The only module that makes a ``GroupCard``.

Everything here is built from facts that have no field for a person: what may be posted in a
group is a type (domain, messages 8.2). A new public text is a new function here, from facts of
its own that are as safe.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.cards import GroupCard, Key
from handlers.context import shortened
from handlers.messaging.buttons import GroupDetails, GroupRegister
from handlers.training import words
from locales import catalog, dates, numbers
from storage.kinds import Figures
from storage.training.programmes import FEWEST, BatchState, GroupProgramme

TITLE = 120  # characters of a title, place or batch that a group card shows
REGISTRABLE = (BatchState.OPEN, BatchState.FULL)


def programme_group_card(
    facts: GroupProgramme,
    language: str,
    zone: ZoneInfo,
    now: datetime,
    link: Callable[[str], str],
) -> GroupCard:
    """M05: a programme's public card, the same before, during and after registration."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    lines = [f"<b>{_heading(facts, language)}</b>"]
    if facts.batch_title and facts.batch_title != facts.title:
        lines.append(_escaped(facts.batch_title))
    lines.append(
        _("Mode: {mode}   Hours: {hours}").format(
            mode=html.escape(words.mode(facts.mode, language)),
            hours=numbers.hours(facts.hours, language),
        )
    )
    lines.append(
        _("When: {when}").format(
            when=dates.span(facts.starts_at, facts.ends_at, zone, language, today)
        )
    )
    if facts.place:
        lines.append(_("Where: {place}").format(place=_escaped(facts.place)))
    lines += _registration_lines(facts, language, zone, today)

    keys: list[tuple[Key, ...]] = []
    details = Key(_("Full details"), GroupDetails(facts.batch_id))
    if facts.state in REGISTRABLE:
        label = _("Register") if facts.state is BatchState.OPEN else _("Join the waiting list")
        keys.append((Key(label, GroupRegister(facts.batch_id), style="primary"), details))
    else:
        keys.append((details,))
    if facts.state is not BatchState.CANCELLED:
        keys.append((Key(_("Continue in private"), url=link(f"p{facts.batch_id}")),))
    return GroupCard("\n".join(lines), tuple(keys))


@dataclass(frozen=True)
class GroupDeadline:
    """What a group may know of a deadline: no field is about a person.

    ``number`` is of people, seats or schools as ``figures`` says, and None where it is too
    small to be said.
    """

    kind: str
    figures: Figures
    title: str
    at: datetime
    ends_at: datetime
    place: str
    bring: str
    number: int | None
    payload: str
    """Where the link into the private chat leads."""


def deadline_group_card(
    facts: GroupDeadline,
    language: str,
    zone: ZoneInfo,
    now: datetime,
    link: Callable[[str], str],
) -> GroupCard:
    """A reminder to a whole group: what and when, and at most one figure."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    heading = _("[Reminder] {title}").format(title=_escaped(facts.title))
    lines = [f"<b>{heading}</b>"]
    if facts.figures is Figures.EVENT:
        when = dates.span(facts.at, facts.ends_at, zone, language, today)
        lines.append(_("When: {when}").format(when=when))
        if facts.place:
            lines.append(_("Where: {place}").format(place=_escaped(facts.place)))
        if facts.bring:
            lines.append(_("Please bring: {bring}").format(bring=_escaped(facts.bring)))
    else:
        lines.append(_until(facts, language, zone, today))
    number = facts.number
    if number is not None and facts.figures is Figures.SEATS:
        lines.append(ngettext("{n} seat is left.", "{n} seats are left.", number).format(n=number))
    elif number is not None and facts.figures is Figures.SCHOOLS:
        lines.append(
            ngettext(
                "{n} school has not finished its list.",
                "{n} schools have not finished their lists.",
                number,
            ).format(n=number)
        )
    elif number is not None:
        lines.append(
            ngettext("{n} is not done yet.", "{n} are not done yet.", number).format(n=number)
        )
    lines.append(_("Each person sees their own state in the private chat."))
    return GroupCard("\n".join(lines), ((Key(_("Continue in private"), url=link(facts.payload)),),))


def _until(facts: GroupDeadline, language: str, zone: ZoneInfo, today: date) -> str:
    _ = catalog(language).gettext
    before = dates.before(facts.at, zone, language, today)
    sentences = {
        "reg_close": _("Registration closes {when}."),
        "nominate_close": _("The list of nominations closes {when}."),
        "menu_open": _("Choosing from the menu is open."),
        "menu_close": _("Choosing from the menu closes {when}."),
        "remote_start": _("Remote training begins {when}."),
        "remote_end": _("Remote training ends {when}."),
        "year_hours": _("The year's training hours are counted until {when}."),
    }
    when = dates.moment(facts.at, zone, language, today)
    if facts.kind in sentences:
        return sentences[facts.kind].format(when=when)
    return _("Due {before}.").format(before=before)


def intro_card(unit: str, language: str, link: Callable[[str], str]) -> GroupCard:
    """M01: what the assistant does in a group that is bound to a unit or programme."""
    _ = catalog(language).gettext
    text = _(
        "Hello, I am the teacher-training assistant of {unit}.\n"
        "In this group I post only public notices, course openings and competition news.\n"
        "For registration, credits and progress, tap the button and talk to me in private. "
        "There is no need to reply here."
    ).format(unit=_escaped(unit))
    return GroupCard(text, ((Key(_("Continue in private"), url=link("menu")),),))


def unbound_card(language: str, link: Callable[[str], str]) -> GroupCard:
    """What is said once in a group that nobody has bound yet."""
    _ = catalog(language).gettext
    text = _(
        "Hello, I am a teacher-training assistant. This group is not connected to a unit or "
        "programme yet; the training coordinator will do that. Until then I post nothing here."
    )
    return GroupCard(text, ((Key(_("Continue in private"), url=link("menu")),),))


def anonymous_card(language: str, link: Callable[[str], str]) -> GroupCard:
    """What an anonymous administrator or a channel is told: there is no person to answer."""
    _ = catalog(language).gettext
    text = _("I cannot see who is asking here. Please open the private chat.")
    return GroupCard(text, ((Key(_("Open private chat"), url=link("menu")),),))


def _heading(facts: GroupProgramme, language: str) -> str:
    _ = catalog(language).gettext
    match facts.state:
        case BatchState.NOT_YET_OPEN:
            heading = _("[Coming soon] {title}")
        case BatchState.OPEN | BatchState.FULL:
            heading = _("[Registration] {title}")
        case BatchState.CANCELLED:
            heading = _("[Cancelled] {title}")
        case BatchState.FINISHED:
            heading = _("[Finished] {title}")
        case BatchState.PAUSED:
            heading = _("[Paused] {title}")
        case _:
            heading = _("[Training] {title}")
    return heading.format(title=_escaped(facts.title))


def _registration_lines(
    facts: GroupProgramme, language: str, zone: ZoneInfo, today: date
) -> list[str]:
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines: list[str] = []
    if facts.state is BatchState.NOT_YET_OPEN and facts.reg_open is not None:
        lines.append(
            _("Registration opens: {time}").format(
                time=dates.moment(facts.reg_open, zone, language, today)
            )
        )
    if facts.state in (BatchState.NOT_YET_OPEN, *REGISTRABLE) and facts.reg_close is not None:
        lines.append(
            _("Registration closes: {time}").format(
                time=dates.moment(facts.reg_close, zone, language, today)
            )
        )
    if facts.state in REGISTRABLE and facts.seats is not None:
        lines.append(
            _("Seats: {seats}, left: {left}").format(seats=facts.seats, left=facts.seats_left or 0)
        )
    elif facts.state is BatchState.NOT_YET_OPEN and facts.seats is not None:
        lines.append(_("Seats: {seats}").format(seats=facts.seats))
    if facts.registered is not None and facts.registered >= FEWEST:
        lines.append(
            ngettext("{n} registered", "{n} registered", facts.registered).format(
                n=facts.registered
            )
        )
    match facts.state:
        case BatchState.OPEN:
            lines.append(_("Tap the button to register; the answer is for you alone."))
        case BatchState.FULL:
            lines.append(_("All seats are taken; the waiting list is open."))
        case BatchState.CLOSED:
            lines.append(_("Registration is closed."))
        case BatchState.RUNNING:
            lines.append(_("The training is under way."))
        case BatchState.CANCELLED:
            lines.append(_("This training does not take place."))
        case BatchState.PAUSED:
            lines.append(_("This training stands still for the moment; it will be told here."))
        case _:
            pass
    return lines


def _escaped(text: str) -> str:
    return html.escape(shortened(text, TITLE))
