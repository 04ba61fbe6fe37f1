"""Tasks in words: forms, reviews, where somebody's work stands, and why it is not taken."""

from __future__ import annotations

import html
from datetime import date, datetime
from zoneinfo import ZoneInfo

from locales import catalog, dates
from storage.refusals import Refusal
from storage.training.reviewing import NoComment, WorkChanged
from storage.training.tables import HandIn, Review, WorkState
from storage.training.tasks import (
    ClassOver,
    DueTooEarly,
    MyTask,
    NoScore,
    TaskLine,
    WorkSettled,
    WrongForm,
)


def hand_in(value: HandIn, language: str) -> str:
    """In which form work comes."""
    _ = catalog(language).gettext
    return {
        HandIn.TEXT: _("as a text"),
        HandIn.LINK: _("as a link"),
        HandIn.FILE: _("as a file"),
        HandIn.OFFLINE: _("on paper"),
    }[value]


def review(value: Review, language: str) -> str:
    """How work is judged."""
    _ = catalog(language).gettext
    return {
        Review.NONE: _("without review"),
        Review.PASS_FAIL: _("passed or returned"),
        Review.SCORE: _("with a score"),
    }[value]


def score(value: float, language: str) -> str:
    """A score without an idle point."""
    del language
    return f"{value:g}"


def task_lines(task: TaskLine | MyTask, zone: ZoneInfo, language: str, today: date) -> list[str]:
    """What is to be done, by when and how. HTML."""
    _ = catalog(language).gettext
    lines = [f"<b>{html.escape(task.title)}</b>"]
    if task.about:
        lines.append(html.escape(task.about))
    must = _("mandatory") if task.mandatory else _("optional")
    lines.append(
        _("Due {before}, {form}, {review}, {must}.").format(
            before=dates.before(task.due_at, zone, language, today),
            form=hand_in(task.hand_in, language),
            review=review(task.review, language),
            must=must,
        )
    )
    return lines


def my_state(task: MyTask, language: str) -> str:
    """Where my work stands, in a few words."""
    _ = catalog(language).gettext
    match task.state:
        case None:
            return _("not handed in yet")
        case WorkState.SUBMITTED if task.late:
            return _("handed in late, being looked at")
        case WorkState.SUBMITTED:
            return _("handed in, being looked at")
        case WorkState.RETURNED:
            return _("returned, please hand it in again")
        case WorkState.ACCEPTED if task.score is not None:
            return _("accepted: {score} of {highest}").format(
                score=score(task.score, language), highest=score(task.max_score, language)
            )
        case _:
            return _("accepted by your tutor")


def tasks_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why work is not taken, or not judged, like that; empty for what is not ours."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    match refusal:
        case ClassOver(ends_at=ends_at) if ends_at > now:
            return _("The class ends on {time}; work is due before that.").format(
                time=dates.moment(ends_at, zone, language, today)
            )
        case ClassOver(ends_at=ends_at):
            return _("The class ended on {time}; nothing is handed in any more.").format(
                time=dates.moment(ends_at, zone, language, today)
            )
        case DueTooEarly(earliest=earliest):
            return _("Please choose a later time: it cannot be due before {time}.").format(
                time=dates.moment(earliest, zone, language, today)
            )
        case WrongForm(hand_in=HandIn.TEXT):
            return _("Please send this work as a text.")
        case WrongForm(hand_in=HandIn.LINK):
            return _("Please send a link that begins with https://.")
        case WrongForm(hand_in=HandIn.FILE):
            return _("Please send this work as a file or a photo.")
        case WrongForm():
            return _("This work is handed in on paper; your tutor enters it.")
        case WorkSettled(state=WorkState.ACCEPTED):
            return _("Your work has been accepted already; nothing is left to do.")
        case WorkSettled():
            return _(
                "Your work is being looked at, and the due date is over. "
                "It can be replaced if it is returned."
            )
        case WorkChanged():
            return _("This work has changed since you opened it. Please look at it again.")
        case NoScore(highest=highest):
            return _("Please give a score from 0 to {highest}.").format(
                highest=score(highest, language)
            )
        case NoComment():
            return _("Please say in a few words what is to be improved.")
    return ""
