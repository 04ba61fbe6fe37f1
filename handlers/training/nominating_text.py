"""One's people in a class, and whom to choose, in words."""

from __future__ import annotations

import html
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.buttons import Button
from handlers.cards import Card, Key, pager
from handlers.context import shortened
from handlers.training import words
from handlers.training.allotting import reserves_text
from handlers.training.buttons import OpenRun
from handlers.training.conditions_words import unfit_text
from handlers.training.nominating_buttons import (
    FindCandidate,
    Nominate,
    OpenCandidates,
    OpenMember,
    OpenMembers,
    PickCandidate,
    PickUnit,
    TakeBack,
)
from locales import catalog, dates, names
from storage.refusals import Refusal
from storage.training.candidates import Candidate, Candidates
from storage.training.my_people import Member, MyPeople
from storage.training.nominations import (
    Clashing,
    DoesNotFit,
    FewerSeats,
    IsIn,
    ListReported,
    NominationClosed,
    NoSeatLeft,
    NotByNomination,
    NotReplaceable,
    ReasonMissing,
    SeatReserved,
    TooManyAtOnce,
)
from storage.training.tables import Enrolment

LABEL = 40
UNITS = 8


def members_card(facts: MyPeople, language: str, zone: ZoneInfo, today: date) -> Card:
    """My schools' seats and people in a class."""
    _ = catalog(language).gettext
    lines = [_("<b>My people: {title}</b>").format(title=html.escape(facts.title))]
    for unit in facts.units[:UNITS]:
        if unit.seats is not None:
            lines.append(
                _("{school}: {left} of {seats} seats left").format(
                    school=html.escape(unit.name),
                    left=unit.seats - unit.taken,
                    seats=unit.seats,
                )
            )
        if any(unit.reserved.values()):
            lines.append(
                _("  reserved: {kinds}; not filled yet: {n}").format(
                    kinds=html.escape(reserves_text(unit.reserved, language)), n=unit.unfilled
                )
            )
    if facts.pool_left:
        lines.append(_("Seats open to all schools: {n}").format(n=facts.pool_left))
    if facts.may_nominate and facts.nominate_close is not None:
        lines.append(
            _("Nominate {before}.").format(
                before=dates.before(facts.nominate_close, zone, language, today)
            )
        )
    elif facts.enrolment is Enrolment.NOMINATION:
        lines.append(_("Nominations are closed."))
    if facts.roster_date is not None:
        lines.append(
            _("The list can be changed {before}; after that through the county.").format(
                before=dates.before(facts.roster_date, zone, language, today)
            )
        )
    if facts.release_at is not None:
        lines.append(
            _("Unused seats of schools go to everybody on {time}.").format(
                time=dates.moment(facts.release_at, zone, language, today)
            )
        )
    if not facts.members:
        lines.append(_("None of your people is in this class yet."))
    keys = [
        (
            Key(
                shortened(
                    _("{name}: {state}").format(
                        name=member.name, state=words.standing(member.state, language)
                    ),
                    LABEL,
                ),
                OpenMember(facts.batch_id, member.teacher_id, facts.page),
            ),
        )
        for member in facts.members
    ]
    turn = pager(facts.page, facts.pages, lambda page: OpenMembers(facts.batch_id, page))
    start = []
    if facts.may_nominate:
        press = (
            OpenCandidates(facts.batch_id, facts.units[0].unit_id)
            if len(facts.units) == 1
            else PickUnit(facts.batch_id)
        )
        start = [(Key(_("Nominate"), press, style="primary"),)]
    back = (Key(_("Back"), OpenRun(facts.batch_id)),)
    return Card("\n".join(lines), (*start, *keys, *((turn,) if turn else ()), back))


def member_card(facts: MyPeople, member: Member, language: str) -> Card:
    """One of my people in a class, and what can be done."""
    _ = catalog(language).gettext
    lines = [
        f"<b>{html.escape(member.name)}</b>",
        html.escape(member.unit),
        html.escape(names.titles([facts.title], language)),
        words.standing(member.state, language),
    ]
    keys = []
    if "replace" in member.may:
        press = OpenCandidates(facts.batch_id, member.unit_id, 0, member.teacher_id)
        keys.append((Key(_("Send another"), press),))
    if "take_back" in member.may:
        keys.append((Key(_("Take back"), TakeBack(facts.batch_id, member.teacher_id)),))
    back = (Key(_("Back"), OpenMembers(facts.batch_id, facts.page)),)
    return Card("\n".join(lines), (*keys, back))


def candidates_card(facts: Candidates, out: int, language: str) -> Card:
    """A school's people: those who fit first, with a mark for who is on the list."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    batch_id, unit_id = facts.batch_id, facts.unit_id
    title = html.escape(facts.title)
    if out:
        lines = [
            _("<b>Who goes instead of {name}?</b>").format(name=html.escape(facts.instead_of)),
            html.escape(names.titles([facts.title], language)),
        ]
    else:
        lines = [_("<b>Nominate: {title}</b>").format(title=title)]
    if facts.text:
        lines.append(_("Found for “{text}”:").format(text=html.escape(facts.text)))
    lines.append(
        ngettext(
            "{school}: {n} person fits, of {total}. A dot stands before who does not; tap to "
            "see why.",
            "{school}: {n} persons fit, of {total}. A dot stands before who does not; tap to "
            "see why.",
            facts.fitting,
        ).format(school=html.escape(facts.unit), n=facts.fitting, total=facts.total)
    )
    if facts.picked and not out:
        separator = ", " if language == "en" else "、"
        lines.append(
            _("On the list: {names}").format(
                names=html.escape(shortened(separator.join(facts.picked), 300))
            )
        )
    keys = []
    for line in facts.lines:
        mark = "·" if not line.fits else ("✓" if line.is_picked and not out else "○")
        label = " · ".join(part for part in (line.name, line.beside) if part)
        press = PickCandidate(batch_id, unit_id, facts.page, out, line.teacher_id)
        keys.append((Key(shortened(f"{mark} {label}", LABEL), press),))
    turn = pager(facts.page, facts.pages, lambda page: OpenCandidates(batch_id, unit_id, page, out))
    if facts.picked and not out:
        label = _("Nominate {n}").format(n=len(facts.picked))
        keys.insert(0, (Key(label, Nominate(batch_id, unit_id), style="success"),))
    back = OpenMember(batch_id, out) if out else OpenMembers(batch_id)
    rows = (
        *keys,
        *((turn,) if turn and not facts.text else ()),
        (
            Key(_("Search"), FindCandidate(batch_id, unit_id, out)),
            Key(
                _("Everybody") if facts.text else _("Back"),
                OpenCandidates(batch_id, unit_id, 0, out) if facts.text else back,
            ),
        ),
    )
    return Card("\n".join(lines), rows)


def why_not_text(line: Candidate, language: str) -> str:
    """Why somebody cannot be chosen. Plain text."""
    _ = catalog(language).gettext
    if line.state is not None:
        return _("{name} is in this class already: {state}").format(
            name=line.name, state=words.standing(line.state, language)
        )
    return _("{name} does not fit: {reasons}.").format(
        name=line.name, reasons=html.unescape(unfit_text(line.misfits, language))
    )


def clashing_card(
    refusal: Clashing, press: Button, back: Button, language: str, zone: ZoneInfo, today: date
) -> Card:
    """What those on the list would miss; the school may insist."""
    _ = catalog(language).gettext
    lines = [_("<b>At the same time there is something else:</b>")]
    lines += [
        _("· {name}: {title}, {when}").format(
            name=html.escape(name),
            title=html.escape(clash.title),
            when=dates.span(clash.starts_at, clash.ends_at, zone, language, today),
        )
        for name, clash in refusal.clashing[:10]
    ]
    lines.append(_("If you want it so all the same, that is kept with the decision."))
    keys = ((Key(_("All the same"), press, style="danger"),), (Key(_("Back"), back),))
    return Card("\n".join(lines), keys)


def nominating_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why somebody is not nominated or replaced; empty for what is not ours."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    match refusal:
        case NominationClosed(closed_at=closed_at):
            return _("Nominations closed on {time}.").format(
                time=dates.moment(closed_at, zone, language, today)
            )
        case NotByNomination():
            return _("Schools do not nominate for this programme.")
        case FewerSeats(left=left, wanted=wanted):
            ngettext = catalog(language).ngettext
            return ngettext(
                "You have chosen {wanted}, but only {n} seat is left for them. Please choose "
                "fewer, or ask the organiser.",
                "You have chosen {wanted}, but only {n} seats are left for them. Please choose "
                "fewer, or ask the organiser.",
                left,
            ).format(wanted=wanted, n=left)
        case NoSeatLeft(seats=seats):
            return _(
                "There is no seat left for your school, which has {n} in this class. "
                "Please take a nomination back first, or ask the organiser."
            ).format(n=seats)
        case SeatReserved(name=name, reserved=reserved):
            return _(
                "The seats that are left are reserved ({kinds}), and {name} does not fill them."
            ).format(name=name, kinds=reserves_text(reserved, language))
        case DoesNotFit(name=name, misfits=misfits):
            return _("{name} does not fit: {reasons}.").format(
                name=name, reasons=html.unescape(unfit_text(misfits, language))
            )
        case IsIn(name=name, state=state):
            return _("{name} is in this class already: {state}").format(
                name=name, state=words.standing(state, language)
            )
        case Clashing():
            return _("At the same time there is something else.")
        case ListReported(roster_date=roster_date):
            return _(
                "The list was reported on {time}; it is changed through the county now."
            ).format(time=dates.moment(roster_date, zone, language, today))
        case NotReplaceable(name=name):
            return _("Nothing can be changed about {name} here any more.").format(name=name)
        case ReasonMissing():
            return _("Please give a reason.")
        case TooManyAtOnce():
            return _("Please nominate these first; the list is full.")
    return ""
