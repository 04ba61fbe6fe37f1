"""Results and completion in words: figures, lists, one person, and why not."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.training import words
from handlers.training.rows_text import problem_count, problem_text
from locales import catalog, dates, numbers
from storage.refusals import Refusal
from storage.training import completion, results
from storage.training.completion import Assessment, Has, Lack, Needs, Verdict
from storage.training.results import Figures, Preview, RowState, Rules
from storage.training.tables import Grade, RegistrationState

TITLE = 60
PROBLEMS_SHOWN = 6


def grade_name(grade: Grade | str, language: str) -> str:
    """A grade as people say it."""
    _ = catalog(language).gettext
    return {
        Grade.EXCELLENT: _("excellent"),
        Grade.QUALIFIED: _("qualified"),
        Grade.UNQUALIFIED: _("not qualified"),
        Grade.ABSENT: _("absent from the assessment"),
        Grade.DEFERRED: _("assessment deferred"),
    }[Grade(grade)]


def score_text(score: float) -> str:
    """``85``, ``85.5``."""
    return f"{score:g}"


def mark_text(score: float | None, grade: Grade | None, language: str) -> str:
    """A result in a few words; a dash where there is none."""
    _ = catalog(language).gettext
    if grade is None:
        return numbers.NO_FIGURE
    if score is None:
        return grade_name(grade, language)
    return _("{score}, {grade}").format(score=score_text(score), grade=grade_name(grade, language))


def rules_text(rules: Rules, language: str) -> str:
    """From which marks on, and which share."""
    _ = catalog(language).gettext
    text = _("Passed from {pass_mark}, excellent from {excellent_mark}.").format(
        pass_mark=score_text(rules.pass_mark), excellent_mark=score_text(rules.excellent_mark)
    )
    if rules.cap is not None:
        text += " " + _("At most {share} % are excellent.").format(
            share=score_text(round(rules.cap * 100, 1))
        )
    return text


def grades_lines(by_grade: dict[Grade, int], language: str) -> list[str]:
    """How many have which grade, those that somebody has."""
    _ = catalog(language).gettext
    return [
        _("{grade}: {n}").format(grade=_begun(grade_name(grade, language)), n=by_grade[grade])
        for grade in Grade
        if by_grade.get(grade)
    ]


def cap_lines(
    capped: int, room: int | None, tied: bool, by_grade: dict[Grade, int], language: str
) -> list[str]:
    """Whom the share of excellent ones leaves out, and why."""
    ngettext = catalog(language).ngettext
    _ = catalog(language).gettext
    if not capped or room is None:
        return []
    lines = [
        ngettext(
            "{n} person reaches the mark for excellent but stays qualified, because at most "
            "{room} may be excellent.",
            "{n} people reach the mark for excellent but stay qualified, because at most "
            "{room} may be excellent.",
            capped,
        ).format(n=capped, room=room)
    ]
    if tied:
        lines.append(
            _("Scores are equal at the border, so none of these is excellent: {n} are.").format(
                n=by_grade.get(Grade.EXCELLENT, 0)
            )
        )
    return lines


def figures_text(facts: Figures, language: str) -> str:
    """How the results of a class stand."""
    _ = catalog(language).gettext
    lines = [
        _("<b>Results</b>: {title}").format(title=html.escape(facts.title)),
        _("Participants: {people}, with a result: {entered}.").format(
            people=facts.people, entered=facts.entered
        ),
    ]
    if facts.missing:
        lines.append(_("Without a result so far: {n}.").format(n=facts.missing))
    lines += grades_lines(facts.by_grade, language)
    lines += cap_lines(facts.capped, facts.room, facts.tied, facts.by_grade, language)
    lines.append(rules_text(facts.rules, language))
    return "\n".join(lines)


def preview_text(facts: Preview, language: str) -> str:
    """What a table of marks would do, or did."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    head = {
        "applied": _("<b>Marks entered</b>: {title}"),
        "cancelled": _("<b>Not entered</b>: {title}"),
        "undone": _("<b>Taken back</b>: {title}"),
    }.get(facts.state, _("<b>Marks to enter</b>: {title}"))
    lines = [head.format(title=html.escape(facts.title))]
    parts = [
        ngettext("{n} row", "{n} rows", facts.rows).format(n=facts.rows),
        _("{n} understood").format(n=facts.understood),
    ]
    parts += [
        problem_count(state, facts.counts[state], language)
        for state in RowState
        if state not in results.UNDERSTOOD and facts.counts.get(state)
    ]
    lines.append(("; " if language == "en" else "；").join(parts))
    lines.append(
        _("New: {new}, changed: {changed}, as before: {same}.").format(
            new=facts.counts.get(RowState.NEW, 0),
            changed=facts.counts.get(RowState.CHANGED, 0),
            same=facts.counts.get(RowState.SAME, 0),
        )
    )
    lines += [
        _("Row {number}: {problem} {said}")
        .format(
            number=problem.number,
            problem=problem_text(problem.state, language),
            said=html.escape(problem.said),
        )
        .rstrip()
        for problem in facts.problems[:PROBLEMS_SHOWN]
    ]
    more = len(facts.problems) - PROBLEMS_SHOWN
    if more > 0:
        lines.append(ngettext("and {n} more", "and {n} more", more).format(n=more))
    if facts.state == "previewed" and not facts.changes:
        lines.append(_("Everything in this file is there already; nothing would change."))
    lines += cap_lines(facts.capped, facts.room, facts.tied, facts.by_grade, language)
    return "\n".join(lines)


def own_left_text(language: str) -> str:
    """That the reader's own completion waits for somebody else, and why."""
    _ = catalog(language).gettext
    return _("Your own waits for a colleague or the next level: nobody decides about themselves.")


# --- completion -----------------------------------------------------------------------------------


def verdict_name(verdict: Verdict, language: str) -> str:
    """What follows for somebody, in a few words."""
    _ = catalog(language).gettext
    return {
        Verdict.COMPLETED: _("complete"),
        Verdict.NOT_COMPLETED: _("do not complete"),
        Verdict.MAKE_UP: _("do not complete, make-up possible"),
        Verdict.NO_SHOW: _("never came"),
        Verdict.DEFERRED: _("assessment deferred, stays open"),
        Verdict.MAKING_UP: _("make-up under way, stays open"),
        Verdict.NO_DATA: _("not enough data, stays open"),
    }[verdict]


def lack_text(lack: Lack | str, language: str) -> str:
    """What is missing for completing."""
    _ = catalog(language).gettext
    return {
        Lack.ATTENDANCE: _("attendance below the minimum"),
        Lack.TASKS: _("mandatory work missing"),
        Lack.FAILED: _("not passed"),
        Lack.ABSENT: _("absent from the assessment"),
        Lack.NO_RESULT: _("no result entered"),
        Lack.NO_ATTENDANCE: _("no attendance entered"),
        Lack.STUDY: _("study on the platform not finished"),
        Lack.NO_FIGURES: _("no figures of the platform since the end"),
    }[Lack(lack)]


def lacks_text(lacks: Sequence[Lack | str], language: str) -> str:
    """All that is missing, in a row."""
    return numbers.joined((lack_text(lack, language) for lack in lacks), language)


def assessment_text(facts: Assessment, language: str, zone: ZoneInfo, today: date) -> str:
    """What confirming would do."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [
        _("<b>Completion</b>: {title}").format(title=html.escape(facts.title)),
        needs_text(facts.needs, language),
    ]
    if facts.needs.not_taken:
        lines.append(
            ngettext(
                "At {n} meeting nobody's attendance has been entered; it does not count.",
                "At {n} meetings nobody's attendance has been entered; they do not count.",
                facts.needs.not_taken,
            ).format(n=facts.needs.not_taken)
        )
    if facts.counts:
        lines.append(_("To be decided:"))
        lines += [
            _("{state}: {n}").format(
                state=_begun(verdict_name(verdict, language)), n=facts.counts[verdict]
            )
            for verdict in Verdict
            if facts.counts.get(verdict)
        ]
    reasons = [
        _("{reason} ({n})").format(reason=lack_text(lack, language), n=facts.lacks[lack])
        for lack in Lack
        if facts.lacks.get(lack)
    ]
    if reasons:
        lines.append(_("Reasons: {reasons}").format(reasons=numbers.joined(reasons, language)))
    if facts.decided:
        lines.append(_("Decided:"))
        lines += [
            _("{state}: {n}").format(
                state=_begun(words.standing(state, language)), n=facts.decided[state]
            )
            for state in results.DECIDED
            if facts.decided.get(state)
        ]
    if facts.own:
        lines.append(own_left_text(language))
    if facts.not_approved:
        lines.append(
            ngettext(
                "{n} registration was never approved and is left out.",
                "{n} registrations were never approved and are left out.",
                facts.not_approved,
            ).format(n=facts.not_approved)
        )
    if not facts.is_over:
        lines.append(
            _("The class runs until {time}; completion is confirmed after that.").format(
                time=dates.moment(facts.ends_at, zone, language, today)
            )
        )
    elif not facts.counts and not facts.decided:
        lines.append(_("Nobody has taken part."))
    return "\n".join(lines)


def needs_text(needs: Needs, language: str) -> str:
    """What the class asks for."""
    _ = catalog(language).gettext
    ngettext = catalog(language).ngettext
    asked = []
    if needs.meetings:
        asked.append(
            _("{share} % of {n} meetings").format(
                share=score_text(round(needs.attendance_min * 100, 1)), n=needs.meetings
            )
        )
    if needs.tasks:
        asked.append(
            ngettext("{n} mandatory task", "{n} mandatory tasks", needs.tasks).format(n=needs.tasks)
        )
    if needs.is_studied:
        asked.append(_("all mandatory study on the platform"))
    if needs.has_results:
        asked.append(_("a result that is passed"))
    if not asked:
        return _("There is no attendance, no work and no result to go by yet.")
    return _("Asked for: {what}").format(what=numbers.joined(asked, language))


def has_text(has: Has, score: float | None, needs: Needs, language: str) -> str:
    """What one person has."""
    _ = catalog(language).gettext
    parts = []
    if has.counted:
        parts.append(_("attended {n} of {of}").format(n=has.attended, of=has.counted))
    if needs.tasks:
        parts.append(_("work {n} of {of}").format(n=has.tasks, of=needs.tasks))
    if has.grade is not None:
        parts.append(_("result: {mark}").format(mark=mark_text(score, has.grade, language)))
    return (" · ").join(parts) or numbers.NO_FIGURE


def decided_text(counts: dict[RegistrationState, int], language: str) -> str:
    """What a decision came to."""
    _ = catalog(language).gettext
    if not counts:
        return _("There was nothing left to decide.")
    return numbers.joined(
        (
            _("{state}: {n}").format(state=_begun(words.standing(state, language)), n=number)
            for state, number in counts.items()
        ),
        language,
    )


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def results_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why not; empty for what is not ours."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    match refusal:
        case results.WrongMark():
            return _("Please give a mark from 0 to 100, or one of the grades.")
        case results.DecidedAlready(name=name, state=state):
            return _(
                "{name}: {state}. The mark stays as it was when this was decided; "
                "take the decision back first, or allow a make-up."
            ).format(name=name, state=words.standing(state, language))
        case results.WrongRules():
            return _("The mark for passing must not be above that for excellent.")
        case completion.NotOverYet(ends_at=ends_at):
            return _("The class runs until {time}; it can be decided after that.").format(
                time=dates.moment(ends_at, zone, language, today)
            )
        case completion.FailingGrade(grade=grade):
            return _(
                "The result is “{grade}”, and nobody completes with that. "
                "Please correct the result first."
            ).format(grade=grade_name(grade, language))
        case completion.NoReason():
            return _("Please give a reason; the teacher reads it.")
        case completion.WrongState(state=state):
            return _("This is not possible any more; the state is: {state}.").format(
                state=words.standing(state, language)
            )
        case completion.DayIsPast():
            return _("Please choose a day that is still to come.")
        case _:
            return ""
