"""Loading a plan: the database is made to say what the file says, all of it or nothing.

Everything is matched by a key that the office itself uses, so the same file changes nothing
and a changed file changes what it must. Nothing is deleted: what a file no longer lists stays.
What people have done since is theirs: registrations and posted hours are only ever added.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from storage import audit
from storage.moments import local_day
from storage.people.tables import (
    Office,
)
from storage.plan.competitions import keep_competitions
from storage.plan.history import add_ledger, add_registrations
from storage.plan.load import Load, Transfer
from storage.plan.offices import keep_calendar, keep_credit_profile, keep_office, keep_units
from storage.plan.programmes import keep_chats, keep_programmes
from storage.plan.reading import Plan, digest
from storage.plan.roster import keep_teachers
from storage.training import enrolment, schedule
from storage.training.tables import (
    Enrolment,
    ProgrammeState,
)


@dataclass(frozen=True)
class LoadReport:
    """What loading changed. ``new`` and ``changed`` count rows by what they are."""

    name: str
    known: bool  # this very file was the last one loaded
    new: dict[str, int]
    changed: dict[str, int]
    transfers: tuple[Transfer, ...]
    enrolled: int
    not_in_file: int  # teachers in the database that the file does not list; left as they are

    @property
    def changed_nothing(self) -> bool:
        return not (self.new or self.changed or self.transfers or self.enrolled)


def is_loaded(session: Session, text: str) -> bool:
    """Whether this very text was the last plan loaded: known without reading the YAML."""
    return session.exec(select(Office.loaded_sha256)).first() == digest(text)


def load_plan(
    session: Session, plan: Plan, *, now: datetime, timezone: str = "Asia/Shanghai"
) -> LoadReport:
    """Load the plan. Raises PlanError naming the line; the caller's transaction then ends.

    A file that was the last one loaded is known by its fingerprint and not compared again.
    """
    if session.exec(select(Office.loaded_sha256)).first() == plan.sha256:
        return LoadReport(plan.name, True, {}, {}, (), 0, 0)
    office, is_new, is_changed = keep_office(session, plan, timezone)
    zone = ZoneInfo(office.timezone)
    load = Load(session, plan, now, office, zone, local_day(now, zone))
    load.new["office"] += is_new
    load.changed["office"] += is_changed
    keep_calendar(load)
    keep_units(load)
    keep_credit_profile(load)
    keep_teachers(load)
    keep_programmes(load)
    keep_competitions(load)
    keep_chats(load)
    add_registrations(load)
    add_ledger(load)
    enrolled = _enrol(load)
    listed = {teacher.no for teacher in load.form.teachers}
    report = LoadReport(
        name=plan.name,
        known=False,
        new=dict(+load.new),
        changed=dict(+load.changed),
        transfers=tuple(load.transfers),
        enrolled=enrolled,
        not_in_file=len(load.teachers.keys() - listed) if listed else 0,
    )
    office.loaded_sha256 = plan.sha256
    session.flush()
    if not report.changed_nothing:
        after = {"sha256": plan.sha256, "new": report.new, "changed": report.changed}
        audit.record(session, None, "load_plan", f"office:{office.id}", now=now, after=after)
        session.flush()
    return report


def _enrol(load: Load) -> int:
    """Let everybody in who is due, and plan the deadlines, of what is not over yet."""
    if not (+load.new or +load.changed or load.transfers):
        return 0
    enrolled = 0
    load.session.flush()
    for run in load.runs:
        if run.values["ends_at"] <= load.now:
            continue
        programme = run.programme
        published = programme.state is ProgrammeState.PUBLISHED
        if programme.enrolment is Enrolment.AUTOMATIC and published:
            let_in = enrolment.enrol_all_due(load.session, run.id, now=load.now)
            enrolled += let_in.enrolled + let_in.exempt
        schedule.plan_deadlines(load.session, run.id, now=load.now)
    return enrolled
