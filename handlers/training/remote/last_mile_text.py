"""The last mile of a remote class in words: rates with what they are of, and people in private.

What a group sees of it is in ``handlers.messaging.public``.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key, Keys, pager
from handlers.context import shortened
from handlers.messaging.group_buttons import OpenGroups
from handlers.messaging.public import bar
from handlers.training.buttons import OpenRun
from handlers.training.remote.last_mile_buttons import (
    ExplainRates,
    MileBulletin,
    MileContact,
    MilePeople,
    MilePerson,
    MileReason,
    MileRemind,
    MileSchools,
    OpenLastMile,
    PostMileBulletin,
    PostToAllStaff,
)
from handlers.training.remote.study_text import obstacle_text, percent_text
from locales import catalog, dates, numbers
from storage.refusals import Refusal
from storage.training.remote import rates
from storage.training.remote.bulletins import Draft, NoBulletin, NothingToReport, Posted
from storage.training.remote.forecast import End
from storage.training.remote.last_mile import (
    MISSING,
    Asked,
    LastMile,
    Line,
    NothingToRemind,
    NotRemote,
    People,
    Person,
    School,
)
from storage.training.remote.pace import Standing
from storage.training.remote.rates import Rate, Share
from storage.training.remote.tables import ObstacleReason

TITLE, NAME, LABEL = 80, 24, 20
TUTORS = 3
PAGE = 8
REASONS = tuple(ObstacleReason)


def standing_text(standing: Standing, language: str) -> str:
    """Where somebody who has not finished stands, in a word or two."""
    pgettext = catalog(language).pgettext
    return {
        Standing.NOT_BEGUN: pgettext("studying", "not yet begun"),
        Standing.UNKNOWN: pgettext("studying", "no figures yet"),
        Standing.NOT_STARTED: pgettext("studying", "not started"),
        Standing.ON_TRACK: pgettext("studying", "on the way"),
        Standing.BEHIND: pgettext("studying", "behind the pace"),
        Standing.IDLE: pgettext("studying", "paused for long"),
        Standing.MAKING_UP: pgettext("studying", "making it up"),
    }.get(standing, "")


def mile_card(facts: LastMile, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """Where a class stands and what is missing, in rates and in persons."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    sets = facts.sets
    title = html.escape(shortened(facts.title, TITLE))
    lines = [
        _("<b>Last mile: {title}</b>").format(title=title),
        _as_of(facts.as_of, facts.is_stale, language, zone, now),
    ]
    if not facts.runs_it:
        lines.append(_("The figures are those of your own people."))
    lines.append(_("Due: {due}, exempt: {exempt}").format(due=sets.due, exempt=sets.exempt))
    if facts.as_of is not None:
        lines += _rate_lines(facts, language)
    parts = [
        f"{standing_text(standing, language)} {facts.standings[standing]}"
        for standing in MISSING
        if facts.standings.get(standing)
    ]
    if parts:
        lines.append(_("Not finished: {list}").format(list=numbers.joined(parts, language)))
    if facts.forecast is not None:
        ends = [
            sentence.format(n=_end(end, language))
            for sentence, end in (
                (_("finished {n}"), facts.forecast.learned),
                (_("begun {n}"), facts.forecast.started),
            )
            if end is not None
        ]
        lines.append(
            _("At today's pace, on {day}: {list}").format(
                day=dates.day(facts.forecast.ends, language, today),
                list=numbers.joined(ends, language),
            )
        )
    if facts.tutors:
        nobody = _("without a tutor")
        waits = [
            f"{html.escape(line.name) or nobody} {line.waiting}" for line in facts.tutors[:TUTORS]
        ]
        lines.append(
            _("Waiting for a tutor's word: {list}").format(list=numbers.joined(waits, language))
        )
    return Card("\n".join(lines), _mile_keys(facts, language))


def _mile_keys(facts: LastMile, language: str) -> Keys:
    _ = catalog(language).gettext
    of = facts.batch_id
    first: list[Key] = []
    if len(facts.schools) == 1 and facts.schools[0].may_see:
        school = facts.schools[0]
        if school.missing:
            label = _("Not finished · {n}").format(n=school.missing)
            first.append(Key(label, MilePeople(of, school.unit_id), style="primary"))
    elif facts.schools:
        first.append(Key(_("School by school"), MileSchools(of), style="primary"))
    if facts.may_post:
        first.append(Key(_("Bulletin"), MileBulletin(of)))
    last = (Key(_("How it is counted"), ExplainRates(of)), Key(_("Back"), OpenRun(of)))
    return (tuple(first), last) if first else (last,)


def _as_of(
    as_of: datetime | None, is_stale: bool, language: str, zone: ZoneInfo, now: datetime
) -> str:
    _ = catalog(language).gettext
    if as_of is None:
        return _("The platform's figures have not been imported yet.")
    when = dates.moment(as_of, zone, language, now.astimezone(zone).date())
    if is_stale:
        return _("Figures as of {when}; they are old, please import new ones.").format(when=when)
    return _("Figures as of {when}").format(when=when)


def _rate_lines(facts: LastMile, language: str) -> list[str]:
    catalogue = catalog(language)
    _, pgettext = catalogue.gettext, catalogue.pgettext
    sets = facts.sets
    lines = [
        _rate(
            pgettext("rate", "Taking part"),
            sets,
            Rate.PARTICIPATION,
            facts.participation_target,
            language,
        ),
        _rate(pgettext("rate", "Study finished"), sets, Rate.LEARNED, None, language),
    ]
    if sets.assessed:
        lines.append(
            _rate(pgettext("rate", "Passed"), sets, Rate.PASS, facts.pass_target, language)
        )
        if sets.deferred:
            lines.append(
                _("Provisional: the assessment of {n} is put off.").format(n=sets.deferred)
            )
    elif facts.pass_target is not None and sets.participating:
        missing = Share(sets.learned, sets.participating).gap(facts.pass_target)
        if missing:
            target = _percent(facts.pass_target)
            text = catalogue.ngettext(
                "For {target}% to pass, {n} more has to finish.",
                "For {target}% to pass, {n} more have to finish.",
                missing,
            )
            lines.append(text.format(target=target, n=missing))
    if sets.completed:
        lines.append(_rate(pgettext("rate", "Completed"), sets, Rate.COMPLETION, None, language))
    return lines


def _rate(name: str, sets: rates.Sets, rate: Rate, target: float | None, language: str) -> str:
    """A rate with what it is of, and how many persons are missing to its target."""
    catalogue = catalog(language)
    _ = catalogue.gettext
    share = rates.share(sets, rate)
    figures = {
        "name": name,
        "percent": numbers.percent(share.numerator, share.denominator, target),
        "part": share.numerator,
        "whole": share.denominator,
    }
    if target is None or not share.denominator:
        return _("{name}: {percent}% ({part} of {whole})").format(**figures)
    gap = share.gap(target)
    goal = _percent(target)
    if not gap:
        return _("{name}: {percent}% ({part} of {whole}), {target}% is reached").format(
            target=goal, **figures
        )
    return catalogue.ngettext(
        "{name}: {percent}% ({part} of {whole}), {n} more person to {target}%",
        "{name}: {percent}% ({part} of {whole}), {n} more people to {target}%",
        gap,
    ).format(n=gap, target=goal, **figures)


def _percent(target: float) -> str:
    """A target as it is said: ``98``, ``97.5``."""
    return f"{float(Fraction(str(target)) * 100):g}"


def _end(end: End, language: str) -> str:
    _ = catalog(language).gettext
    if end.least is None or end.most is None:
        return _("about {n}").format(n=end.number)
    if end.least == end.most:
        return str(end.number)
    return _("about {n} ({least} to {most})").format(n=end.number, least=end.least, most=end.most)


def explained_card(batch_id: int, language: str) -> Card:
    """What each rate is of, so that nobody has to guess."""
    _ = catalog(language).gettext
    lines = [
        _("<b>How it is counted</b>"),
        _("Due: everybody who is to take part, less those who are exempt for a recorded reason."),
        _("Taking part: of those due, who has begun to study, or was at a meeting."),
        _("Study finished: of those due, who has done everything that has to be done."),
        _("Passed: of those who take part, whose result is a pass."),
        _("Completed: of those who take part, for whom completion is recorded."),
        _(
            "The forecast lets everybody go on as in the last working week; beside it stands how "
            "far earlier forecasts were off."
        ),
    ]
    return Card("\n".join(lines), ((Key(_("Back"), OpenLastMile(batch_id)),),))


def schools_card(facts: LastMile, page: int, language: str) -> Card:
    """The schools in the order of the roster, each with how many have finished."""
    _ = catalog(language).gettext
    lines = [
        f"<b>{html.escape(shortened(facts.title, TITLE))}</b>",
        _("Study finished, school by school:"),
    ]
    pages = max(1, -(-len(facts.schools) // PAGE))
    page = min(max(0, page), pages - 1)
    keys: list[Key] = []
    for school in facts.schools[page * PAGE : (page + 1) * PAGE]:
        lines.append(_school_line(school, language))
        if school.may_see and school.missing:
            label = f"{shortened(school.name, LABEL)} · {school.missing}"
            keys.append(Key(label, MilePeople(facts.batch_id, school.unit_id)))
    turn = pager(page, pages, lambda number: MileSchools(facts.batch_id, number))
    back = (Key(_("Back"), OpenLastMile(facts.batch_id)),)
    rows = tuple(tuple(keys[n : n + 2]) for n in range(0, len(keys), 2))
    return Card("\n".join(lines), (*rows, *((turn,) if turn else ()), back))


def _school_line(school: School, language: str) -> str:
    _ = catalog(language).gettext
    share = rates.share(school.sets, Rate.LEARNED)
    figures = {
        "school": html.escape(shortened(school.name, NAME)),
        "bar": bar(share.numerator, share.denominator),
        "part": share.numerator,
        "whole": share.denominator,
    }
    return _("{school} {bar} {part} of {whole}").format(**figures)


def people_card(facts: People, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """Those of one school who have not finished, for whoever looks after them."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [
        f"<b>{html.escape(shortened(facts.title, TITLE))}</b>",
        ngettext(
            "{school}: {n} person has not finished.",
            "{school}: {n} people have not finished.",
            facts.total,
        ).format(school=html.escape(facts.unit), n=facts.total),
    ]
    if facts.as_of is not None:
        lines.append(_as_of(facts.as_of, False, language, zone, now))
    if facts.reasons:
        reasons = [
            f"{obstacle_text(reason, language)} {number}"
            for reason, number in facts.reasons.items()
        ]
        lines.append(_("Held up: {list}").format(list=numbers.joined(reasons, language)))
    keys: list[Key] = []
    for line in facts.lines:
        lines.append(_person_line(line, language))
        mark = "✓ " if line.contacted_at is not None else ""
        label = shortened(mark + line.name, LABEL)
        keys.append(Key(label, MilePerson(line.registration_id, facts.page)))
    if facts.lines:
        lines.append(_("Tap a name to note what holds them up, or that you have spoken."))
    rows = [tuple(keys[n : n + 2]) for n in range(0, len(keys), 2)]
    turn = pager(
        facts.page, facts.pages, lambda page: MilePeople(facts.batch_id, facts.unit_id, page)
    )
    rows += [turn] if turn else []
    if facts.reminded_at is not None:
        when = dates.moment(facts.reminded_at, zone, language, now.astimezone(zone).date())
        lines.append(_("Last reminded: {time}").format(time=when))
    if facts.lines and not facts.askable:
        why = asked_text(facts.answers, language) or _nothing_to_remind(language)
        lines.append(_("Nobody can be reminded now:\n{why}").format(why=why))
    if facts.askable:
        label = _("Remind · {n}").format(n=facts.askable)
        press = MileRemind(facts.batch_id, facts.unit_id, 0, facts.page)
        rows.append((Key(label, press, style="primary"),))
    back = OpenLastMile(facts.batch_id) if facts.own else MileSchools(facts.batch_id)
    rows.append((Key(_("Back"), back),))
    return Card("\n".join(lines), tuple(rows))


def _standing_line(line: Line, language: str) -> str:
    parts = [standing_text(line.standing, language)]
    if line.percent:
        parts.append(f"{percent_text(line.percent)}%")
    if line.reason is not None:
        parts.append(obstacle_text(line.reason, language))
    return " · ".join(part for part in parts if part)


def _person_line(line: Line, language: str) -> str:
    return f"{html.escape(line.name)} · {_standing_line(line, language)}"


def person_card(facts: Person, page: int, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """One who has not finished: where they stand, what holds them up, and what was done."""
    _ = catalog(language).gettext
    line, today = facts.line, now.astimezone(zone).date()
    lines = [
        f"<b>{html.escape(line.name)}</b>",
        html.escape(shortened(facts.title, TITLE)),
        _standing_line(line, language),
    ]
    if line.as_of is not None:
        lines.append(_as_of(line.as_of, False, language, zone, now))
    if line.note:
        lines.append(_("They say: {note}").format(note=html.escape(line.note)))
    if line.claims:
        lines.append(_("They say that it is done and not updated yet; it is being looked into."))
    if line.contacted_at is not None:
        when = dates.moment(line.contacted_at, zone, language, today)
        lines.append(_("Spoken with: {when}").format(when=when))
    if line.reminded_at is not None:
        when = dates.moment(line.reminded_at, zone, language, today)
        lines.append(_("Last reminded: {time}").format(time=when))
    if facts.answer is not Asked.ASKED:
        lines.append(_unasked(facts.answer, language))
    rows: list[tuple[Key, ...]] = []
    if facts.own:
        lines.append(_("What holds them up? Only your school sees it."))
        chips = [
            Key(
                f"{'✓ ' if reason is line.reason else ''}{obstacle_text(reason, language)}",
                MileReason(line.registration_id, number, page),
            )
            for number, reason in enumerate(REASONS)
        ]
        rows += [tuple(chips[n : n + 3]) for n in range(0, len(chips), 3)]
    called = line.contacted_at is not None and (line.contacted_at.astimezone(zone).date() == today)
    label = _("✓ Spoken with") if called else _("Mark as contacted")
    keys = [Key(label, MileContact(line.registration_id, page))]
    if facts.answer is Asked.ASKED:
        press = MileRemind(facts.batch_id, facts.unit_id, line.registration_id, page)
        keys.append(Key(_("Remind once"), press, style="primary"))
    rows.append(tuple(keys))
    rows.append((Key(_("Back"), MilePeople(facts.batch_id, facts.unit_id, page)),))
    return Card("\n".join(lines), tuple(rows))


def _unasked(answer: Asked | None, language: str) -> str:
    """Why somebody is not reminded now."""
    _ = catalog(language).gettext
    match answer:
        case None:
            return _nothing_to_remind(language)
        case Asked.TO_HEAR:
            return _("The next reminder comes with their next brief.")
        case Asked.LATELY:
            return _("They have been reminded within a week, so not again yet.")
        case Asked.SPOKEN_WITH:
            return _("They have just been spoken with, so they are not reminded.")
        case Asked.UNREACHABLE:
            return _("They are not linked, so no reminder reaches them: please phone.")
    return _("They are held up or have a later date, so they are not reminded.")


def _nothing_to_remind(language: str) -> str:
    _ = catalog(language).gettext
    return _("This class is over or its dates are not planned: nobody can be reminded.")


def asked_text(answers: Mapping[Asked, int], language: str) -> str:
    """What became of asking: how many will hear, and why others are left alone."""
    ngettext = catalog(language).ngettext
    number = answers.get(Asked.ASKED, 0) + answers.get(Asked.TO_HEAR, 0)
    lately = answers.get(Asked.LATELY, 0)
    spoken = answers.get(Asked.SPOKEN_WITH, 0)
    held_up = answers.get(Asked.HELD_UP, 0) + answers.get(Asked.NOT_OWED, 0)
    lost = answers.get(Asked.UNREACHABLE, 0)
    sentences = (
        (
            number,
            ngettext(
                "{n} person will read it in their next brief.",
                "{n} people will read it in their next brief.",
                number,
            ),
        ),
        (
            lately,
            ngettext(
                "{n} has been reminded within a week already.",
                "{n} have been reminded within a week already.",
                lately,
            ),
        ),
        (
            spoken,
            ngettext("{n} has been spoken with.", "{n} have been spoken with.", spoken),
        ),
        (
            held_up,
            ngettext(
                "{n} is held up or has a later date.",
                "{n} are held up or have a later date.",
                held_up,
            ),
        ),
        (
            lost,
            ngettext("{n} is not linked: please phone.", "{n} are not linked: please phone.", lost),
        ),
    )
    return "\n".join(text.format(n=n) for n, text in sentences if n)


def draft_card(facts: Draft, said: str, language: str) -> Card:
    """What a bulletin says, before it is posted."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    back = (Key(_("Back"), OpenLastMile(facts.batch_id)),)
    if facts.is_posted:
        note = _("This bulletin has been posted. New figures are put into it where it hangs.")
        return Card(f"{said}\n\n{note}", (back,))
    keys: list[tuple[Key, ...]] = []
    if facts.groups:
        note = ngettext(
            "This would stand in {n} group, in the next hour of work.",
            "This would stand in {n} groups, in the next hour of work.",
            facts.groups,
        ).format(n=facts.groups)
        press = PostMileBulletin(facts.batch_id, facts.import_id)
        keys.append((Key(_("Post it"), press, style="primary"),))
    else:
        note = _("No group of this class is connected yet, so nobody would see it.")
    if facts.to_all_staff:
        note += "\n" + _(
            "This class has no group of its own. Its bulletins can stand in your group of all "
            "staff: this one, and the next ones too."
        )
        wide = PostToAllStaff(facts.batch_id, facts.import_id)
        keys.append((Key(_("To all staff"), wide),))
    if not facts.groups:
        keys.append((Key(_("Connect a group"), OpenGroups()),))
    return Card(f"{said}\n\n{note}", (*keys, back))


def posted_text(posted: Posted, language: str) -> str:
    """What became of posting a bulletin."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if not posted.groups:
        return _("The groups have heard enough for now; please try again on another day.")
    text = ngettext(
        "The bulletin goes to {n} group.", "The bulletin goes to {n} groups.", posted.groups
    ).format(n=posted.groups)
    if posted.full:
        text += "\n" + ngettext(
            "{n} group has heard enough this week.",
            "{n} groups have heard enough this week.",
            posted.full,
        ).format(n=posted.full)
    return text


def last_mile_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why not, for the refusals of the last mile; empty for others'."""
    del zone, now
    _ = catalog(language).gettext
    match refusal:
        case NotRemote():
            return _("Nothing of this class is set up as remote training yet.")
        case NothingToRemind():
            return _nothing_to_remind(language)
        case NoBulletin():
            return _("Bulletins are switched off for this class.")
        case NothingToReport():
            return _(
                "There is nothing to report: the figures are old, have changed meanwhile, or are "
                "of fewer than five people. Please import new ones."
            )
    return ""
