"""Every role, every operation on somebody's behalf, own and foreign units.

An operation that acts for a person has ``actor_id`` as its second parameter. All of them are
found in the storage floor; one that has no line here fails the first test, so a new operation
cannot go unnoticed. Each line says which act it takes and calls it upon things of a unit. For
each role the call must come through exactly where the role may do the act: never upon things
of a unit that is not the actor's. What else an operation may refuse (too late, no seat) is
another test's; here it only must not be ``NotAllowed``, or must be.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

import storage
from storage import deeds, undoing
from storage.audit import AuditLog
from storage.calendar.loading import Day
from storage.calendar.tables import DayKind
from storage.competitions import venues
from storage.competitions.editing import What as Thing
from storage.competitions.objections import How
from storage.competitions.tables import Ballot, CompetingState, Entry, Judge, JudgeState
from storage.credits.tables import Appeal, Claim, CreditEntry, EntryState
from storage.database import Database
from storage.messaging import deadlines
from storage.messaging.correcting import What as Part
from storage.messaging.notice_report import Among
from storage.messaging.tables import (
    Chat,
    ChatPurpose,
    Notice,
    NoticeRecipient,
    NoticeState,
    Question,
    Relay,
)
from storage.people import appointing
from storage.people.authority import MAY, MAY_GIVE, WITH_PROGRAMMES, Act
from storage.people.tables import Role, RoleAssignment, ScopeKind
from storage.refusals import NotAllowed, Refusal
from storage.tables import Row
from storage.training import runs
from storage.training.allotting import Way
from storage.training.changing import What
from storage.training.check_codes import Box
from storage.training.meetings import NewMeeting
from storage.training.remote import plan, weighing
from storage.training.remote.tables import Measure, Platform, ProgressItem, StudyClaim
from storage.training.results import Mark
from storage.training.tables import (
    Approval,
    Batch,
    ClassSession,
    EligibilityRule,
    Leave,
    LeaveReason,
    Level,
    Menu,
    Module,
    ModuleKind,
    Phase,
    PhaseKind,
    Registration,
    RegistrationState,
    Task,
    TaskSubmission,
)
from storage.training.tasks import NewTask
from tests import make
from tests.competitions import making
from tests.competitions import places as competitions
from tests.competitions import places_after as after
from tests.make import NOW

TODAY = date(2026, 11, 20)
T = TypeVar("T")

OF_A_CLASS = (Role.CLASS_TEACHER, Role.TUTOR)


@dataclass(frozen=True)
class Place:
    """Things of one school, each by the name of the parameter that takes it."""

    things: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.things[name]


@dataclass(frozen=True)
class Line:
    """An operation: the acts of which one is needed, and what it is given beyond the usual.

    ``given`` takes the session and the place and returns what the usual things do not cover.
    ``anywhere`` marks a look that needs the act somewhere and shows only what is in reach, so
    there is nothing foreign to be refused.
    """

    acts: frozenset[Act]
    given: Callable[[Session, Place], dict[str, Any]] = lambda _session, _place: {}
    anywhere: bool = False


def line(
    *acts: Act,
    given: Callable[[Session, Place], dict[str, Any]] = lambda _session, _place: {},
    anywhere: bool = False,
) -> Line:
    return Line(frozenset(acts), given, anywhere)


def given(**things: Any) -> Callable[[Session, Place], dict[str, Any]]:
    """Things that do not depend on the place."""
    return lambda _session, _place: things


def sent(**things: Any) -> Callable[[Session, Place], dict[str, Any]]:
    """The notice of the place that has left, and things that do not depend on it."""
    return lambda _session, at: {"notice_id": at.sent_id, **things}


def of_venue(session: Session, place: Place) -> dict[str, Any]:
    """A venue of a competition that the place's school owns, with an entry, a judge, a ballot."""
    begun = NOW - timedelta(days=8)
    made = making.competition(
        session, owner_unit_id=place.unit_id, code=f"KT{place.unit_id}", begins=begun
    )
    entrant = make.teacher(session, "石晓岚", at=place.name)
    _entry, turn = making.entry(session, made, entrant, now=begun)
    assert turn is not None
    judge = Judge(
        venue_id=turn.venue_id or 0,
        teacher_id=place.teacher_id,
        number=1,
        state=JudgeState.ACCEPTED,
        invited_by=entrant,
        invited_at=begun,
    )
    session.add(judge)
    session.flush()
    ballot = Ballot(judge_id=judge.id, entry_round_id=turn.id, on_paper=True)
    session.add(ballot)
    session.flush()
    return {
        "competition_id": made.id,
        "venue_id": turn.venue_id,
        "place_id": turn.id,
        "judge_id": judge.id,
        "ballot_id": ballot.id,
        "at": SOON,
        "blocks": (),
        "minutes": 10,
        "given": {turn.id: SOON},
        "marks": {},
    }


def at_a_venue(*names: str) -> dict[str, Line]:
    """Operations of competitions for who holds the venue."""
    return {
        f"storage.competitions.{name}": line(Act.RUN_COMPETITION, given=of_venue) for name in names
    }


def of_deadline(session: Session, place: Place) -> dict[str, Any]:
    """A deadline of the place's task."""
    at = NOW + timedelta(days=21)
    return {"deadline_id": deadlines.set_deadline(session, "task_due", place.task_id, at, now=NOW)}


def of_study_claim(session: Session, place: Place) -> dict[str, Any]:
    """Something that the place's person has studied and that no import shows."""
    claim = StudyClaim(registration_id=place.registration_id, text="看完了", submitted_at=NOW)
    session.add(claim)
    session.flush()
    return {"claim_id": claim.id}


def only(_made: dict[str, Any]) -> dict[str, Any]:
    """Nothing to be given: it was enough to make it."""
    return {}


def of_work(_session: Session, place: Place) -> dict[str, Any]:
    """The place's task, as a kind of deadline and what it is about."""
    return {"kind": "task_due", "subject_id": place.task_id}


def a_relay(session: Session, at: Place) -> dict[str, Any]:
    """A robot of the place's school."""
    row = Relay(
        unit_id=at.unit_id, url="wecombot://12345678/", created_by=at.teacher_id, created_at=NOW
    )
    session.add(row)
    session.flush()
    return {"relay_id": row.id}


def an_item(session: Session, at: Place) -> dict[str, Any]:
    """Something that counts in the place's class."""
    row = ProgressItem(
        batch_id=at.batch_id,
        position=1,
        kind="homework",
        title="作业",
        measure=Measure.TIMES,
        required=2,
    )
    session.add(row)
    session.flush()
    return {"item_id": row.id}


def an_entry(session: Session, at: Place) -> dict[str, Any]:
    """A competition of the place's own, and an entry of its person that waits there."""
    made = making.competition(session, code=f"K{at.unit_id}", owner_unit_id=at.unit_id)
    row, _place = making.entry(session, made, at.teacher_id, state=CompetingState.SUBMITTED)
    first = venues.rounds(session, made.id)[0]
    venue = venues.venue_for(session, first, at.unit_id, row.track_id, now=NOW)
    colleague = make.teacher(session, "石晓岚", at=at.name)
    return {
        "competition_id": made.id,
        "track_id": row.track_id,
        "entry_id": row.id,
        "venue_id": venue.id,
        "teacher_id": colleague,
    }


def an_accepted_entry(session: Session, at: Place) -> dict[str, Any]:
    """What a deed has kept that accepted the place's entry."""
    made = an_entry(session, at)
    row = session.get_one(Entry, made["entry_id"])
    venues.let_in(session, row, venues.rounds(session, made["competition_id"])[0], now=NOW)
    row.state = CompetingState.COMPETING
    return {"venue_id": made["venue_id"], "entries": [row.id]}


def an_entry_taken_out(session: Session, at: Place) -> dict[str, Any]:
    """What a deed has kept that took the place's entry out."""
    made = an_entry(session, at)
    session.get_one(Entry, made["entry_id"]).state = CompetingState.DISQUALIFIED
    return {
        "entry_id": made["entry_id"],
        "state": "submitted",
        "reason": "",
        "place_id": 0,
        "place": "",
    }


def a_change(session: Session, at: Place) -> dict[str, Any]:
    item_id = an_item(session, at)["item_id"]
    batch_id = plan.batch_of_item(session, item_id)
    return {"change": weighing.Change(batch_id, item_id, {"weight": 2})}


def a_platform(session: Session, at: Place) -> dict[str, Any]:
    """A platform of the place's school."""
    row = Platform(name="平台", owner_unit_id=at.unit_id)
    session.add(row)
    session.flush()
    return {"platform_id": row.id}


SOON = NOW + timedelta(days=15)
FIRST, LAST, RUN = Act.DECIDE_FIRST, Act.DECIDE_LAST, Act.RUN_PROGRAMME
ENTER, POST = Act.ENTER_RESULTS, Act.POST_HOURS
TELL = Act.NOTIFY_UNIT
TAKE, MARK = Act.TAKE_ATTENDANCE, Act.MARK_PRESENCE
NOTIFY = (Act.NOTIFY_UNIT, Act.NOTIFY_CLASS)
NOTICES: dict[str, dict[str, Any]] = {
    "notices.access": {},
    "notices.sheet": {},
    "seconding.asked_of": {},
    "drafting.write_field": {"field": "place"},
    "drafting.write_whole": {"text": "观摩课"},
    "drafting.set_time": {"starts_at": SOON, "ends_at": None},
    "drafting.set_answer": {"wanted": True},
    "drafting.set_urgent": {"urgent": True},
    "drafting.attach": {"file_id": "f", "is_photo": False, "name": "", "size": 1},
    "drafting.detach": {"file_row_id": 0},
    "drafting.check_discard": {},
    "drafting.discard": {},
    "drafting.copy": {},
    "addressing.audience_options": {"what": "subject"},
    "addressing.turn": {"what": "subject", "key": "none"},
    "notices.unreached": {},
    "releasing.price": {},
    "releasing.set_moment": {"at": SOON},
    "releasing.events": {},
    "releasing.offsets": {"deadline_id": 0},
    "releasing.set_event": {"deadline_id": 0, "offset": "T-2"},
    "releasing.release": {"way": "now"},
    "releasing.recall": {},
}
"""What works on one notice, and what each is given."""

COMPETITION = Act.RUN_COMPETITION
OF_COMPETITIONS: dict[str, Callable[[Session, Place], dict[str, Any]]] = {
    "making.create": competitions.form,
    "making.clone": competitions.published,
    "making.discard": competitions.draft,
    "editing.add_round": lambda session, at: competitions.draft(session, at) | {"key": "county"},
    "editing.drop_round": competitions.draft,
    "editing.add_track": competitions.draft,
    "editing.drop_track": competitions.draft,
    "editing.change": lambda session, at: competitions.draft(session, at) | {"what": Thing.TITLE},
    "editing.ask": lambda session, at: (
        competitions.published(session, at) | {"what": Thing.JUDGES, "text": "5"}
    ),
    "editing.settle": competitions.with_change,
    "editing.request": competitions.with_change,
    "publishing.check": competitions.draft,
    "publishing.publish": competitions.draft,
    "publishing.concerned": competitions.published,
    "publishing.cancel": competitions.published,
    "publishing.away": competitions.published,
    "publishing.finish": competitions.published,
    "publishing.archive": competitions.published,
    "round_cards.places": competitions.published,
    "views.desk": competitions.published,
    "views.round_desk": competitions.published,
    "deciding.listing": after.signed,
    "deciding.decide": after.signed,
    "forwarding.forward": after.to_forward,
    "forwarding.pass_over": after.to_forward,
    "forwarding.would_pass_over": after.to_forward,
    "publicity.lists": after.final,
    "publicity.put_up": after.final,
    "objections.of_round": after.objected,
    "objections.open_one": after.objected,
    "objections.to_say": after.objected,
    "objections.choices": after.objected,
    "objections.preview": lambda session, at: after.objected(session, at) | {"how": How.OUT},
    "objections.settle": lambda session, at: after.objected(session, at) | {"how": How.REFUSE},
    "awarding.confirm": after.final,
    "awarding.awards_in": after.awarded,
    "awarding.revoke": after.awarded,
    "awarding.would_revoke": after.awarded,
    "lists_waiting.of_competition": after.final,
    "outside.outside": after.nominated,
    "outside.export": after.nominated,
    "outside.nominate": after.nominated,
    "outside.withdraw": after.nominated,
    "outside.push": after.nominated,
    "outside.came_back": after.sent,
    "outside.record_all": after.sent,
    "reporting.report": after.final,
    "reporting.export": after.final,
}
"""What is done with a competition as a whole, and what each is given."""

LINES: dict[str, Line] = {
    # competitions
    **{
        f"storage.competitions.{name}": line(COMPETITION, given=made)
        for name, made in OF_COMPETITIONS.items()
    },
    # people
    "storage.people.staff.people": line(Act.SEE_PEOPLE),
    "storage.people.staff.person": line(Act.SEE_PEOPLE),
    "storage.colleague.colleague": line(Act.SEE_PEOPLE),
    "storage.people.staff.search": line(Act.SEE_PEOPLE, anywhere=True),
    "storage.people.staff.issue_code": line(Act.ISSUE_CODE),
    "storage.messaging.relays.of_unit": line(Act.NOTIFY_UNIT),
    "storage.messaging.relays.add": line(
        Act.NOTIFY_UNIT, given=given(url="wecombot://abcdefgh/", language="en")
    ),
    "storage.messaging.relays.channel": line(Act.NOTIFY_UNIT, given=a_relay),
    "storage.messaging.relays.try_out": line(
        Act.NOTIFY_UNIT, given=lambda session, at: a_relay(session, at) | {"text": "a test"}
    ),
    "storage.messaging.relays.switch": line(
        Act.NOTIFY_UNIT, given=lambda session, at: a_relay(session, at) | {"on": False}
    ),
    "storage.messaging.relays.remove": line(Act.NOTIFY_UNIT, given=a_relay),
    "storage.people.reaching.unreached": line(Act.SEE_PEOPLE),
    "storage.people.reaching.mark_contacted": line(Act.SEE_PEOPLE),
    "storage.people.appointing.unit_roles": line(Act.APPOINT),
    "storage.people.slips.unlinked": line(Act.ISSUE_CODE),
    "storage.people.slips.make": line(Act.ISSUE_CODE, given=given(stamp=0)),
    "storage.training.hosting.hosting": line(Act.MARK_PRESENCE, anywhere=True),
    # the list of classes, and building one
    "storage.training.runs.runs": line(*WITH_PROGRAMMES, *runs.OF_PEOPLE, anywhere=True),
    "storage.overview.classes": line(*WITH_PROGRAMMES, *runs.OF_PEOPLE, anywhere=True),
    "storage.training.structure.outline": line(Act.SEE_PROGRAMME),
    "storage.training.structure.add_phase": line(
        RUN, given=given(kind=PhaseKind.ONLINE, title="网络研修")
    ),
    "storage.training.structure.change_phase": line(RUN, given=given(changes={"title": "跟岗"})),
    "storage.training.structure.place_phase": line(RUN, given=given(position=1)),
    "storage.training.structure.remove_phase": line(RUN),
    "storage.training.structure.add_module": line(
        RUN, given=given(kind=ModuleKind.ETHICS, title="师德")
    ),
    "storage.training.structure.change_module": line(RUN, given=given(changes={"title": "师德"})),
    "storage.training.structure.place_module": line(RUN, given=given(position=1)),
    "storage.training.structure.remove_module": line(RUN),
    "storage.training.meetings.add_meeting": line(
        RUN, given=given(meeting=NewMeeting("第二讲", SOON, SOON + timedelta(hours=2)))
    ),
    "storage.training.meetings.change_meeting": line(RUN, given=given(changes={"title": "讲座"})),
    "storage.training.meetings.remove_meeting": line(RUN),
    "storage.training.timetables.preview": line(RUN, given=given(lines=())),
    "storage.training.timetables.apply": line(RUN, given=given(lines=())),
    "storage.training.tasks.tasks": line(RUN, Act.REVIEW_WORK),
    "storage.training.tasks.add_task": line(RUN, given=given(task=NewTask("反思", SOON))),
    "storage.training.tasks.check_task": line(RUN, given=given(title="反思", due_at=SOON)),
    "storage.training.tasks.change_task": line(RUN, given=given(changes={"title": "反思"})),
    "storage.training.tasks.remove_task": line(RUN),
    "storage.training.eligibility.conditions": line(RUN),
    "storage.training.eligibility.add_rule": line(
        RUN, given=given(field="subject", op="is", values=("语文",), hard=True)
    ),
    "storage.training.eligibility.remove_rule": line(RUN),
    "storage.training.eligibility.set_hard": line(RUN, given=given(hard=False)),
    # making and running a programme
    "storage.training.changing.face": line(RUN),
    "storage.training.changing.impact": line(RUN, given=given(what=What.PLACE, value="二楼")),
    "storage.training.changing.change": line(RUN, given=given(what=What.PLACE, value="二楼")),
    "storage.training.making.add_batch": line(
        RUN, given=given(starts_at=SOON, ends_at=SOON + timedelta(hours=3), place="", seats_=10)
    ),
    "storage.training.making.clone": line(RUN, given=given(starts_at=SOON)),
    "storage.training.making.discard": line(RUN),
    "storage.training.publishing.readiness": line(RUN),
    "storage.training.publishing.concerned": line(RUN),
    "storage.training.publishing.publish": line(RUN),
    "storage.training.publishing.pause": line(RUN),
    "storage.training.publishing.resume": line(RUN),
    "storage.training.publishing.cancel_batch": line(RUN),
    "storage.training.publishing.cancel_programme": line(RUN),
    "storage.training.publishing.closing": line(RUN),
    "storage.training.publishing.finish": line(RUN),
    "storage.training.publishing.archive": line(RUN),
    # a venue of a competition
    **at_a_venue(
        "at_venue.check_held",
        "at_venue.check_leads",
        "at_venue.check_running",
        "seating.begin",
        "chasing.chase",
        "reopening.reopen",
        "revealing.reveal",
        "signing.scores",
        "drawing.draw",
        "panels.add_expert",
        "panels.candidate",
        "panels.candidates",
        "panels.draw",
        "panels.invite",
        "panels.make_chief",
        "panels.panel",
        "panels.remove",
        "paper.judges",
        "paper.listed",
        "paper.paper",
        "paper.turn_to_paper",
        "paper.type_in",
        "rights.check_holds",
        "rights.check_organises",
        "timetable.absent",
        "timetable.lay",
        "timetable.move",
        "timetable.post",
        "timetable.put",
        "timetable.turns",
        "venue_desk.desk",
    ),
    # remote training
    "storage.training.remote.plan.settings": line(Act.SEE_PROGRAMME),
    "storage.training.remote.plan.change": line(RUN, given=given(changes={"slack": 20})),
    "storage.training.remote.plan.add_item": line(
        RUN, given=given(kind="homework", title="作业", required=2)
    ),
    "storage.training.remote.plan.change_item": line(
        RUN, given=lambda session, at: an_item(session, at) | {"changes": {"weight": 2}}
    ),
    "storage.training.remote.plan.remove_item": line(RUN, given=an_item),
    "storage.training.remote.weighing.foresee": line(RUN, given=a_change),
    "storage.training.remote.weighing.make": line(RUN, given=a_change),
    "storage.training.remote.presets.take_usual": line(RUN, given=given(language="en")),
    "storage.training.remote.platforms.platforms": line(Act.SEE_PROGRAMME),
    "storage.training.remote.platforms.choose": line(RUN, given=a_platform),
    "storage.training.remote.platforms.create": line(RUN),
    "storage.training.remote.platforms.change": line(
        RUN, given=lambda session, at: a_platform(session, at) | {"changes": {"guide": "登录"}}
    ),
    "storage.training.surveys.satisfaction": line(RUN),
    "storage.training.remote.tutors.tutors": line(RUN),
    "storage.training.remote.tutors.assign": line(
        RUN, given=lambda _session, at: {"unit_ids": [at.unit_id], "tutor_id": None}
    ),
    "storage.training.remote.tutors.share_out": line(RUN),
    "storage.training.staffing.helpers": line(RUN),
    "storage.training.staffing.candidate": line(RUN),
    "storage.training.staffing.candidates": line(RUN),
    "storage.training.staffing.appoint": line(RUN, given=given(role=Role.TUTOR)),
    "storage.training.staffing.dismiss": line(RUN, given=given(role=Role.TUTOR)),
    "storage.training.rehearsal.check": line(RUN),
    "storage.training.rehearsal.rehearse": line(RUN),
    "storage.training.rehearsal.exported": line(RUN, given=given(rows=1)),
    "storage.training.menus.desk": line(RUN),
    "storage.training.menus.change": line(RUN),
    "storage.training.menus.set_option": line(RUN, given=given(on=True)),
    "storage.training.menus.cancel": line(RUN),
    # reminders of a class, more time for one person, and the calendar of the office
    "storage.training.reminding.items": line(Act.SEE_PROGRAMME),
    "storage.training.reminding.item": line(Act.SEE_PROGRAMME, given=of_deadline),
    "storage.training.reminding.of_task": line(
        Act.SEE_PROGRAMME,
        given=lambda session, place: {"task_id": place.task_id} | only(of_deadline(session, place)),
    ),
    "storage.training.reminding.people": line(Act.SEE_PROGRAMME, given=of_deadline),
    "storage.training.reminding.person": line(Act.SEE_PROGRAMME, given=of_deadline),
    "storage.training.extending.check": line(Act.DECIDE_LEAVE, RUN, given=of_work),
    "storage.training.extending.extend": line(
        Act.DECIDE_LEAVE,
        RUN,
        given=lambda session, place: of_work(session, place) | {"until": SOON},
    ),
    "storage.training.extending.take_back": line(Act.DECIDE_LEAVE, RUN, given=of_work),
    "storage.messaging.upward.names_owing": line(Act.SEE_PEOPLE, given=of_deadline),
    "storage.calendar.loading.check": line(Act.SET_CALENDAR, anywhere=True),
    "storage.calendar.loading.preview": line(
        Act.SET_CALENDAR,
        given=given(days=(Day(TODAY, DayKind.HOLIDAY),), name="校历.csv", content=b""),
        anywhere=True,
    ),
    "storage.calendar.loading.apply": line(
        Act.SET_CALENDAR, given=given(days=(Day(TODAY, DayKind.HOLIDAY),), job_id=0), anywhere=True
    ),
    # work that is handed in
    "storage.training.remote.study_claims.waiting": line(Act.REVIEW_WORK, anywhere=True),
    "storage.training.remote.study_claims.claim": line(Act.REVIEW_WORK, given=of_study_claim),
    "storage.training.remote.study_claims.decide": line(
        Act.REVIEW_WORK,
        given=lambda session, place: of_study_claim(session, place) | {"accepted": True},
    ),
    "storage.training.reviewing.next_piece": line(Act.REVIEW_WORK),
    "storage.training.reviewing.piece": line(Act.REVIEW_WORK),
    "storage.training.reviewing.accept": line(Act.REVIEW_WORK, given=given(seen=0)),
    "storage.training.reviewing.return_work": line(
        Act.REVIEW_WORK, given=given(seen=0, comment="请补充")
    ),
    "storage.training.reviewing.paper": line(Act.REVIEW_WORK),
    "storage.training.reviewing.enter_paper": line(Act.REVIEW_WORK, given=given(accepted=True)),
    # notices
    **{
        f"storage.messaging.{name}": line(*NOTIFY, given=given(**things))
        for name, things in NOTICES.items()
    },
    "storage.messaging.notices.notices": line(*NOTIFY),
    "storage.messaging.seconding.second_look": line(Act.NOTIFY_UNIT),
    "storage.messaging.seconding.approve": line(Act.NOTIFY_UNIT, given=given(seen=0)),
    "storage.messaging.seconding.give_back": line(Act.NOTIFY_UNIT, given=given(seen=0)),
    # seats
    "storage.training.allotting.board": line(RUN),
    "storage.training.allotting.plan": line(RUN, given=given(lines={})),
    "storage.training.allotting.propose": line(RUN, given=given(way=Way.EQUAL)),
    "storage.training.allotting.typed": line(RUN),
    "storage.training.allotting.queue": line(RUN),
    "storage.training.allotting.allot": line(RUN, given=given(lines={})),
    "storage.training.allotting.set_capacity": line(RUN, given=given(capacity=50)),
    "storage.training.allotting.set_release": line(RUN, given=given(release_at=SOON)),
    "storage.training.allotting.set_roster_date": line(RUN, given=given(roster_date=SOON)),
    "storage.training.thinning.set_minimum": line(RUN, given=given(minimum=5)),
    "storage.training.thinning.cancel_thin": line(RUN),
    "storage.training.thinning.run_all_the_same": line(RUN),
    "storage.training.candidates.candidate": line(Act.NOMINATE),
    "storage.training.candidates.candidates": line(Act.NOMINATE, given=given(account_id=1)),
    "storage.training.nominating.nominate": line(Act.NOMINATE),
    "storage.training.substituting.substitute": line(
        Act.NOMINATE,
        given=lambda session, at: {
            "out_id": at.teacher_id,
            "in_id": make.teacher(session, "顾念", at=at.name),
        },
    ),
    "storage.training.nominating.take_back": line(Act.NOMINATE),
    # decisions
    "storage.training.worklist.worklist": line(FIRST, LAST, Act.DECIDE_LEAVE, anywhere=True),
    "storage.training.approving.approve": line(FIRST, LAST),
    "storage.training.approving.send_back": line(FIRST, LAST),
    "storage.training.approving.reject": line(LAST),
    "storage.training.approving.exempt": line(LAST),
    "storage.training.approving.let_go": line(FIRST, LAST),
    "storage.training.approving.keep": line(FIRST, LAST),
    "storage.training.approving.review": line(FIRST, LAST),
    "storage.training.approving.find": line(LAST),
    "storage.training.absences.review": line(FIRST, Act.DECIDE_LEAVE),
    "storage.training.absences.agree": line(FIRST, Act.DECIDE_LEAVE),
    "storage.training.absences.refuse": line(FIRST, Act.DECIDE_LEAVE),
    # presence
    "storage.training.attendance.open_now": line(TAKE),
    "storage.training.attendance.close_now": line(TAKE),
    "storage.training.attendance.kit": line(TAKE),
    "storage.training.attendance.show_code": line(TAKE, given=given(box=Box.IN)),
    "storage.training.attendance.walk_ins": line(TAKE),
    # the last mile of remote training
    "storage.training.remote.last_mile.people": line(Act.SEE_PEOPLE),
    "storage.training.remote.last_mile.person": line(Act.SEE_PEOPLE),
    "storage.training.remote.last_mile.mark_contacted": line(Act.SEE_PEOPLE),
    "storage.training.remote.last_mile.remind": line(Act.SEE_PEOPLE),
    "storage.training.remote.bulletins.draft": line(Act.NOTIFY_CLASS),
    "storage.training.remote.bulletins.post": line(Act.NOTIFY_CLASS, given=given(import_id=0)),
    # results and hours
    "storage.training.results.figures": line(ENTER),
    "storage.training.results.listed": line(ENTER),
    "storage.training.results.person": line(ENTER, given=given(number=0)),
    "storage.training.results.of_registration": line(ENTER),
    "storage.training.results.blank": line(ENTER),
    "storage.training.results.enter": line(ENTER, given=given(mark=Mark(80.0))),
    "storage.training.results.set_rules": line(
        RUN, given=given(pass_mark=60, excellent_mark=85, cap=None)
    ),
    "storage.training.remote.mapping.check": line(ENTER),
    "storage.training.remote.importing.imports_of": line(ENTER),
    "storage.training.completion.assess": line(ENTER),
    "storage.training.completion.people": line(ENTER, given=given(kind="completed")),
    "storage.training.completion.person": line(ENTER),
    "storage.training.completion.confirm": line(ENTER),
    "storage.training.completion.decide_by_hand": line(ENTER, given=given(completed=True)),
    "storage.training.completion.give_make_up": line(
        ENTER, given=given(until=TODAY + timedelta(days=30))
    ),
    "storage.training.completion.revoke": line(ENTER, POST),
    "storage.credits.posting.preview": line(POST),
    "storage.credits.posting.people": line(POST),
    "storage.credits.posting.post": line(POST),
    "storage.credits.claims.review": line(Act.CONFIRM_HOURS, Act.SETTLE_HOURS),
    "storage.credits.claims.confirm": line(Act.CONFIRM_HOURS),
    "storage.credits.claims.give_back": line(Act.CONFIRM_HOURS, Act.SETTLE_HOURS),
    "storage.credits.claims.accept": line(Act.SETTLE_HOURS),
    "storage.credits.claims.put_right": line(
        Act.SETTLE_HOURS, given=given(field="hours", text="4", account_id=0)
    ),
    "storage.credits.claims.refuse": line(Act.SETTLE_HOURS),
    "storage.credits.appeals.review": line(Act.CONFIRM_HOURS, Act.SETTLE_HOURS),
    "storage.credits.appeals.give_view": line(Act.CONFIRM_HOURS),
    "storage.credits.appeals.accept": line(Act.SETTLE_HOURS, given=given(hours=Decimal(4))),
    "storage.credits.appeals.uphold": line(Act.SETTLE_HOURS),
    # groups
    "storage.messaging.binding.place": line(Act.BIND_GROUP),
    "storage.messaging.binding.purposes": line(Act.BIND_GROUP),
    "storage.messaging.binding.units": line(Act.BIND_GROUP),
    "storage.messaging.binding.programmes": line(Act.BIND_GROUP),
    "storage.messaging.binding.competitions": line(Act.BIND_GROUP),
    "storage.messaging.binding.bind": line(
        Act.BIND_GROUP,
        given=lambda _session, at: {
            "purpose": ChatPurpose.TEST,
            "target_id": at.unit_id,
            "language": "en",
            "seen": 0,
        },
    ),
    "storage.messaging.binding.unbind": line(Act.BIND_GROUP),
    "storage.messaging.binding.set_language": line(Act.BIND_GROUP, given=given(language="en")),
    "storage.messaging.binding.subjects": line(Act.BIND_GROUP),
    "storage.messaging.binding.set_subject": line(Act.BIND_GROUP, given=given(subject="语文")),
    "storage.messaging.binding.set_urges": line(Act.BIND_GROUP, given=given(on=True)),
    "storage.messaging.binding.post_all_the_same": line(Act.BIND_GROUP),
    "storage.messaging.binding.keep_longer": line(Act.BIND_GROUP, given=given(seen=TODAY)),
    "storage.messaging.binding.dissolve": line(Act.BIND_GROUP),
    "storage.messaging.card_places.card_places": line(Act.NOTIFY_CLASS),
    "storage.messaging.card_places.hang": line(Act.BIND_GROUP),
    "storage.messaging.card_places.tell": line(Act.NOTIFY_UNIT),
    "storage.messaging.card_places.hanging": line(Act.BIND_GROUP),
    "storage.messaging.card_places.take_down": line(Act.BIND_GROUP),
    # entries of a competition
    "storage.competitions.receiving.entries": line(Act.RUN_COMPETITION, given=an_entry),
    "storage.competitions.receiving.held_entry": line(Act.RUN_COMPETITION, given=an_entry),
    "storage.competitions.receiving.files": line(Act.RUN_COMPETITION, given=an_entry),
    "storage.competitions.receiving.accept": line(Act.RUN_COMPETITION, given=an_entry),
    "storage.competitions.receiving.accept_all": line(Act.RUN_COMPETITION, given=an_entry),
    "storage.competitions.receiving.send_back": line(Act.RUN_COMPETITION, given=an_entry),
    "storage.competitions.receiving.disqualify": line(Act.RUN_COMPETITION, given=an_entry),
    "storage.competitions.putting_forward.candidates": line(
        Act.RUN_COMPETITION, given=an_entry, anywhere=True
    ),
    "storage.competitions.putting_forward.put_forward": line(Act.RUN_COMPETITION, given=an_entry),
    "storage.competitions.putting_forward.take_back": line(Act.RUN_COMPETITION, given=an_entry),
    # notices that have left
    "storage.messaging.tending.reach": line(TELL, given=sent()),
    "storage.messaging.tending.whole": line(TELL, given=sent()),
    "storage.messaging.confirming.look_at_chase": line(TELL, given=sent()),
    "storage.messaging.confirming.chase": line(TELL, given=sent()),
    "storage.messaging.correcting.parts": line(TELL, given=sent()),
    "storage.messaging.correcting.impact": line(TELL, given=sent(what=Part.PLACE, value="二楼")),
    "storage.messaging.correcting.correct": line(TELL, given=sent(what=Part.PLACE, value="二楼")),
    "storage.messaging.correcting.withdraw": line(TELL, given=sent()),
    "storage.messaging.notice_report.report": line(TELL, given=sent()),
    "storage.messaging.notice_report.people": line(TELL, given=sent(among=Among.SENT)),
    "storage.messaging.notice_report.by_unit": line(TELL, given=sent()),
    "storage.messaging.notice_report.export": line(TELL, given=sent()),
    "storage.messaging.notice_report.mark_contacted": line(TELL, given=sent()),
    "storage.messaging.notice_posts.to_pin": line(TELL, given=sent()),
    "storage.messaging.questions.thread": line(TELL, given=sent()),
    "storage.messaging.questions.answer": line(TELL, given=sent()),
    "storage.messaging.questions.close": line(TELL, given=sent()),
    "storage.messaging.questions.answer_in_topic": line(
        TELL,
        given=lambda session, at: {"tg_chat_id": at.tg_chat_id, "thread_id": 7},
    ),
}

OWN_FILE = "only by whoever dropped the file; the rooms' own tests"
REACH = "shows what is in reach"
OWN_PEOPLE = "of the class, or of own people; test_attendance"
ROW_BY_ROW = "row by row by reach; test_roster"
OTHERWISE = {
    "storage.competitions.rights.organised": REACH,
    "storage.competitions.rights.held": REACH,
    "storage.competitions.rights.organises": "the check itself",
    "storage.competitions.rights.holds": "the check itself",
    "storage.competitions.putting_forward.tracks_of": REACH,
    "storage.competitions.putting_forward.open_to": REACH,
    "storage.competitions.receiving.may_look": "the check itself",
    "storage.competitions.receiving.shares": REACH,
    "storage.competitions.receiving.to_receive": REACH,
    "storage.messaging.questions.open_questions": REACH,
    "storage.messaging.overdue.notices": REACH,
    "storage.people.appointing.units": "shows what is in reach, which may be nothing",
    "storage.people.appointing.own_roles": "about oneself",
    "storage.people.appointing.candidates": "by APPOINT or one's own role, below",
    "storage.people.appointing.propose": "by MAY_GIVE or one's own role, below",
    "storage.people.appointing.give": "by MAY_GIVE, below",
    "storage.people.appointing.deputise": "by one's own role; test_appointing",
    "storage.people.appointing.hand_over": "by one's own role; test_appointing",
    "storage.people.appointing.end": "by MAY_GIVE or one's own role; test_appointing",
    "storage.undoing.undo": "only by whoever did it; test_appointing",
    "storage.deeds.take_back": "only by whoever did it; test_appointing",
    "storage.messaging.upward.units_owing": REACH,
    "storage.calendar.loading.cancel": OWN_FILE,
    "storage.calendar.loading.month": "for whoever looks after something; test_loading",
    "storage.messaging.relays.units": REACH,
    "storage.messaging.relays.without_group": REACH,
    "storage.overview.overview": REACH,
    "storage.overview.waiting": REACH,
    "storage.training.classes.run_by": "the check itself",
    "storage.training.runs.run": "what is published concerns every school; tests/training",
    "storage.credits.appeals.queue": REACH,
    "storage.credits.claims.queue": REACH,
    "storage.credits.posting.confirm": "confirms what is in reach; test_posting",
    "storage.credits.posting.to_confirm": REACH,
    "storage.credits.posting.own_unconfirmed": "about one's own hours",
    "storage.credits.reviewing.may_speak_first": "says what one may decide",
    "storage.credits.reviewing.alone": "says what one may decide",
    "storage.deeds.standing": "about one's own deeds",
    "storage.deeds.undoable": "about one's own deeds",
    "storage.credits.posting.unconfirmed": REACH,
    "storage.people.imports.cancel": OWN_FILE,
    "storage.people.imports.content_of": OWN_FILE,
    "storage.people.imports.keep_preview": OWN_FILE,
    "storage.people.imports.kind_of": OWN_FILE,
    "storage.people.imports.own": "the check itself",
    "storage.people.imports.recent": "about one's own files",
    "storage.people.roster.look": ROW_BY_ROW,
    "storage.people.roster.keep_preview": ROW_BY_ROW,
    "storage.people.roster.apply": ROW_BY_ROW,
    "storage.people.roster.write": "what apply writes with, after the check",
    "storage.people.roster_comparing.compare": ROW_BY_ROW,
    "storage.people.roster_missing.missing": OWN_FILE,
    "storage.people.roster_missing.close_missing": OWN_FILE,
    "storage.people.school_list.look": "over the county; test_school_list",
    "storage.people.school_list.apply": "over the county; test_school_list",
    "storage.people.school_list.may_import": "says what one may do",
    "storage.training.approving.approve_all": "decides what is in reach; test_approving",
    "storage.training.approving.people": "shows what is in reach; test_approving",
    "storage.training.attendance.reach_of": "says whose presence one may enter",
    "storage.training.hosting.hosted": "to the host, and who sees the class; test_hosting",
    "storage.training.hosting.receives": "says whose presence one may enter",
    "storage.training.attendance.list_meetings": OWN_PEOPLE,
    "storage.training.attendance.meeting_card": OWN_PEOPLE,
    "storage.training.attendance.names": OWN_PEOPLE,
    "storage.training.attendance.person": OWN_PEOPLE,
    "storage.training.attendance.units_of": OWN_PEOPLE,
    "storage.training.marking.to_mark": OWN_PEOPLE,
    "storage.training.marking.mark": OWN_PEOPLE,
    "storage.training.marking.set_state": OWN_PEOPLE,
    "storage.training.attendance_sheets.apply": OWN_FILE,
    "storage.training.attendance_sheets.choices": REACH,
    "storage.training.attendance_sheets.keep": OWN_FILE,
    "storage.training.attendance_sheets.preview": OWN_FILE,
    "storage.training.attendance_sheets.sheet": OWN_PEOPLE,
    "storage.training.making.create": "over a unit of one's own; test_lives",
    "storage.messaging.drafting.begin": "in the name of one's own unit or class; test_notices",
    "storage.training.making.homes": REACH,
    "storage.training.menus.create": "over a unit of one's own; test_menus",
    "storage.training.aiming.candidates": REACH,
    "storage.training.menus.candidates": REACH,
    "storage.training.menus.menus": REACH,
    "storage.training.my_people.my_people": "about one's own people; test_nominating",
    "storage.training.nominations.oversees": "says what one may do",
    "storage.training.nominations.unit_of": "the check itself",
    "storage.training.plan_sheet.apply": OWN_FILE,
    "storage.training.plan_sheet.preview": "over units of one's own; test_plan_sheet",
    "storage.training.results.aim": OWN_FILE,
    "storage.training.results.apply": OWN_FILE,
    "storage.training.results.preview": OWN_FILE,
    **{
        f"storage.training.remote.{name}": OWN_FILE
        for name in (
            "importing.apply",
            "importing.keep",
            "importing.look",
            "importing.preview",
            "importing.remarks",
            "importing.set_as_of",
            "mapping.aim",
            "mapping.choose",
            "mapping.columns",
            "mapping.confirm",
            "mapping.next_form",
            "mapping.own",
            "unclear.settle",
            "unclear.unclear",
        )
    },
    "storage.training.remote.mapping.candidates": REACH,
    "storage.training.schedule.cancel_batch": "what a thin class is cancelled with",
    "storage.training.sealing.check_file": "compares with what one may see; test_sealing",
    "storage.training.sealing.export": "of a class, or of a school in it; test_sealing",
    "storage.training.sealing.may_see": "the check itself",
    "storage.training.runs.under_way": REACH,
    "storage.competitions.making.homes": REACH,
    "storage.competitions.awarding.proposals": REACH,
    "storage.competitions.awarding.settle_proposal": "school, then county; test_publicity",
    "storage.competitions.lists_waiting.items": REACH,
    "storage.competitions.lists_waiting.overview": REACH,
    "storage.competitions.publicity.correct": "what settling an objection calls, after the check",
    "storage.competitions.plan_sheet.preview": "for a unit of one's own; test_setup_sheet",
    "storage.competitions.plan_sheet.apply": "of one's own file; test_setup_sheet",
    "storage.competitions.round_cards.hang_in": "in a group that one tends; test_setup_groups",
    "storage.competitions.views.makes": REACH,
    "storage.competitions.views.runs": REACH,
    "storage.training.structure.to_change": "the check itself",
    "storage.training.structure.change_row": "what a change is written with, after the check",
    "storage.training.structure.note": "what a change is written down with",
    "storage.training.deciding.scope": "says what one may decide",
    "storage.credits.reviewing.first_word": "says what one may decide",
    "storage.credits.reviewing.last_word": "says what one may decide",
    "storage.training.runs.acts_on": "says what one may do",
    "storage.messaging.binding.begin": "by a tap in the group; test_binding",
    "storage.messaging.binding.places": "shows what is in reach; test_binding",
    "storage.people.authority.check_about": "the check itself",
    "storage.people.authority.check_covers": "the check itself",
    "storage.audit.record": "writes down who acted",
    "storage.audit.looked": "writes down who looked",
    "storage.training.reviewing.own_waiting": "about one's own work",
    "storage.training.remote.last_mile.last_mile": "shows what is in reach; test_last_mile",
    "storage.training.remote.last_mile.set_reason": "of own people only; test_last_mile",
    "storage.training.remote.last_mile.turn_reason": "of own people only; test_last_mile",
}
"""Operations that are not refused by role alone, each with the reason or its own tests."""


def operations() -> Iterator[str]:
    """All public functions of the storage floor that act for somebody."""
    for found in pkgutil.walk_packages(storage.__path__, "storage."):
        if ".migrations" in found.name:
            continue
        module = importlib.import_module(found.name)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != found.name or name.startswith("_"):
                continue
            parameters = list(inspect.signature(function).parameters)
            # What waits is refused to nobody: who may decide nothing is told of nothing.
            if parameters[:2] == ["session", "actor_id"] and name != "waits":
                yield f"{found.name}.{name}"


def test_every_operation_for_somebody_has_its_line() -> None:
    found = set(operations())
    assert found - set(LINES) - set(OTHERWISE) == set()
    assert set(LINES) | set(OTHERWISE) <= found
    assert not set(LINES) & set(OTHERWISE)


def test_a_new_operation_without_a_line_would_be_noticed() -> None:
    # If this fails, the test above proves nothing.
    assert "storage.people.staff.issue_code" in set(operations())
    assert len(set(operations())) > len(OTHERWISE)


def places(session: Session) -> tuple[Place, Place]:
    """Two schools with the same things in them."""
    return _place(session, "实验小学"), _place(session, "第二小学")


def _place(session: Session, name: str) -> Place:
    """A school with a teacher, a class of its own, and one of everything that belongs to it."""
    unit_id = make.school(session, name)
    teacher_id = make.teacher(session, "林若溪", at=name)
    batch_id = make.batch(
        session,
        f"{name}校本培训",
        programme={"owner_unit_id": unit_id, "level": Level.SCHOOL, "approval": Approval.SCHOOL},
    )

    def kept(row: Row) -> int:
        session.add(row)
        session.flush()
        return row.id

    phase_id = kept(
        Phase(batch_id=batch_id, position=1, kind=PhaseKind.CONCENTRATED, title="集中培训")
    )
    module_id = kept(
        Module(phase_id=phase_id, position=1, kind=ModuleKind.EXPERT_LEAD, title="专家引领")
    )
    session_id = kept(
        ClassSession(
            batch_id=batch_id,
            module_id=module_id,
            title="第一讲",
            starts_at=NOW + timedelta(days=20),
            ends_at=NOW + timedelta(days=20, hours=3),
        )
    )
    registration_id = kept(
        Registration(
            batch_id=batch_id,
            teacher_id=teacher_id,
            unit_id_at=unit_id,
            state=RegistrationState.SUBMITTED,
            submitted_at=NOW,
            queued_at=NOW,
            changed_at=NOW,
        )
    )
    task_id = kept(Task(batch_id=batch_id, title="教学设计", due_at=NOW + timedelta(days=21)))
    of: dict[str, Any] = {"teacher_id": teacher_id, "unit_id_at": unit_id}
    notice_id = kept(
        Notice(
            author_id=teacher_id,
            unit_id=unit_id,
            title="通知",
            text="请查收",
            state=NoticeState.SENT,
            created_at=NOW,
        )
    )
    kept(NoticeRecipient(notice_id=notice_id, teacher_id=teacher_id))
    chat_id = kept(
        Chat(
            tg_chat_id=-1_000_000 - unit_id,
            title=name,
            purpose=ChatPurpose.COORDINATORS,
            unit_id=unit_id,
            is_forum=True,
        )
    )
    return Place(
        {
            "name": name,
            "unit_id": unit_id,
            "teacher_id": teacher_id,
            "teacher_ids": [teacher_id],
            "batch_id": batch_id,
            "programme_id": session.get_one(Batch, batch_id).programme_id,
            "phase_id": phase_id,
            "module_id": module_id,
            "session_id": session_id,
            "registration_id": registration_id,
            "registration_ids": [registration_id],
            "task_id": task_id,
            "submission_id": kept(
                TaskSubmission(
                    task_id=task_id,
                    registration_id=registration_id,
                    text="教案",
                    submitted_at=NOW,
                )
            ),
            "sent_id": notice_id,
            "chat_id": chat_id,
            "tg_chat_id": -1_000_000 - unit_id,
            "question_id": kept(
                Question(
                    notice_id=notice_id,
                    teacher_id=teacher_id,
                    opened_at=NOW,
                    chat_id=chat_id,
                    thread_id=7,
                )
            ),
            "leave_id": kept(
                Leave(
                    registration_id=registration_id,
                    session_id=session_id,
                    reason=LeaveReason.OFFICIAL,
                    requested_at=NOW,
                )
            ),
            "claim_id": kept(
                Claim(
                    **of,
                    title="市级讲座",
                    level="city",
                    category="other",
                    hours=Decimal(4),
                    learnt_on=TODAY,
                    submitted_at=NOW,
                )
            ),
            "appeal_id": kept(Appeal(**of, about="少记", opened_at=NOW, due_on=TODAY)),
            "menu_id": kept(
                Menu(
                    title="菜单",
                    owner_unit_id=unit_id,
                    opens_at=NOW,
                    closes_at=NOW + timedelta(days=5),
                )
            ),
            "notice_id": kept(
                Notice(
                    author_id=teacher_id,
                    unit_id=unit_id,
                    title="通知",
                    audience={"batch": batch_id, "state": "in"},
                    created_at=NOW,
                )
            ),
            "rule_id": kept(
                EligibilityRule(
                    programme_id=session.get_one(Batch, batch_id).programme_id,
                    field="subject",
                    op="is",
                    value="语文",
                )
            ),
        }
        | USUAL
    )


USUAL: dict[str, Any] = {
    "text": "林",
    "reason": "因公",
    "answer": "已核对",
    "view": "属实",
    "title": "新题目",
    "page": 0,
    "now": NOW,
    "today": TODAY,
}
"""What any operation takes for a parameter of this name, unless its line gives another."""


def appointed(session: Session, role: Role, at: Place, name: str) -> int:
    """Somebody of that school who holds the role over it, or over its class."""
    who = make.teacher(session, "罗佳宁", at=name)
    of_class = role in OF_A_CLASS
    session.add(
        RoleAssignment(
            teacher_id=who,
            role=role,
            scope_kind=ScopeKind.BATCH if of_class else ScopeKind.UNIT,
            scope_id=at.batch_id if of_class else at.unit_id,
            since=TODAY,
        )
    )
    session.flush()
    return who


def things_for(session: Session, name: str, at: Place) -> dict[str, Any]:
    """What an operation is given at this place, by the names of its parameters."""
    return at.things | LINES[name].given(session, at)


def comes_through(session: Session, name: str, actor_id: int, given: dict[str, Any]) -> bool:
    """Whether the call is not refused for want of a right; nothing of it stays."""
    module, _, function = name.rpartition(".")
    operation = getattr(importlib.import_module(module), function)
    wanted = list(inspect.signature(operation).parameters.values())[2:]
    point = session.begin_nested()
    try:
        arguments: dict[str, Any] = {}
        for parameter in wanted:
            if parameter.name in given:
                arguments[parameter.name] = given[parameter.name]
            elif parameter.default is parameter.empty:
                raise AssertionError(f"{name} is given no {parameter.name}")
        operation(session, actor_id, **arguments)
    except NotAllowed:
        return False
    except Refusal:
        return True  # refused for another reason: the right was there
    finally:
        if point.is_active:
            point.rollback()
        session.expire_all()
    return True


@dataclass(frozen=True)
class Stood:
    """Two schools that stand for all tests of operations, since each leaves them as they were."""

    database: Database
    own: Place
    foreign: Place
    holders: dict[Role, int]
    nobody: int
    past: int  # whose role has ended

    def look(self, within: Callable[[Session], T]) -> T:
        """Return what is found within a transaction of which nothing stays."""

        def look(session: Session) -> None:
            raise _Found(within(session))

        try:
            self.database.write_now(look)
        except _Found as found:
            return found.args[0]  # type: ignore[no-any-return]
        raise AssertionError("nothing was looked at")


class _Found(Exception):
    """Carries what was found out of a transaction, and takes the transaction back."""


@pytest.fixture(scope="module")
def stood(sqlite_template: Path) -> Iterator[Stood]:
    path = sqlite_template.with_name("matrix.sqlite3")
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")

    def stand(session: Session) -> Stood:
        own, foreign = places(session)
        holders = {role: appointed(session, role, own, "实验小学") for role in Role}
        nobody = make.teacher(session, "顾念", at="实验小学")
        past = appointed(session, Role.SCHOOL_COORDINATOR, own, "实验小学")
        held = session.exec(select(RoleAssignment).where(RoleAssignment.teacher_id == past)).one()
        held.since = held.until = date(2026, 9, 1)
        return Stood(database, own, foreign, holders, nobody, past)

    yield database.write_now(stand)
    database.close()


@pytest.mark.parametrize("name", LINES)
def test_an_operation_is_open_to_the_roles_that_may_and_closed_to_all_others(
    stood: Stood, name: str
) -> None:
    def look(session: Session) -> dict[Role, tuple[bool, bool]]:
        own = things_for(session, name, stood.own)
        foreign = things_for(session, name, stood.foreign)
        return {
            role: (
                comes_through(session, name, me, own),
                comes_through(session, name, me, foreign),
            )
            for role, me in stood.holders.items()
        }

    found = stood.look(look)
    for role in Role:
        may = bool(MAY[role] & LINES[name].acts)
        assert found[role] == (may, may and LINES[name].anywhere), role


@pytest.mark.parametrize("name", LINES)
def test_an_operation_is_closed_to_a_teacher_and_to_a_role_that_has_ended(
    stood: Stood, name: str
) -> None:
    def look(session: Session) -> list[bool]:
        own = things_for(session, name, stood.own)
        whom = (stood.nobody, stood.past)
        return [comes_through(session, name, who, own) for who in whom]

    assert stood.look(look) == [False, False]


@pytest.mark.parametrize("giver", Role)
async def test_a_role_is_given_by_the_roles_that_may_give_it(sqlite: Database, giver: Role) -> None:
    """Over one's own school: whoever gives, gives what MAY_GIVE says and nothing else."""

    def gives(session: Session, actor_id: int, role: Role, at: Place) -> bool:
        point = session.begin_nested()
        try:
            appointing.give(session, actor_id, at.teacher_id, role, at.unit_id, now=NOW)
        except NotAllowed:
            return False
        finally:
            if point.is_active:
                point.rollback()
            session.expire_all()
        return True

    def look(session: Session) -> dict[Role, bool]:
        own, foreign = places(session)
        me = appointed(session, giver, own, "实验小学")
        assert not any(gives(session, me, role, foreign) for role in Role)
        return {role: gives(session, me, role, own) for role in Role}

    fitting = {Role.SCHOOL_COORDINATOR, Role.PRINCIPAL}  # what there is in a school
    allowed = MAY_GIVE.get(giver, frozenset()) & fitting if Act.APPOINT in MAY[giver] else set()
    assert await sqlite.write(look) == {role: role in allowed for role in Role}


@pytest.mark.parametrize("role", Role)
async def test_whom_a_role_is_for_is_shown_to_who_may_give_it_or_pass_their_own_on(
    sqlite: Database, role: Role
) -> None:
    """Nobody reads a name by naming a role and a person; and the log keeps who did."""

    def sees(session: Session, call: Callable[..., Any], *given: Any) -> bool:
        point = session.begin_nested()
        looks = sa.select(sa.func.count()).select_from(AuditLog)
        before = session.connection().execute(looks).scalar_one()
        try:
            call(session, *given, now=NOW)
            assert session.connection().execute(looks).scalar_one() == before + 1
        except NotAllowed:
            return False
        finally:
            if point.is_active:
                point.rollback()
            session.expire_all()
        return True

    def look(session: Session) -> dict[str, Any]:
        own, foreign = places(session)
        me = appointed(session, role, own, "实验小学")
        nobody = make.teacher(session, "顾念", at="实验小学")
        propose, candidates = appointing.propose, appointing.candidates
        for who, at in ((me, foreign), (nobody, own), (nobody, foreign)):
            # Not even of somebody of one's own school, over another one.
            for whom in (own.teacher_id, foreign.teacher_id):
                assert not any(sees(session, propose, who, whom, r, at.unit_id) for r in Role)
            assert not sees(session, candidates, who, at.unit_id, "林")
        for r in Role:
            assert not sees(session, propose, me, foreign.teacher_id, r, own.unit_id)
        found: set[int] = set()
        if sees(session, candidates, me, own.unit_id, "林"):
            found = {x[0] for x in candidates(session, me, own.unit_id, "林", now=NOW)}
            assert foreign.teacher_id not in found
        return {
            "shown": {
                r for r in Role if sees(session, propose, me, own.teacher_id, r, own.unit_id)
            },
            "found": own.teacher_id in found,
        }

    fitting = {Role.SCHOOL_COORDINATOR, Role.PRINCIPAL}
    # A role over a class is the organiser's to give.
    passes_on = {role} - set(OF_A_CLASS)
    assert await sqlite.write(look) == {
        "shown": MAY_GIVE.get(role, frozenset()) & fitting | passes_on,
        "found": bool(passes_on),
    }


async def test_a_role_that_looks_from_above_searches_no_names(sqlite: Database) -> None:
    def look(session: Session) -> tuple[tuple[int, str, str], ...]:
        own, _foreign = places(session)
        county = make.county(session)
        viewer = make.teacher(session, "观察员", at="教师发展中心")
        make.teacher(session, "林小满", at="教师发展中心")
        held = RoleAssignment(
            teacher_id=viewer, role=Role.BUREAU_VIEWER, scope_id=county, since=TODAY
        )
        session.add(held)
        session.flush()
        found = appointing.candidates(session, viewer, county, "林", now=NOW)
        with pytest.raises(NotAllowed):
            appointing.propose(session, viewer, own.teacher_id, Role.BUREAU_VIEWER, county, now=NOW)
        return found

    # A deputy is found among those one works with.
    assert [name for _id, name, _unit in await sqlite.write(look)] == ["林小满"]


UNDONE: dict[str, tuple[frozenset[Act], Callable[[Session, Place], dict[str, Any]]]] = {
    "decide_registrations": (
        frozenset({FIRST, LAST}),
        lambda _session, at: {
            "verdict": "approve",
            "rows": [{"id": at.registration_id, "state": "submitted", "after": "approved"}],
        },
    ),
    "decide_leave": (
        frozenset({Act.DECIDE_LEAVE}),
        lambda _session, at: {"rows": [{"id": at.leave_id, "after": "approved"}], "told": []},
    ),
    "roster": (frozenset({Act.IMPORT_ROSTER}), lambda _session, at: _imported(at)),
    "roster_missing": (frozenset({Act.IMPORT_ROSTER}), lambda _session, at: _imported(at)),
    "timetable": (
        frozenset({RUN}),
        lambda _session, at: {"batch_id": at.batch_id, "added": [], "changed": []},
    ),
    "review_work": (
        frozenset({Act.REVIEW_WORK}),
        lambda _session, at: {"submission_id": at.submission_id, "stamp": 0, "state": "accepted"},
    ),
    "allot": (
        frozenset({RUN}),
        lambda _session, at: {"batch_id": at.batch_id, "after": {"0": {}}, "before": {"0": None}},
    ),
    "marks": (
        frozenset({ENTER}),
        lambda _session, at: {
            "batch_id": at.batch_id,
            "before": {},
            "after": {str(at.registration_id): [80.0, None]},
        },
    ),
    "completion": (
        frozenset({ENTER}),
        lambda _session, at: {
            "batch_id": at.batch_id,
            "states": {str(at.registration_id): ["attending", "completed", None]},
        },
    ),
    "post_hours": (
        frozenset({POST}),
        lambda _session, at: {"batch_id": at.batch_id, "entries": [0], "before": {}},
    ),
    "confirm_hours": (
        frozenset({Act.CONFIRM_HOURS}),
        lambda session, at: {"batch_id": at.batch_id, "entries": [_entered(session, at)]},
    ),
    "accept_claim": (
        frozenset({Act.SETTLE_HOURS}),
        lambda _session, at: {"claim_id": at.claim_id, "entry_id": 0},
    ),
    "attendance": (
        frozenset({TAKE, MARK}),
        lambda _session, at: {
            "session_id": at.session_id,
            "at": NOW.isoformat(),
            "changes": [{"registration": at.registration_id, "after": "present"}],
        },
    ),
    "bind_group": (
        frozenset({Act.BIND_GROUP}),
        lambda _session, at: {
            "chat_id": at.chat_id,
            "before": {"purpose": "test", "unit_id": at.unit_id, "programme_id": None},
            "after": {"purpose": "all_staff", "unit_id": at.unit_id, "programme_id": None}
            | {"bound_by": 0},
        },
    ),
    "progress": (
        frozenset({ENTER}),
        lambda _session, at: {"batch_id": at.batch_id, "import_id": 0},
    ),
    "accept_entries": (frozenset({Act.RUN_COMPETITION}), an_accepted_entry),
    "disqualify_entry": (frozenset({Act.RUN_COMPETITION}), an_entry_taken_out),
    "decide_venue": (frozenset({COMPETITION}), after.decided_deed),
    "publicity": (frozenset({COMPETITION}), after.shown_deed),
    "correct_list": (frozenset({COMPETITION}), after.corrected_deed),
    "plan": (frozenset({RUN}), lambda _session, at: {"programmes": [at.programme_id], "job": 0}),
}
"""What each kind of deed needs of who undoes it, and what such a deed would have kept."""

UNDONE_OTHERWISE = {
    "hand_over": "the role has passed on; test_appointing",
    "units": "over the county; test_school_list",
    "calendar": "over the office; test_loading",
}


def _imported(at: Place) -> dict[str, Any]:
    """What a file that corrects one person's entry would have kept."""
    nothing: dict[str, Any] = {name: [] for name in ("opened", "changed", "closed")}
    return nothing | {
        "job_id": 0,
        "new": {},
        "teachers": {},
        "moved": [at.teacher_id],
        "roles": {"new": [], "changed": []},
    }


def _entered(session: Session, at: Place) -> int:
    row = CreditEntry(
        teacher_id=at.teacher_id,
        batch_id=at.batch_id,
        title="校本培训",
        hours=Decimal(2),
        level=Level.SCHOOL,
        source_kind="batch",
        source_id=at.batch_id,
        category="other",
        earned_on=TODAY,
        state=EntryState.PENDING,
    )
    session.add(row)
    session.flush()
    return row.id


def test_every_kind_of_deed_has_its_line() -> None:
    assert set(UNDONE) | set(UNDONE_OTHERWISE) == set(undoing.UNDO)


@pytest.mark.parametrize("kind", UNDONE)
def test_a_deed_is_undone_by_who_may_still_do_it(stood: Stood, kind: str) -> None:
    """A right that was taken away between the deed and the undoing takes nothing back."""
    acts, kept = UNDONE[kind]

    def undone(session: Session, who: int, at: Place) -> bool:
        point = session.begin_nested()
        try:
            data = kept(session, at)
            deed_id = deeds.done(session, kind, who, data, now=NOW)
            undoing.undo(session, who, deed_id, now=NOW + timedelta(minutes=1))
        except NotAllowed:
            return False
        except Refusal:
            return True
        finally:
            if point.is_active:
                point.rollback()
            session.expire_all()
        return True

    def look(session: Session) -> dict[Role, tuple[bool, bool, bool]]:
        found = {}
        for role, me in stood.holders.items():
            with session.begin_nested() as point:
                # Where a school decides for itself, the county does not.
                _end_roles(session, RoleAssignment.teacher_id != me)
                may = undone(session, me, stood.own), undone(session, me, stood.foreign)
                _end_roles(session)
                found[role] = (*may, undone(session, me, stood.own))
                point.rollback()
            session.expire_all()
        return found

    found = stood.look(look)
    for role in Role:
        assert found[role] == (bool(MAY[role] & acts), False, False), role


def _end_roles(session: Session, *whose: Any) -> None:
    ended = date(2026, 9, 1)
    session.exec(sa.update(RoleAssignment).where(*whose).values(since=ended, until=ended))


def test_every_act_has_an_operation() -> None:
    # What is counted, and what a roster may change, goes unit by unit and row by row.
    by_reach = {Act.COUNT_PEOPLE, Act.IMPORT_ROSTER}
    assert set(Act) - by_reach == {act for each in LINES.values() for act in each.acts}
