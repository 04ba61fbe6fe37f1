"""Whatever counties and schools do in whatever order: the books of allotted seats agree.

Invariants 1, 2, 3 and 14 of the domain model, and what the reserves promise, after every step.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from storage import undoing
from storage.database import Database
from storage.deeds import Deed
from storage.people import roles
from storage.people.tables import Posting, Role
from storage.refusals import NotAllowed, Refusal
from storage.training import (
    allotting,
    enrolment,
    nominating,
    nominations,
    registration,
    reserves,
    sealing,
    substituting,
    waiting,
)
from storage.training.allotting import Way
from storage.training.tables import (
    LIVE,
    SEATED,
    Decision,
    Enrolment,
    Quota,
    Registration,
    RegistrationState,
)
from tests import make
from tests.make import NOW
from tests.training import seating
from tests.training.seating import SCHOOLS, County, county

PEOPLE = 3  # of each school
ACTS = (
    *("nominate", "nominate", "nominate", "substitute", "substitute", "take_back"),
    *("accept", "accept", "decline", "approve", "allot", "allot", "reserve", "share", "undo"),
    *("capacity", "release", "register", "withdraw", "sweep"),
)
OF_THE_COUNTY = ("allot", "reserve", "share", "undo", "capacity", "release")

step = st.tuples(
    st.sampled_from(ACTS),
    # Mostly whoever may do it; else anybody.
    st.sampled_from(("right",) * 9 + ("county", "school0", "school1", "former", "teacher")),
    st.integers(0, 2 * PEOPLE - 1),
    st.integers(0, 2 * PEOPLE - 1),
    st.integers(0, 4),
    st.sampled_from([0, 0, 1, 60 * 4, 60 * 26]),  # minutes until then
)


class _Undone(Exception):
    """Ends an example, so that the next one finds nothing of it."""


class Play:
    """One county with two classes at the same time, and everybody who may act."""

    def __init__(self, session: Session, *, nominated: bool, seats: int) -> None:
        self.session = session
        kept = {} if nominated else {"enrolment": Enrolment.OPEN}
        self.made: County = county(session, seats=seats, people=PEOPLE, programme=kept)
        self.batch_id = self.made.batch_id
        self.other_id = make.batch(
            session,
            "同时的培训",
            seats=9,
            programme={"enrolment": Enrolment.NOMINATION},
            nominate_close=NOW + timedelta(days=9),
        )
        self.capacity = seats
        self.people = (*self.made.people[0], *self.made.people[1])
        session.add(  # the last of the first school helps out in the countryside
            Posting(
                teacher_id=self.made.people[0][-1],
                unit_id=self.made.schools[1],
                since=date(2026, 9, 1),
                is_primary=False,
            )
        )
        former = make.teacher(session, "前校管", at=SCHOOLS[0])
        roles.appoint(
            session,
            former,
            Role.SCHOOL_COORDINATOR,
            self.made.schools[0],
            today=date(2026, 9, 1),
            until=date(2026, 11, 19),
            now=NOW,
        )
        self.actors = {
            "county": self.made.county_id,
            "school0": self.made.coordinators[0],
            "school1": self.made.coordinators[1],
            "former": former,
            "teacher": self.people[0],
        }
        self.released = False

    def rightly(self, act: str, who: str, a: int, b: int) -> tuple[str, int, int]:
        """Turn a random step into one that makes sense, if it is to."""
        if who != "right":
            return who, a, b
        if act in OF_THE_COUNTY:
            return "county", a, b
        rows = self.session.exec(
            select(Registration.teacher_id).where(
                Registration.batch_id == self.batch_id,
                col(Registration.state).in_(nominations.REPLACEABLE),
            )
        ).all()
        here = [number for number, one in enumerate(self.people) if one in rows]
        if here and act in ("substitute", "accept", "decline", "approve", "take_back"):
            a = here[a % len(here)]
        if act == "substitute":
            b = self.school_of(a) * PEOPLE + b % PEOPLE
        return f"school{self.school_of(a)}", a, b

    def school_of(self, number: int) -> int:
        return number // PEOPLE

    def may_nominate(self, who: str, number: int) -> bool:
        return who == "county" or who == f"school{self.school_of(number)}"

    def do(self, act: str, who: str, a: int, b: int, n: int, now: datetime) -> None:
        session, actor, batch_id = self.session, self.actors[who], self.batch_id
        one, two, unit_id = self.people[a], self.people[b], self.made.schools[n % 2]
        match act:
            case "nominate":
                into = self.other_id if n > 2 else batch_id
                nominating.nominate(session, actor, into, [one], override=b == 0, now=now)
                again = nominating.nominate(session, actor, into, [one], now=now)
                assert again.is_new == 0
                assert self.may_nominate(who, a)
            case "substitute":
                substituting.substitute(
                    session, actor, batch_id, one, two, "换人", override=n == 3, now=now
                )
                assert self.may_nominate(who, a)
                assert self.school_of(a) == self.school_of(b)
                assert who == "county" or now < NOW + timedelta(days=10)
            case "take_back":
                nominating.take_back(session, actor, batch_id, one, now=now)
                assert self.may_nominate(who, a)
            case "accept":
                enrolment.accept_nomination(session, one, batch_id, now=now)
            case "decline":
                enrolment.decline_nomination(session, one, batch_id, now=now)
            case "approve":
                row = session.exec(
                    select(Registration).where(
                        Registration.batch_id == batch_id, Registration.teacher_id == one
                    )
                ).first()
                if row is not None and row.state in (
                    RegistrationState.SCHOOL_APPROVED,
                    RegistrationState.SUBMITTED,
                ):
                    row.state = RegistrationState.APPROVED
                    session.flush()
            case "allot":
                allotting.allot(session, actor, batch_id, {unit_id: n}, over=b % 2, now=now)
                assert who == "county"
            case "reserve":
                kinds = {("rural", "young", "rural_town")[b % 3]: 1}
                allotting.allot(
                    session, actor, batch_id, {unit_id: n}, reserved={unit_id: kinds}, now=now
                )
                assert who == "county"
            case "share":
                way = (Way.EQUAL, Way.BY_TEACHERS)[b % 2]
                plan = allotting.propose(session, actor, batch_id, way, keep=a % 3, now=now)
                allotting.allot(session, actor, batch_id, plan.lines, now=now)
                assert who == "county"
            case "undo":
                deed = session.exec(select(Deed.id).order_by(col(Deed.id).desc())).first()
                if deed is not None:
                    undoing.undo(session, actor, deed, now=now)
                    assert who == "county"
            case "capacity":
                allotting.set_capacity(session, actor, batch_id, a + n, now=now)
                self.capacity = a + n
                assert who == "county"
            case "release":
                at = now + timedelta(hours=20 * n)
                allotting.set_release(session, actor, batch_id, at, now=now)
                self.released = True
                assert who == "county"
            case "register":
                registration.register(session, one, batch_id, now=now)
            case "withdraw":
                registration.withdraw(session, one, batch_id, now=now)
            case "sweep":
                waiting.lapse_due(session, now=now)
                waiting.promote(session, now=now)

    def check(self) -> None:
        session = self.session
        quotas = list(
            session.exec(
                select(Quota)
                .where(Quota.batch_id == self.batch_id)
                .execution_options(populate_existing=True)
            ).all()
        )
        # 1. Never past the capacity, but for what was allowed beyond it.
        assert all(0 <= q.over_allowed <= q.seats for q in quotas)
        assert sum(q.seats - q.over_allowed for q in quotas) == self.capacity
        held = seating.held(session, self.batch_id)
        for quota in quotas:
            assert quota.taken == held.get(quota.id, 0)
            assert quota.taken <= quota.seats
            if quota.reserved and not self.released:
                holders = reserves.holders_of(session, quota.id)
                kinds = reserves.kinds_of(session, self.batch_id, holders, quota.reserved)
                open_ = reserves.unmet(quota.reserved, [kinds[x] for x in holders])
                assert open_ <= quota.seats - quota.taken
        rows = list(
            session.exec(select(Registration).execution_options(populate_existing=True)).all()
        )
        # 2. One live registration a person and class; and it holds a seat if it says so.
        live = [(x.batch_id, x.teacher_id) for x in rows if x.state in LIVE]
        assert len(live) == len(set(live))
        assert all((x.state in SEATED) == (x.quota_id is not None) for x in rows)
        # 3. In two classes at once only where the school insisted, or the person wanted it.
        for teacher_id in {teacher_id for _, teacher_id in live}:
            both = [x for x in rows if x.teacher_id == teacher_id and x.state in LIVE]
            if len(both) == 2:
                lines = session.exec(
                    select(Decision).where(col(Decision.registration_id).in_([x.id for x in both]))
                ).all()
                said = [x for x in lines if "in_spite_of" in x.facts]
                own = [x for x in both if x.source.value == "self"]
                assert said or own


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(step, min_size=25, max_size=40),
    seats=st.integers(0, 5),
    nominated=st.sampled_from([True, True, False]),
)
def test_no_history_breaks_the_books_of_allotted_seats(
    sqlite: Database,
    steps: list[tuple[str, str, int, int, int, int]],
    seats: int,
    nominated: bool,
) -> None:
    def live_through(session: Session) -> None:
        play = Play(session, nominated=nominated, seats=seats)
        now = NOW
        for act, who, a, b, n, minutes in steps:
            now += timedelta(minutes=minutes, seconds=1)
            who, a, b = play.rightly(act, who, a, b)
            capacity, released = play.capacity, play.released
            try:
                with session.begin_nested():
                    play.do(act, who, a, b, n, now)
            except Refusal as refusal:
                play.capacity, play.released = capacity, released
                # 14. Who may do it is never told otherwise, and nobody else ever gets past.
                if isinstance(refusal, NotAllowed) and who == "county":
                    assert act == "undo"
            play.check()
        sealing.seal(session, play.batch_id)
        assert sealing.verify(session, play.batch_id) is None
        raise _Undone

    with pytest.raises(_Undone):
        sqlite.write_now(live_through)
