"""What a teacher is told of a decision: the result, why, and what can be done next."""

from __future__ import annotations

import html
from datetime import datetime
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key, Keys
from handlers.context import House
from handlers.messaging.voices import Nothing, Said, Say
from handlers.people.buttons import Home
from handlers.training.approval_buttons import OpenLeave
from handlers.training.buttons import AskWhy, OpenProgramme, OpenProgrammes
from handlers.training.reasons_text import reason_text
from locales import catalog, dates
from storage.messaging.outbox import Claimed
from storage.training import absences, approving
from storage.training.approving import WITHDRAWABLE, Told
from storage.training.tables import LeaveState, RegistrationState

TAKES_PART = (RegistrationState.APPROVED, RegistrationState.ATTENDING)


async def registration_answer(house: House, row: Claimed) -> Said:
    """A decision on a registration or a late withdrawal, if it still stands."""
    now, facts = house.clock(), row.facts
    told = await house.database.read(
        approving.told, facts["registration_id"], facts["deed_id"], now=now
    )
    if told is None:
        return Nothing("the decision was undone")
    if told.state not in _stands(row.kind, facts["verdict"]):
        return Nothing("it has gone on since")
    return Say(
        answer_card(
            row.kind, facts["verdict"], facts["reason"], told, row.language, house.zone, now
        )
    )


def _stands(kind: str, verdict: str) -> tuple[RegistrationState, ...]:
    """In which states there is still a point in telling it."""
    if kind == "withdrawal_answered":
        return WITHDRAWABLE if verdict == "keep" else (RegistrationState.WITHDRAWN,)
    return {
        "registration_approved": TAKES_PART,
        "registration_returned": (RegistrationState.RETURNED,),
        "registration_rejected": (RegistrationState.REJECTED,),
        "registration_exempt": (RegistrationState.EXEMPT,),
    }[kind]


async def leave_answer(house: House, row: Claimed) -> Said:
    """A decision on leave, if it still stands."""
    now, facts = house.clock(), row.facts
    told = await house.database.read(
        absences.told, facts["leave_ids"], facts["state"], facts["deed_id"]
    )
    if told is None:
        return Nothing("the decision does not stand any more")
    return Say(leave_answer_card(told, row.language, house.zone, now))


def answer_card(
    kind: str,
    verdict: str,
    reason: str,
    told: Told,
    language: str,
    zone: ZoneInfo,
    now: datetime,
) -> Card:
    """M08, M09 and their kin."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    title = html.escape(told.title)
    lines: list[str] = []
    keys: Keys = ((Key(_("View"), OpenProgramme(told.batch_id)), Key(_("Menu"), Home())),)
    match kind:
        case "registration_approved":
            lines.append(_("You have a place in <b>{title}</b>.").format(title=title))
            lines.append(
                _("When: {when}").format(
                    when=dates.span(told.starts_at, told.ends_at, zone, language, today)
                )
            )
            if told.place:
                lines.append(_("Where: {place}").format(place=html.escape(told.place)))
            lines.append(
                _("If it clashes with your duties, please tell your school coordinator soon.")
            )
        case "registration_returned":
            lines.append(
                _("Your registration for <b>{title}</b> was returned.").format(title=title)
            )
            _add_reason(lines, reason, language)
            if told.may_register_until is not None:
                before = dates.before(told.may_register_until, zone, language, today)
                lines.append(_("You may register again {before}.").format(before=before))
            else:
                lines.append(
                    _("Registration has closed; your school coordinator can tell you more.")
                )
        case "registration_rejected":
            lines.append(
                _("Your registration for <b>{title}</b> was not approved.").format(title=title)
            )
            _add_reason(lines, reason, language)
            lines.append(_("Other trainings are open to you as before."))
            keys = (
                (
                    Key(_("Why?"), AskWhy(told.batch_id)),
                    Key(_("Training for me"), OpenProgrammes(0)),
                ),
            )
        case "registration_exempt":
            lines.append(
                _("You are exempt from <b>{title}</b>; there is nothing for you to do.").format(
                    title=title
                )
            )
            _add_reason(lines, reason, language)
        case _ if verdict == "keep":
            lines.append(
                _("You cannot withdraw from <b>{title}</b> any more; your place is kept.").format(
                    title=title
                )
            )
            _add_reason(lines, reason, language)
            lines.append(_("If you cannot come to a meeting, you can ask for leave from it."))
        case _:
            lines.append(
                _("You have withdrawn from <b>{title}</b>, as you asked.").format(title=title)
            )
    if told.contact and kind != "registration_exempt":
        lines.append(_("Questions: {contact}").format(contact=html.escape(told.contact)))
    return Card("\n".join(lines), keys)


def _add_reason(lines: list[str], reason: str, language: str) -> None:
    _ = catalog(language).gettext
    said = html.escape(reason_text(reason, language))
    lines.append(_("Reason: {reason}").format(reason=said))


def leave_answer_card(told: absences.Told, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """Leave is given, or not and why."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    separator = ", " if language == "en" else "、"
    when = separator.join(dates.moment(x, zone, language, today) for x in told.meetings)
    title = html.escape(told.title)
    if told.state is LeaveState.APPROVED:
        lines = [
            _("You have leave from <b>{title}</b>: {when}.").format(title=title, when=when),
            _("You are not expected then. If you can come after all, please give the leave up."),
        ]
    else:
        lines = [
            _("Leave from <b>{title}</b> was not given: {when}.").format(title=title, when=when)
        ]
        _add_reason(lines, told.answer, language)
        lines.append(_("You are expected. If that is impossible, please talk to your coordinator."))
    keys = ((Key(_("View"), OpenLeave(told.batch_id)), Key(_("Menu"), Home())),)
    return Card("\n".join(lines), keys)
