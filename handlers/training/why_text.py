"""Why it was decided so: each line that stands behind a registration, in words."""

from __future__ import annotations

import html
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.training.reasons_text import reason_text
from handlers.training.results_text import lacks_text
from locales import catalog, dates
from storage.training.decisions import DecisionLine, Why


def why_text(why: Why, language: str, zone: ZoneInfo, now: datetime) -> str:
    """All decisions in order, and what stands in the way now. HTML."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    lines = [_("<b>How it was decided: {title}</b>").format(title=html.escape(why.title))]
    for line in why.lines[-10:]:
        at = dates.moment(line.at, zone, language, today)
        what = rule_text(line, language, zone, now)
        lines.append(_("{time}: {what}").format(time=at, what=what))
    if not why.lines:
        lines.append(_("Nothing has been decided yet."))
    if why.place is not None:
        lines.append(
            ngettext(
                "You are number {n} in the queue; a freed seat is offered in this order.",
                "You are number {n} in the queue; a freed seat is offered in this order.",
                why.place,
            ).format(n=why.place)
        )
    if why.kept_for_schools:
        lines.append(
            ngettext(
                "{n} free seat belongs to other schools' allotments.",
                "{n} free seats belong to other schools' allotments.",
                why.kept_for_schools,
            ).format(n=why.kept_for_schools)
        )
        if why.released_at is not None:
            lines.append(
                _("What the schools have not used goes to everybody on {time}.").format(
                    time=dates.moment(why.released_at, zone, language, today)
                )
            )
    return "\n".join(lines)


def rule_text(line: DecisionLine, language: str, zone: ZoneInfo, now: datetime) -> str:
    """One decision in one sentence."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    match line.rule:
        case "seat_from_school":
            return _("A seat from your school's allotment was free and is yours.")
        case "seat_from_pool":
            return _("A seat open to all schools was free and is yours.")
        case "seat_without_limit":
            return _("This training has no limit of seats.")
        case "queued" if line.facts.get("reserved"):
            return _("The seats of your school that were left are reserved for others.")
        case "queued" if not line.facts.get("full", True):
            return _("A seat was free, but people who came before you were waiting for it.")
        case "queued" if not line.facts.get("ahead"):
            return _("All seats were taken, and nobody was waiting before you.")
        case "queued":
            ahead = int(line.facts["ahead"])
            return ngettext(
                "All seats were taken, and {n} person was waiting before you.",
                "All seats were taken, and {n} persons were waiting before you.",
                ahead,
            ).format(n=ahead)
        case "registered_despite":
            return _("You registered although it is recommended for others.")
        case "withdrawn":
            return _("You withdrew, and the seat was given back.")
        case "left_queue":
            return _("You left the waiting list.")
        case "leave_requested":
            return _("You asked to withdraw; the school decides.")
        case (
            "offered_after_withdrawal"
            | "offered_after_pass"
            | "offered_after_lapse"
            | "offered_from_free_seat"
        ):
            lapses_at = line.facts.get("lapses_at")
            if lapses_at:
                return _(
                    "A seat became free and was held for you, to be answered {before}."
                ).format(
                    before=dates.before(
                        datetime.fromisoformat(str(lapses_at)), zone, language, today
                    )
                )
            return _("A seat became free and was held for you.")
        case "offer_accepted":
            return _("You accepted the seat.")
        case "offer_passed":
            return _("You passed the seat on.")
        case "offer_lapsed" if line.facts.get("again"):
            return _("The offer ran out; you went to the end of the queue.")
        case "offer_lapsed":
            return _("The offer ran out a second time; you are no longer in the queue.")
        case "enrolled_automatically":
            return _("This training is for everybody concerned; you were enrolled from the roster.")
        case "exempt_long_leave":
            return _("You are on long leave and therefore exempt.")
        case "nominated" if line.facts.get("asks", True):
            return _("Your school nominated you and asked for your answer.")
        case "nominated":
            return _("Your school decided to send you.")
        case "nomination_taken_back":
            return _("Your school took the nomination back.")
        case "replaced":
            return _("Your school sent a colleague in your place.")
        case "substituted":
            return _("Your school sent you in a colleague's place.")
        case "class_cancelled" if line.facts.get("thin"):
            return _("The class was cancelled because too few people had registered.")
        case "class_cancelled":
            return _("The class was cancelled.")
        case "nomination_accepted":
            return _("You agreed to be sent by your school.")
        case "nomination_declined":
            return _("You declined to be sent.")
        case "menu_seat" | "menu_queued":
            return _menu_text(line, language)
        case "programme_cancelled":
            return _("The training was cancelled.")
        case "school_approved":
            return _("Your school approved; the county decides next.")
        case "approved_by_school":
            return _("Your school approved.")
        case "approved_by_organiser" if line.facts.get("past_school"):
            return _("The time of the school was over, so the organiser decided and approved.")
        case "approved_by_organiser":
            return _("The organiser approved.")
        case "returned" if line.facts.get("by_school"):
            return _("Your school returned it. Reason: {reason}").format(
                reason=_reason(line, language)
            )
        case "returned":
            return _("The organiser returned it. Reason: {reason}").format(
                reason=_reason(line, language)
            )
        case "rejected":
            return _("The organiser did not approve. Reason: {reason}").format(
                reason=_reason(line, language)
            )
        case "exempted":
            return _("You were exempted. Reason: {reason}").format(reason=_reason(line, language))
        case "withdrawal_agreed":
            return _("Your wish to withdraw was agreed to, and the seat was given back.")
        case "withdrawal_refused":
            return _("Your wish to withdraw was not agreed to. Reason: {reason}").format(
                reason=_reason(line, language)
            )
        case "decision_undone":
            return _("The last decision was taken back within ten minutes.")
        case "absence_requested":
            return _("You asked for leave: {when}.").format(
                when=_meetings(line, language, zone, today)
            )
        case "absence_school_ok":
            return _("Your school agreed to the leave; the organiser decides next: {when}.").format(
                when=_meetings(line, language, zone, today)
            )
        case "absence_approved":
            return _("Leave was given: {when}.").format(when=_meetings(line, language, zone, today))
        case "absence_refused":
            return _("Leave was not given: {when}.").format(
                when=_meetings(line, language, zone, today)
            )
        case "absence_cancelled":
            return _("You gave the leave up: {when}.").format(
                when=_meetings(line, language, zone, today)
            )
        case "completed" | "not_completed" if line.facts.get("by_hand"):
            sentence = (
                _("The organiser decided that you completed it: {reason}")
                if line.rule == "completed"
                else _("The organiser decided that you did not complete it: {reason}")
            )
            return sentence.format(reason=html.escape(str(line.facts.get("reason", ""))))
        case "completed":
            return _("You completed it.")
        case "not_completed" if line.facts.get("lacks"):
            return _("You did not complete it: {reasons}.").format(
                reasons=lacks_text(line.facts["lacks"], language)
            )
        case "not_completed":
            return _("You did not complete it.")
        case "no_show":
            return _("You were on the list and were not seen at any meeting.")
        case "completion_undone":
            return _("The decision on completing it was taken back.")
        case "completion_revoked":
            return _("The completion was revoked: {reason}").format(
                reason=html.escape(str(line.facts.get("reason", "")))
            )
        case "make_up_given":
            return _("What is missing may be made good until {day}.").format(
                day=dates.day(date.fromisoformat(str(line.facts["until"])), language, today)
            )
        case "first_attendance":
            return _("You came to a meeting for the first time, and have taken part since.")
        case "attendance_undone":
            return _("Your presence at a meeting had been entered by mistake and was taken back.")
        case "first_progress":
            return _("The platform reported your first study, and you have taken part since.")
        case "progress_undone":
            return _("The report of your first study was taken back; it had been a mistake.")
    return _("The state changed.")


def _menu_text(line: DecisionLine, language: str) -> str:
    """What the lot decided, with what it takes to check it."""
    _ = catalog(language).gettext
    facts = line.facts
    if line.rule == "menu_seat":
        sentence = _(
            "Your wish number {rank} from the menu “{menu}” was number {number} of {all} such "
            "wishes, and there was a seat. Lot {lot}, seed {seed}."
        )
    else:
        sentence = _(
            "Your wish number {rank} from the menu “{menu}” was number {number} of {all} such "
            "wishes, and no seat was left; you wait in this order. Lot {lot}, seed {seed}."
        )
    return sentence.format(
        rank=facts["rank"],
        menu=html.escape(str(facts["menu"])),
        number=facts["number"],
        all=facts["of"],
        lot=str(facts["lot"])[:8],
        seed=facts["seed"],
    )


def _reason(line: DecisionLine, language: str) -> str:
    return html.escape(reason_text(str(line.facts.get("reason", "")), language))


def _meetings(line: DecisionLine, language: str, zone: ZoneInfo, today: date) -> str:
    moments = [datetime.fromisoformat(at) for at in line.facts.get("meetings", ())]
    separator = ", " if language == "en" else "、"
    return separator.join(dates.moment(at, zone, language, today) for at in moments)
