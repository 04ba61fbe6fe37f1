"""Studying remotely in words: my card, the line of a brief, what people say and what is answered.

Pure functions of facts and the reader's language. Every figure says of when it is.
"""

from __future__ import annotations

import html
import math
from datetime import date, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key, Keys, pager
from handlers.context import shortened
from handlers.people.buttons import Home, OpenDesk
from handlers.training.buttons import OpenCertificates, OpenProgramme, OpenSurvey
from handlers.training.remote.study_buttons import (
    AcceptStudyClaim,
    MyObstacle,
    MyStudy,
    NotUpdated,
    NotUpdatedIs,
    ObstacleIs,
    OpenStudyClaim,
    OpenStudyClaims,
    RefuseStudyClaim,
)
from handlers.training.results_text import lacks_text, mark_text
from locales import catalog, dates, numbers
from storage.refusals import Refusal
from storage.training.remote import study_claims
from storage.training.remote.looking import Looker
from storage.training.remote.my_study import Line, MyClaim, Study
from storage.training.remote.pace import PASSED, Standing
from storage.training.remote.study_claims import (
    ClaimFacts,
    Claims,
    ClaimSettled,
    NoAnswer,
    NoEvidence,
)
from storage.training.remote.tables import Measure, ObstacleReason, StudyClaimState

TITLE, LABEL = 60, 24
MISSING = 3  # things that a brief names
GUIDE = 300  # characters of how one logs in
MUCH = 180  # minutes a working day
FELL_SHORT = (Standing.NOT_COMPLETED, Standing.UNQUALIFIED, Standing.MAKING_UP)
"""Who is told what is lacking, and whom to ask."""
SLOW = (Standing.BEHIND, Standing.IDLE, Standing.NOT_STARTED)
"""Who is told what is left by the working day."""
BY_ONESELF = (
    ObstacleReason.NO_NETWORK,
    ObstacleReason.ACCOUNT,
    ObstacleReason.SICK,
    ObstacleReason.OTHER,
)
"""What people say of themselves; the others are for their school to note."""


def percent_text(percent: float) -> str:
    """A share of the work, cut to a whole number: nobody has done all before all is done."""
    return str(int(percent))


def done_text(number: float, measure: Measure) -> str:
    """So much is done; minutes are whole ones, and none that is not over."""
    return f"{math.floor(round(number, 6)) if measure is Measure.MINUTES else number:g}"


def left_figure(number: float, measure: Measure) -> str:
    """So much is left; a minute that has begun is left."""
    return f"{math.ceil(round(number, 6)) if measure is Measure.MINUTES else number:g}"


# --- my card -----------------------------------------------------------------------------------


def study_card(
    seen: Study,
    language: str,
    zone: ZoneInfo,
    now: datetime,
    said: str = "",
    *,
    has_survey: bool = False,
) -> Card:
    """Where I stand, what is left, what is next; ``said`` is about what was just done."""
    _ = catalog(language).gettext
    lines = [html.escape(said), ""] if said else []
    lines.append(_("<b>My study: {title}</b>").format(title=_escaped(seen.title)))
    if seen.standing in PASSED:
        lines += _finished_lines(seen, language)
    else:
        lines.append(standing_text(seen, language, zone, now))
        lines += _pace_lines(seen, language, zone, now)
    lines += [item_text(line, language, zone, now) for line in seen.lines]
    if seen.modules_required is not None:
        lines.append(
            _("Modules done: {done}, needed: {n}").format(
                done=seen.modules_done, n=seen.modules_required
            )
        )
    if seen.standing not in PASSED:
        lines += _ahead_lines(seen, language, zone, now)
    survey = (Key(_("Three questions"), OpenSurvey(seen.batch_id)),)
    return Card(
        "\n".join(lines), (*((survey,) if has_survey else ()), *_study_keys(seen, language))
    )


def standing_text(seen: Study, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Where somebody stands, as one says it to them."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    if seen.is_over and (seen.may_say or seen.standing in FELL_SHORT):
        return _over_text(seen, language, zone, today)
    match seen.standing:
        case Standing.NOT_BEGUN if seen.starts_at > now:
            return _("It begins {when}.").format(
                when=dates.moment(seen.starts_at, zone, language, today)
            )
        case Standing.NOT_BEGUN:
            return _("It has begun. A first look at the platform is enough to start.")
        case Standing.UNKNOWN:
            return _("The platform has not reported anything yet.")
        case Standing.NOT_STARTED:
            return _("The platform shows no study yet.")
        case Standing.BEHIND:
            return _("You are behind the reference pace.")
        case Standing.IDLE:
            return _("The platform has shown no new study for a while.")
        case Standing.LEARNED:
            return _("All study is done. Next comes the assessment.")
        case Standing.MAKING_UP if seen.make_up_until is not None:
            return _("What is missing may be made good until {day}.").format(
                day=dates.day(seen.make_up_until, language, today)
            )
        case Standing.MAKING_UP:
            return _("The make-up is open.")
        case Standing.UNQUALIFIED if "absent" in seen.lacks:
            return _(
                "You have no mark as you were not at the assessment; your class will tell you "
                "about a make-up."
            )
        case Standing.UNQUALIFIED:
            return _("The assessment was not passed; your class will tell you about a make-up.")
        case Standing.NOT_COMPLETED:
            return _("This training was not completed.")
        case _:
            return _("You are on pace.")


def _over_text(seen: Study, language: str, zone: ZoneInfo, today: date) -> str:
    """The class is over and something is left: why, whether and when it can be made good."""
    _ = catalog(language).gettext
    # What ends at midnight ended the day before.
    last = (seen.ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    sentence = (
        _("This training ended on {day}; it is not completed.")
        if seen.standing is Standing.NOT_COMPLETED
        else _("This training ended on {day}.")
    )
    lines = [sentence.format(day=dates.day(last, language, today)), *_why_lines(seen, language)]
    is_mark = seen.lacks_only_a_mark
    if seen.standing is Standing.MAKING_UP and seen.make_up_until is not None:
        lines.append(
            (
                _("You may take the assessment again until {day}.")
                if is_mark
                else _("What is missing may be made good until {day}.")
            ).format(day=dates.day(seen.make_up_until, language, today))
        )
    elif "attendance" not in seen.lacks and seen.make_up is not None:
        sentence = _("The assessment again: {when}") if is_mark else _("Make-up: {when}")
        lines.append(sentence.format(when=dates.span(*seen.make_up, zone, language, today)))
    elif "attendance" not in seen.lacks:
        lines.append(
            _("No date for taking the assessment again has been announced yet.")
            if is_mark
            else _("No make-up has been announced.")
        )
    if seen.standing in FELL_SHORT:
        lines.append(
            _("Questions: {contact}").format(contact=html.escape(seen.contact))
            if seen.contact
            else _("If you have questions, please ask the coordinator of your school.")
        )
    return "\n".join(lines)


def _why_lines(seen: Study, language: str) -> list[str]:
    """Why it is not completed, first what was done well."""
    _ = catalog(language).gettext
    if seen.lacks_only_a_mark and "absent" in seen.lacks:
        return [_("All your study is done; only the mark is missing, as you were not there.")]
    if seen.lacks_only_a_mark:
        return [_("All your study is done; only the assessment is not passed yet.")]
    if seen.standing is not Standing.NOT_COMPLETED:
        return []
    why = html.escape(seen.reason) or lacks_text(seen.lacks, language)
    return [_("Why: {reasons}").format(reasons=why)] if why else []


def _finished_lines(seen: Study, language: str) -> list[str]:
    """The end: grade, hours, certificate."""
    _ = catalog(language).gettext
    lines = [
        _("Completed. Thank you for your work.")
        if seen.is_completed
        else _("Passed. The organiser has still to confirm the completion.")
    ]
    if seen.grade is not None:
        lines.append(
            _("Your result: {mark}").format(mark=mark_text(seen.score, seen.grade, language))
        )
    if seen.is_completed:
        lines.append(_("Hours: {hours}").format(hours=numbers.hours(seen.hours, language)))
    if seen.certificate_no is not None and seen.certificate_on is not None:
        lines.append(
            _("Your certificate: {number}, {day}").format(
                number=html.escape(seen.certificate_no),
                day=dates.day(seen.certificate_on, language, date.min),
            )
        )
    elif seen.is_completed and not seen.gives_certificate:
        lines.append(_("This training gives no certificate; its hours count without one."))
    return lines


def _pace_lines(seen: Study, language: str, zone: ZoneInfo, now: datetime) -> list[str]:
    _ = catalog(language).gettext
    if seen.as_of is None:
        return []
    today = now.astimezone(zone).date()
    lines = [
        _("Done {percent}%, reference pace {expected}%, as of {when}").format(
            percent=percent_text(seen.percent),
            expected=percent_text(seen.expected),
            when=dates.moment(seen.as_of, zone, language, today),
        )
    ]
    if seen.is_stale:
        lines.append(_("These figures are old, and nothing is held against you by them."))
    return lines


def item_text(line: Line, language: str, zone: ZoneInfo, now: datetime) -> str:
    """One thing: how much is done of how much, and by when. HTML."""
    _ = catalog(language).gettext
    sentence = {
        Measure.MINUTES: _("{title}: {done} of {required} min"),
        Measure.TIMES: _("{title}: {done} of {required}"),
        Measure.POINTS: _("{title}: {done} of {required} points"),
        Measure.PERCENT: _("{title}: {done} of {required} percent"),
    }[line.measure]
    text = sentence.format(
        title=_escaped(line.title),
        done=done_text(line.done, line.measure),
        required=f"{line.required:g}",
    )
    if not line.mandatory:
        text += " · " + _("optional")
    elif line.due_at is not None and not line.is_done:
        today = now.astimezone(zone).date()
        text += " · " + dates.before(line.due_at, zone, language, today)
    return f"{'✓' if line.is_done else '○'} {text}"


def left_text(line: Line, language: str) -> str:
    """What is left of one thing. Plain text."""
    _ = catalog(language).gettext
    sentence = {
        Measure.MINUTES: _("{title}, {left} min"),
        Measure.TIMES: _("{title}, {left} more"),
        Measure.POINTS: _("{title}, {left} points"),
        Measure.PERCENT: _("{title}, {left} percent"),
    }[line.measure]
    return sentence.format(
        title=shortened(line.title, TITLE), left=left_figure(line.left, line.measure)
    )


def missing_text(seen: Study, language: str) -> str:
    """What is left of what is mandatory, the first few; empty when nothing is. Plain text."""
    _ = catalog(language).gettext
    missing = seen.missing
    # One more is named: nobody has to look up a single thing.
    shown = len(missing) if len(missing) <= MISSING + 1 else MISSING
    said = ("; " if language == "en" else "；").join(
        left_text(line, language) for line in missing[:shown]
    )
    if len(missing) > shown:
        return _("{names} and others").format(names=said)
    return said


def _ahead_lines(seen: Study, language: str, zone: ZoneInfo, now: datetime) -> list[str]:
    """The next step, this week's share, the end, and what is under way."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    lines = []
    is_slow = seen.standing in SLOW and seen.workdays_left > 0
    if is_slow:
        lines += _share_lines(seen, language)
    elif seen.may_say and seen.next is not None:
        lines.append(_("Next: {what}").format(what=html.escape(left_text(seen.next, language))))
    if seen.minutes_this_week and not is_slow:
        lines.append(
            ngettext(
                "About {n} minute this week is enough.",
                "About {n} minutes this week are enough.",
                seen.minutes_this_week,
            ).format(n=seen.minutes_this_week)
        )
    if seen.workdays_left and seen.starts_at <= now:
        lines.append(
            ngettext(
                "It ends {when}, {n} working day is left.",
                "It ends {when}, {n} working days are left.",
                seen.workdays_left,
            ).format(when=dates.moment(seen.ends_at, zone, language, today), n=seen.workdays_left)
        )
    if seen.may_say and seen.guide:
        lines.append(
            _("How to log in: {guide}").format(guide=html.escape(shortened(seen.guide, GUIDE)))
        )
    if seen.claim is not None and seen.may_say:
        lines.append(claim_state_text(seen.claim, seen.looks, language, zone, today))
    if seen.obstacle is not None:
        lines.append(
            _("Your school knows: {reason}").format(reason=obstacle_text(seen.obstacle, language))
        )
    return lines


def _share_lines(seen: Study, language: str) -> list[str]:
    """What is left until the end, by the working day where it is counted in minutes."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines, most = [], 0
    for line in seen.missing:
        if line.measure is not Measure.MINUTES:
            continue
        a_day = ceil(line.left / seen.workdays_left)
        most += a_day
        lines.append(
            ngettext(
                "{title}: {n} minute each working day until the end.",
                "{title}: {n} minutes each working day until the end.",
                a_day,
            ).format(title=_escaped(line.title), n=a_day)
        )
    others = [
        left_text(line, language) for line in seen.missing if line.measure is not Measure.MINUTES
    ]
    if others:
        text = numbers.joined([html.escape(one) for one in others], language)
        lines.append(_("Also until the end: {list}.").format(list=text))
    if most > MUCH:
        lines.append(_("That is much. If it cannot be done, please tell your school below."))
    return lines


def claim_state_text(
    claim: MyClaim, looks: Looker, language: str, zone: ZoneInfo, today: date
) -> str:
    """What became of what one has said. HTML."""
    _ = catalog(language).gettext
    sentence = {
        StudyClaimState.OPEN: {
            Looker.TUTOR: _("Studied, not updated ({when}): your tutor is looking at it."),
            Looker.CLASS_TEACHER: _(
                "Studied, not updated ({when}): your class teacher is looking at it."
            ),
            Looker.ORGANISER: _("Studied, not updated ({when}): the organiser is looking at it."),
        }[looks],
        StudyClaimState.ACCEPTED: _(
            "Studied, not updated ({when}): accepted; the figures follow with an import."
        ),
        StudyClaimState.REFUSED: _("Studied, not updated ({when}): not accepted. {answer}"),
        StudyClaimState.CAUGHT_UP: _("Studied, not updated ({when}): the figures show it now."),
    }[claim.state]
    return sentence.format(
        when=dates.day(claim.submitted_at.astimezone(zone).date(), language, today),
        answer=html.escape(claim.answer),
    )


def said_text(looks: Looker, language: str) -> str:
    """Who looks at what one has just said."""
    _ = catalog(language).gettext
    return {
        Looker.TUTOR: _("Thank you. Your tutor looks at it, and you are not reminded meanwhile."),
        Looker.CLASS_TEACHER: _(
            "Thank you. Your class teacher looks at it, and you are not reminded meanwhile."
        ),
        Looker.ORGANISER: _(
            "Thank you. The organiser of the class looks at it, and you are not reminded meanwhile."
        ),
    }[looks]


def obstacle_text(reason: ObstacleReason, language: str) -> str:
    """What holds somebody up, in a word or two."""
    _ = catalog(language).gettext
    return {
        ObstacleReason.NO_NETWORK: _("no network"),
        ObstacleReason.SICK: _("sick leave"),
        ObstacleReason.FORGOT: _("forgot"),
        ObstacleReason.NOT_UPDATED: _("done, not updated"),
        ObstacleReason.ACCOUNT: _("cannot log in"),
        ObstacleReason.OTHER: _("something else"),
    }[reason]


def _study_keys(seen: Study, language: str) -> Keys:
    _ = catalog(language).gettext
    rows: list[tuple[Key, ...]] = []
    if seen.may_say:
        if seen.url:
            rows.append((Key(_("Study now"), url=seen.url),))
        if seen.standing is not Standing.NOT_BEGUN:
            rows.append(
                (
                    Key(_("Not updated yet"), NotUpdated(seen.batch_id)),
                    Key(_("Tell my school"), MyObstacle(seen.batch_id)),
                )
            )
    elif seen.standing is Standing.MAKING_UP:
        rows.append((Key(_("Tell my school"), MyObstacle(seen.batch_id)),))
    if seen.certificate_on is not None:
        rows.append((Key(_("My certificates"), OpenCertificates()),))
    rows.append((Key(_("Back"), OpenProgramme(seen.batch_id)), Key(_("Menu"), Home())))
    return tuple(rows)


def studies_card(studies: tuple[Study, ...], language: str) -> Card:
    """The classes that one studies remotely, each a key."""
    _ = catalog(language).gettext
    lines = [_("<b>My study</b>")]
    if not studies:
        lines.append(_("You are not studying on a platform at the moment."))
    keys: list[tuple[Key, ...]] = []
    for number, seen in enumerate(studies, 1):
        lines.append(
            _("{number}. {title}: {percent}%").format(
                number=number, title=_escaped(seen.title), percent=percent_text(seen.percent)
            )
        )
        keys.append((Key(shortened(f"{number}. {seen.title}", LABEL), MyStudy(seen.batch_id)),))
    return Card("\n".join(lines), (*keys, (Key(_("Menu"), Home()),)))


# --- the line of a brief -----------------------------------------------------------------------


def brief_text(kind: str, seen: Study, language: str, zone: ZoneInfo, now: datetime) -> str:
    """M14, M15: the own gap, of when the figures are, and no blame. HTML."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    if kind == "remote_not_started":
        sentence = _(
            "<b>{title}</b>: as of {as_of} the platform shows no study yet. It ends {end}. "
            "If you have begun since then, please ignore this."
        )
    elif kind in ("remote_idle", "remote_idle_long"):
        sentence = _(
            "<b>{title}</b>: no new study since {last}, {percent}% done, as of {as_of}. "
            "Still needed: {missing}. If you studied since then, please ignore this."
        )
    elif kind == "remote_end" and seen.as_of is not None and seen.missing:
        sentence = _(
            "<b>{title}</b> ends {end}. Still needed as of {as_of}: {missing}. Without it the "
            "{hours} hours cannot be credited. If something is in the way, tap “Tell my school”."
        )
    elif kind == "remote_end":
        sentence = _(
            "<b>{title}</b> ends {end}. Without completing it the {hours} hours "
            "cannot be credited. If something is in the way, tap “Tell my school”."
        )
    else:
        sentence = _(
            "<b>{title}</b>: {percent}% done, the reference pace is {expected}%, as of {as_of}. "
            "Still needed: {missing}. It ends {end}. If you studied since then, please ignore this."
        )
    return sentence.format(
        title=_escaped(seen.title),
        percent=percent_text(seen.percent),
        expected=percent_text(seen.expected),
        missing=html.escape(missing_text(seen, language)) or numbers.NO_FIGURE,
        as_of=_when(seen.as_of, language, zone, today),
        last=numbers.NO_FIGURE
        if seen.last_active is None
        else dates.day(seen.last_active, language, today),
        end=dates.moment(seen.ends_at, zone, language, today),
        hours=numbers.hours(seen.hours, language),
    )


def due_text(
    seen: Study, item_id: int, at: datetime, language: str, zone: ZoneInfo, now: datetime
) -> str:
    """What is left of one thing that is due before the end. HTML."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    lines = [line for line in seen.lines if line.item_id == item_id]
    return _(
        "<b>{title}</b>: {left}, due {before}. As of {as_of}; if you have done it since then, "
        "please ignore this."
    ).format(
        title=_escaped(seen.title),
        before=dates.before(at, zone, language, today),
        left=html.escape("".join(left_text(line, language) for line in lines)),
        as_of=_when(seen.as_of, language, zone, today),
    )


def _when(moment: datetime | None, language: str, zone: ZoneInfo, today: date) -> str:
    if moment is None:
        return numbers.NO_FIGURE
    return dates.moment(moment, zone, language, today)


# --- saying what figures do not show -----------------------------------------------------------


def which_card(seen: Study, language: str) -> Card:
    """Choose what has been studied and is not reported."""
    _ = catalog(language).gettext
    text = _(
        "<b>Studied, not updated yet</b>\n"
        "Platforms report with a delay. What have you done that does not show here?"
    )
    rows = [
        (Key(shortened(line.title, LABEL), NotUpdatedIs(seen.batch_id, line.item_id)),)
        for line in seen.lines
        if not line.is_done
    ]
    every = (Key(_("All of it"), NotUpdatedIs(seen.batch_id, 0)),)
    return Card(text, (*rows, every, (Key(_("Back"), MyStudy(seen.batch_id)),)))


def evidence_card(seen: Study, item_id: int, language: str) -> Card:
    """Ask what shows it; a sentence is enough."""
    _ = catalog(language).gettext
    item = next((line.title for line in seen.lines if line.item_id == item_id), "")
    text = _(
        "Please type what you have studied and when, or send a file that shows it. "
        "A sentence is enough; a picture is not needed. Only those who look after the class "
        "see it."
    )
    if item:
        text = f"<b>{_escaped(item)}</b>\n{text}"
    return Card(text, ((Key(_("Cancel"), MyStudy(seen.batch_id)),),))


def obstacle_card(seen: Study, language: str) -> Card:
    """Choose what holds one up."""
    _ = catalog(language).gettext
    text = _(
        "<b>Tell my school</b>\n"
        "What is in the way? Only the coordinators of your school are told, and they will help."
    )
    rows = [
        (
            Key(
                ("✓ " if seen.obstacle is reason else "") + obstacle_text(reason, language),
                ObstacleIs(seen.batch_id, reason.value),
            ),
        )
        for reason in BY_ONESELF
    ]
    if seen.obstacle is not None:
        rows.append((Key(_("Nothing any more"), ObstacleIs(seen.batch_id, "")),))
    return Card(text, (*rows, (Key(_("Back"), MyStudy(seen.batch_id)),)))


# --- whoever looks at it -----------------------------------------------------------------------


def claims_card(facts: Claims, language: str, zone: ZoneInfo, today: date) -> Card:
    """What waits for a tutor's word, the oldest first, each a key."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [_("<b>Studied, not updated yet</b>")]
    if not facts.lines:
        lines.append(_("Nothing is waiting for you."))
    keys: list[tuple[Key, ...]] = []
    first = facts.page * study_claims.PAGE + 1
    for number, line in enumerate(facts.lines, first):
        lines.append(
            _("{number}. {name} ({unit}), {item}, {day}").format(
                number=number,
                name=html.escape(line.name),
                unit=html.escape(line.unit),
                item=_escaped(line.item or line.title),
                day=dates.day(line.submitted_at.astimezone(zone).date(), language, today),
            )
        )
        keys.append(
            (Key(shortened(f"{number}. {line.name}", LABEL), OpenStudyClaim(line.claim_id)),)
        )
    if facts.own:
        lines.append(
            ngettext(
                "{n} is your own and waits for somebody else.",
                "{n} are your own and wait for somebody else.",
                facts.own,
            ).format(n=facts.own)
        )
    turn = pager(facts.page, facts.pages, OpenStudyClaims)
    return Card(
        "\n".join(lines), (*keys, *((turn,) if turn else ()), (Key(_("Back"), OpenDesk()),))
    )


def claim_card(
    facts: ClaimFacts, language: str, zone: ZoneInfo, today: date, said: str = ""
) -> Card:
    """One of these, with what shows it."""
    catalogue = catalog(language)
    _, pgettext = catalogue.gettext, catalogue.pgettext
    lines = [html.escape(said), ""] if said else []
    lines += [
        f"<b>{_escaped(facts.title)}</b>",
        f"{html.escape(facts.name)} · {html.escape(facts.unit)}",
        _("Says it is studied: {what}").format(
            what=_escaped(facts.item) if facts.item else _("all of it")
        ),
        dates.moment(facts.submitted_at, zone, language, today),
    ]
    if facts.text:
        lines.append(html.escape(facts.text))
    if facts.evidence_file_id and not facts.evidence_name:
        lines.append(_("The picture is above."))
    elif facts.evidence_file_id:
        lines.append(_("The file is above: {name}").format(name=html.escape(facts.evidence_name)))
    lines.append(
        _("Accepting changes no figure: it keeps reminders away until the next import shows it.")
    )
    keys: list[tuple[Key, ...]] = []
    if facts.state is StudyClaimState.OPEN:
        keys.append(
            (
                Key(pgettext("study", "Accept"), AcceptStudyClaim(facts.claim_id), style="success"),
                Key(_("Refuse"), RefuseStudyClaim(facts.claim_id)),
            )
        )
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenStudyClaims()),)))


def studying_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why something about studying was refused; empty for what is none of ours."""
    del zone, now
    _ = catalog(language).gettext
    match refusal:
        case NoEvidence():
            return _("Please say in a sentence what you have studied and when.")
        case NoAnswer():
            return _("Please say in a sentence why it is not accepted.")
        case ClaimSettled(state=StudyClaimState.CAUGHT_UP):
            return _("The figures show it meanwhile; nothing is left to decide.")
        case ClaimSettled():
            return _("This has been decided already.")
    return ""


def _escaped(text: str) -> str:
    return html.escape(shortened(" ".join(text.split()), TITLE))
