"""Approvals in words: what waits, one person at a time, and what a decision came to."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key, Keys, pager
from handlers.context import shortened
from handlers.credits.words import of_total
from handlers.people.buttons import OpenDesk
from handlers.training import words
from handlers.training.approval_buttons import (
    ApproveAll,
    ApprovePicked,
    AskReason,
    Decide,
    GiveReason,
    Item,
    NextItem,
    OpenApprovals,
    OpenPicks,
    Pick,
)
from handlers.training.reasons_text import OFFERED, labels
from handlers.undoing import undo_key
from locales import catalog, dates, names
from storage.refusals import Refusal
from storage.training import absences, approving
from storage.training.absences import MeetingBegun
from storage.training.approving import Review, Standing
from storage.training.deciding import SchoolDecides, SentenceNeeded, WantsOut
from storage.training.tables import LeaveReason, LeaveState, RegistrationState
from storage.training.worklist import Line, Worklist

CLASSES = 6  # that a card lists
TITLE, LABEL = 40, 20  # characters of a title in a line, and on a key
NAMES = 3  # in what a decision came to


def worklist_card(
    facts: Worklist, batch_id: int, language: str, zone: ZoneInfo, now: datetime
) -> Card:
    """What waits for one person, in one class or in all, and what can be done at once."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [_("<b>Approvals</b>")]
    if not facts.total:
        lines.append(_("Nothing waits for your decision."))
    if facts.registrations:
        lines.append(
            ngettext(
                "{n} registration waits for you.",
                "{n} registrations wait for you.",
                facts.registrations,
            ).format(n=facts.registrations)
        )
    if facts.withdrawals:
        lines.append(
            ngettext(
                "{n} late withdrawal waits for you.",
                "{n} late withdrawals wait for you.",
                facts.withdrawals,
            ).format(n=facts.withdrawals)
        )
    if facts.leaves:
        lines.append(
            ngettext(
                "{n} request for leave waits for you.",
                "{n} requests for leave wait for you.",
                facts.leaves,
            ).format(n=facts.leaves)
        )
    if facts.own:
        lines.append(own_text(facts.own, language))
    today = now.astimezone(zone).date()
    lines += [_class_text(line, language, zone, today) for line in facts.lines[:CLASSES]]
    more = len(facts.lines) - CLASSES
    if more > 0:
        lines.append(ngettext("and {n} more class", "and {n} more classes", more).format(n=more))
    return Card("\n".join(lines), _worklist_keys(facts, batch_id, language))


def own_text(number: int, language: str) -> str:
    """That one's own waits for somebody else, and why."""
    ngettext = catalog(language).ngettext
    return ngettext(
        "{n} of your own waits for a colleague or the next level: nobody decides about themselves.",
        "{n} of your own wait for a colleague or the next level: nobody decides about themselves.",
        number,
    ).format(n=number)


def _class_text(line: Line, language: str, zone: ZoneInfo, today: date) -> str:
    _ = catalog(language).gettext
    title = html.escape(shortened(_named(line), TITLE))
    if line.approve_close is None:
        return "· " + _("{title}: {n}").format(title=title, n=line.total)
    return "· " + _("{title}: {n}, to be decided {before}").format(
        title=title,
        n=line.total,
        before=dates.before(line.approve_close, zone, language, today),
    )


def _named(line: Line) -> str:
    return " · ".join(part for part in (line.title, line.batch) if part)


def _worklist_keys(facts: Worklist, batch_id: int, language: str) -> Keys:
    _ = catalog(language).gettext
    rows: list[tuple[Key, ...]] = []
    if facts.last is not None:
        rows.append((undo_key(facts.last.deed_id, language),))
    if facts.registrations and facts.upto is not None:
        every = _counted(_("Approve all"), facts.registrations, language)
        rows.append(
            (
                Key(every, ApproveAll.of(batch_id, facts.upto), style="success"),
                Key(_("One by one"), NextItem("r", 0, batch_id)),
            )
        )
        rows.append((Key(_("Return with a reason"), OpenPicks(batch_id)),))
    others = []
    if facts.withdrawals:
        label = _counted(_("Late withdrawals"), facts.withdrawals, language)
        others.append(Key(label, NextItem("w", 0, batch_id)))
    if facts.leaves:
        label = _counted(_("Leave requests"), facts.leaves, language)
        others.append(Key(label, NextItem("l", 0, batch_id)))
    if others:
        rows.append(tuple(others))
    if not batch_id and len(facts.lines) > 1:
        rows += [
            (Key(shortened(_named(line), LABEL), OpenApprovals(line.batch_id)),)
            for line in facts.lines[:CLASSES]
        ]
    rows.append((Key(_("Back"), OpenApprovals() if batch_id else OpenDesk()),))
    return tuple(rows)


def _counted(label: str, number: int, language: str) -> str:
    _ = catalog(language).gettext
    return _("{label} ({n})").format(label=label, n=number)


def review_card(facts: Review, item: Item, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """One registration, or one wish to withdraw, with whatever helps to decide."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    who = [f"<b>{html.escape(facts.name)}</b>", html.escape(facts.school)]
    if facts.subjects:
        who.append(words.joined(facts.subjects, language))
    title = " · ".join(part for part in (facts.title, facts.batch) if part)
    lines = [
        " · ".join(who),
        f"<b>{html.escape(names.titles([title], language))}</b>",
        dates.span(facts.starts_at, facts.ends_at, zone, language, today),
    ]
    if item.kind == "w":
        lines.append(
            _("Wants to withdraw. Reason: {reason}").format(reason=html.escape(facts.asks))
        )
    else:
        lines.append(
            _("Registered {time}").format(
                time=dates.moment(facts.submitted_at, zone, language, today)
            )
        )
    if facts.seats_left is not None:
        lines.append(
            _("Seats left: {n}; waiting for one: {waiting}").format(
                n=facts.seats_left, waiting=facts.queue
            )
        )
    if facts.clashes:
        clash = facts.clashes[0]
        lines.append(
            _("At the same time: {title}, {when}").format(
                title=html.escape(clash.title),
                when=dates.span(clash.starts_at, clash.ends_at, zone, language, today),
            )
        )
    if facts.others:
        others = names.titles((shortened(x.title, TITLE) for x in facts.others), language)
        lines.append(_("Also in: {titles}").format(titles=html.escape(others)))
    if facts.counted is not None and facts.total is not None:
        hours = of_total(facts.counted, facts.total, facts.unit, language)
        lines.append(_("Hours so far: {hours}").format(hours=hours))
    if not facts.place:
        lines.append(_decided_text(facts.state, facts.decided_by, language))
        return Card("\n".join(lines), _past_keys(item, language))
    if facts.state is RegistrationState.SCHOOL_APPROVED and facts.decided_by:
        by = html.escape(facts.decided_by)
        lines.append(_("Approved by the school: {name}").format(name=by))
    if facts.of > 1:
        lines.append(_("{n} of {all}").format(n=facts.place, all=facts.of))
    if item.kind == "w":
        rows: list[tuple[Key, ...]] = [
            (
                Key(_("Agree"), Decide("w", item.id, item.batch_id), style="success"),
                Key(_("Do not agree"), AskReason("keep", item.id, item.batch_id)),
            )
        ]
    else:
        rows = [
            (
                Key(_("Approve"), Decide("r", item.id, item.batch_id), style="success"),
                Key(_("Return"), AskReason("return", item.id, item.batch_id)),
            )
        ]
        if facts.may_reject:
            rows.append((Key(_("Refuse"), AskReason("reject", item.id, item.batch_id)),))
    return Card("\n".join(lines), (*rows, *_onward_keys(item, language)))


def _decided_text(state: RegistrationState, by: str, language: str) -> str:
    _ = catalog(language).gettext
    said = words.standing(state, language)
    if by:
        return _("This has been decided by {name}: {state}.").format(
            name=html.escape(by), state=said
        )
    return _("Nothing is left to decide here: {state}.").format(state=said)


def _onward_keys(item: Item, language: str) -> Keys:
    _ = catalog(language).gettext
    return (
        (
            Key(_("Decide later"), NextItem(item.kind, item.id, item.batch_id)),
            Key(_("Back"), OpenApprovals(item.batch_id)),
        ),
    )


def _past_keys(item: Item, language: str) -> Keys:
    _ = catalog(language).gettext
    return (
        (
            Key(_("Next one"), NextItem(item.kind, item.id, item.batch_id)),
            Key(_("Back"), OpenApprovals(item.batch_id)),
        ),
    )


def leave_reason(reason: LeaveReason, language: str) -> str:
    """Why somebody misses a meeting."""
    _ = catalog(language).gettext
    return {
        LeaveReason.SICK: _("Sick leave"),
        LeaveReason.OFFICIAL: _("Official duty"),
        LeaveReason.FAMILY: _("Family matter"),
        LeaveReason.OTHER: _("Another reason"),
    }[reason]


def leave_state(state: LeaveState, language: str) -> str:
    """Where a request for leave stands, in the teacher's own words."""
    _ = catalog(language).gettext
    return {
        LeaveState.REQUESTED: _("leave asked, with the school"),
        LeaveState.SCHOOL_OK: _("agreed by the school, with the organiser"),
        LeaveState.APPROVED: _("on leave"),
        LeaveState.REFUSED: _("leave not given"),
        LeaveState.CANCELLED: _("leave given up"),
    }[state]


def leave_card(
    facts: absences.Item, item: Item, language: str, zone: ZoneInfo, now: datetime
) -> Card:
    """One person's leave, from one meeting or from several that were asked together."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    lines = [
        f"<b>{html.escape(facts.name)}</b> · {html.escape(facts.school)}",
        f"<b>{html.escape(facts.title)}</b>",
        _("Asks for leave from:"),
    ]
    for title, starts_at, ends_at in facts.meetings:
        when = dates.span(starts_at, ends_at, zone, language, today)
        lines.append(f"· {when} {html.escape(title)}")
    lines.append(_("Reason: {reason}").format(reason=leave_reason(facts.reason, language)))
    if facts.note:
        lines.append(_("Note: {note}").format(note=html.escape(facts.note)))
    if not facts.place:
        lines.append(_leave_decided_text(facts.state, facts.decided_by, language))
        return Card("\n".join(lines), _past_keys(item, language))
    if facts.of > 1:
        lines.append(_("{n} of {all}").format(n=facts.place, all=facts.of))
    decide = (
        Key(_("Agree"), Decide("l", item.id, item.batch_id), style="success"),
        Key(_("Do not agree"), AskReason("leave", item.id, item.batch_id)),
    )
    return Card("\n".join(lines), (decide, *_onward_keys(item, language)))


def _leave_decided_text(state: LeaveState, by: str, language: str) -> str:
    _ = catalog(language).gettext
    said = leave_state(state, language)
    if by:
        return _("This has been decided by {name}: {state}.").format(
            name=html.escape(by), state=said
        )
    return _("Nothing is left to decide here: {state}.").format(state=said)


def picks_card(
    facts: approving.People, picked: frozenset[int], batch_id: int, language: str
) -> Card:
    """Those who wait, each a key that ticks them, and what can be done with the ticked."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if not facts.total:
        back = (Key(_("Back"), OpenApprovals(batch_id)),)
        return Card(_("Nothing waits for your decision."), (back,))
    text = _("Please tick whom you want to decide on.")
    if picked:
        text += "\n" + ngettext("{n} is ticked.", "{n} are ticked.", len(picked)).format(
            n=len(picked)
        )
    rows: list[tuple[Key, ...]] = []
    for line in facts.lines:
        mark = "☑" if line.registration_id in picked else "☐"
        label = line.name if batch_id else f"{line.name} · {line.title}"
        button = Pick(line.registration_id, batch_id, facts.page)
        rows.append((Key(f"{mark} {shortened(label, LABEL)}", button),))
    turn = pager(facts.page, facts.pages, lambda page: OpenPicks(batch_id, page))
    if turn:
        rows.append(turn)
    if picked:
        rows.append(
            (
                Key(
                    _counted(_("Approve"), len(picked), language),
                    ApprovePicked(batch_id),
                    style="success",
                ),
                Key(
                    _counted(_("Return"), len(picked), language),
                    AskReason("return", 0, batch_id),
                ),
            )
        )
    rows.append((Key(_("Back"), OpenApprovals(batch_id)),))
    return Card(text, tuple(rows))


def reason_card(verdict: str, item_id: int, batch_id: int, language: str) -> Card:
    """Ask why: a usual reason by key, or one that is typed."""
    _ = catalog(language).gettext
    text = {
        "return": _(
            "Why is it returned? Choose, or type a sentence. The teacher reads it and may "
            "register again."
        ),
        "reject": _("Why is it refused? Choose, or type a sentence. The teacher reads it."),
        "exempt": _("Why is this person exempt? Choose, or type a sentence. The person reads it."),
        "keep": _("Why can the place not be given up? Choose, or type a sentence."),
        "leave": _("Why can leave not be given? Choose, or type a sentence."),
    }[verdict]
    short = labels(language)
    rows = [
        (Key(short[code], GiveReason(verdict, item_id, batch_id, code)),)
        for code in OFFERED[verdict]
    ]
    return Card(text, (*rows, (Key(_("Cancel"), OpenApprovals(batch_id)),)))


def done_text(
    done: Mapping[str, Sequence[str]], until: datetime | None, language: str, zone: ZoneInfo
) -> str:
    """What was decided about whom, and until when it can be undone. Plain, of an alert's length.

    ``passed_on`` and ``leave_passed_on`` are the school's yes where another level decides next.
    """
    _ = catalog(language).gettext
    said = {
        "approve": _("Approved: {who}."),
        "passed_on": _("Approved by the school, the county decides next: {who}."),
        "return": _("Returned: {who}."),
        "reject": _("Refused: {who}."),
        "exempt": _("Exempt: {who}."),
        "let_go": _("Withdrawn: {who}."),
        "keep": _("Keeps the place: {who}."),
        "leave_ok": _("Leave given: {who}."),
        "leave_passed_on": _("Leave agreed to by the school, the organiser decides next: {who}."),
        "leave": _("Leave not given: {who}."),
    }
    lines = [said[what].format(who=_who(names, language)) for what, names in done.items()]
    if until is not None:
        undo = (
            _("Until {time} you can undo this.")
            if set(done) <= {"passed_on", "leave_passed_on"}
            else _("Until {time} you can undo this; only then is it told.")
        )
        lines.append(undo.format(time=f"{until.astimezone(zone):%H:%M}"))
    return "\n".join(lines)


def _who(names: Sequence[str], language: str) -> str:
    """The first few names, and how many more."""
    ngettext = catalog(language).ngettext
    who = ("、" if language != "en" else ", ").join(shortened(x, 12) for x in names[:NAMES])
    more = len(names) - NAMES
    if more <= 0:
        return who
    return ngettext("{names} and {n} more", "{names} and {n} more", more).format(names=who, n=more)


def past_text(past: tuple[Standing, ...], language: str) -> str:
    """That somebody has decided before, and what. Plain, of an alert's length."""
    _ = catalog(language).gettext
    first = past[0]
    return html.unescape(_decided_text(first.state, first.by, language))


def leave_past_text(done: absences.Decided, language: str) -> str:
    """The same of a leave."""
    return html.unescape(_leave_decided_text(done.state, done.decided_by, language))


def approvals_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why a decision, or a wish for leave, is not possible; empty for what is not ours."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    match refusal:
        case SchoolDecides(until=None):
            return _("The school decides on this first.")
        case SchoolDecides(until=datetime() as until):
            return _("The school has the first word on this until {time}.").format(
                time=dates.moment(until, zone, language, today)
            )
        case WantsOut(name=name):
            return _("{name} has asked to withdraw. Please answer that first.").format(name=name)
        case SentenceNeeded():
            return _("Please give a reason: the teacher will ask.")
        case MeetingBegun(contact=contact) if contact:
            return _(
                "This meeting has begun already. Please talk to your coordinator, or to {contact}."
            ).format(contact=contact)
        case MeetingBegun():
            return _("This meeting has begun already. Please talk to your coordinator.")
    return ""
