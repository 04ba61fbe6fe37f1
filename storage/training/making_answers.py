"""What somebody has answered so far while making a programme, and what is asked next.

It is kept as a draft row and never in memory, so that a restart in the middle loses nothing.
Whoever answers the few questions of the short way gets what is usual for the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from storage.moments import local_day
from storage.people.drafts import Dialogue
from storage.training import template
from storage.training.making import Form, Home
from storage.training.tables import Approval, Enrolment, Level, Mode
from storage.training.template import Template

KIND = "programme"
"""The kind of the draft row."""
NEW, COPY, CLASS = "new", "copy", "class"
"""What is being made: a programme, a copy of one, or one more class of one."""
READY = "ready"
USUAL_HOURS = Decimal(8)
NO_PLACE = (Mode.REMOTE, Mode.LIVE)
BY_THEMSELVES = (Enrolment.OPEN, Enrolment.MENU)

_REST = ("level", "mode", "enrolment", "approval", "stage", "subject", "hours", "registration")


@dataclass(frozen=True)
class Answers(Dialogue):
    """The answers so far. ``said`` is plain JSON; ``step`` is the question that is open."""

    what: str
    unit_id: int = 0
    of: int = 0  # the class that is copied, or gets one more beside it
    template: str = ""
    title: str = ""  # of the programme that is copied or gets one more class
    all: bool = False  # the rest is asked too

    @property
    def kind(self) -> Template | None:
        """The template it is made from."""
        return template.of_key(self.template)

    @property
    def mode(self) -> Mode:
        """How it will be taught."""
        usual = self.kind
        return Mode(self.said.get("mode") or (usual.mode if usual else Mode.FACE_TO_FACE))

    @property
    def enrolment(self) -> Enrolment:
        """Through which door teachers will come in."""
        usual = self.kind
        said = self.said.get("enrolment") or (usual.enrolment if usual else Enrolment.OPEN)
        return Enrolment(said)


def steps(answers: Answers, homes: tuple[Home, ...]) -> Iterator[str]:
    """Yield the questions in order, those left out that have one answer only."""
    if answers.what == NEW:
        if len(homes) > 1:
            yield "unit"
        yield "title"
        if answers.kind is None:
            yield "category"
    yield "dates"
    yield "sure"
    if answers.what != COPY:
        if answers.mode not in NO_PLACE or answers.what == CLASS:
            yield "place"
        if answers.enrolment is not Enrolment.AUTOMATIC:
            yield "seats"
        yield READY
    if answers.all:
        for step in _REST:
            if step == "level" and len(home_of(answers, homes).levels) < 2:
                continue
            if step == "registration" and answers.enrolment not in BY_THEMSELVES:
                continue
            yield step


def next_step(answers: Answers, homes: tuple[Home, ...]) -> str:
    """Return the question after the one that is open; after the last one it is ready."""
    order = list(steps(answers, homes))
    if answers.step not in order:
        return order[0] if not answers.step else READY
    at = order.index(answers.step) + 1
    return order[at] if at < len(order) else READY


def home_of(answers: Answers, homes: tuple[Home, ...]) -> Home:
    """Return the unit that it is made for."""
    return next((home for home in homes if home.unit_id == answers.unit_id), homes[0])


def usual_title(answers: Answers, language: str, year: int) -> str:
    """Return what such a training is usually called; empty without a template."""
    usual = answers.kind
    return usual.title.said(language, year) if usual else ""


def form(answers: Answers, homes: tuple[Home, ...], zone: ZoneInfo) -> Form:
    """Return what the draft will say: the answers, and the usual for the rest."""
    home, usual, said = home_of(answers, homes), answers.kind, answers.said
    starts_at, ends_at = (datetime.fromisoformat(said[x]) for x in ("starts_at", "ends_at"))
    level = Level(said["level"]) if said.get("level") else home.levels[0]
    if usual and not said.get("level") and usual.level in home.levels:
        level = usual.level
    audience = usual.audience_of(local_day(starts_at, zone).year) if usual else {}
    for key in ("stage", "subject"):
        if key in said:
            audience.pop(key, None)
            if said[key]:
                audience[key] = list(said[key])
    if home.subjects and not set(audience.get("subject") or ["?"]) <= set(home.subjects):
        audience["subject"] = list(home.subjects)
    usual_approval = usual.approval if usual else Approval.NONE
    seats = said.get("seats", usual.seats if usual else None)
    reg_open, reg_close = (
        datetime.fromisoformat(said[name]) if said.get(name) else None
        for name in ("reg_open", "reg_close")
    )
    return Form(
        owner_unit_id=home.unit_id,
        title=said["title"],
        category=said.get("category") or (usual.category if usual else "other"),
        starts_at=starts_at,
        ends_at=ends_at,
        level=level,
        mode=answers.mode,
        enrolment=answers.enrolment,
        approval=Approval(said.get("approval") or usual_approval),
        audience=audience,
        hours=Decimal(str(said.get("hours") or (usual.hours if usual else USUAL_HOURS))),
        place=said.get("place", ""),
        seats=None if answers.enrolment is Enrolment.AUTOMATIC else seats,
        attendance_min=usual.attendance_min if usual else 0.8,
        excellent_cap=usual.excellent_cap if usual else None,
        certificate=usual.certificate if usual else "",
        template=answers.template,
        reg_open=reg_open,
        reg_close=reg_close,
    )
