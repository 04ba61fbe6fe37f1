"""A term of the all-staff training with a clock that stands still between events.

Thirty-two teachers of four schools study from 19 October to 18 December on a platform that
exports a table once a week. The tables are real files that go through the chat. Week by week it
is looked at who was told what; in the end, what came of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from bot.pacer import Pacer
from storage import sheets
from storage.calendar import quiet, workdays
from storage.credits import posting
from storage.database import Database
from storage.messaging import groups, outbox, reminders
from storage.messaging.tables import (
    ChatPurpose,
    Deadline,
    DeadlineStep,
    Level,
    OutboxMessage,
    OutboxState,
    Reminder,
    ReminderState,
)
from storage.moments import at, local_day
from storage.people import roles
from storage.people.tables import Role, Teacher, TeacherState
from storage.training import approving, completion, publishing, results, staffing, surveys
from storage.training.remote import plan, platforms, presets, rates
from storage.training.remote.rates import Rate
from storage.training.tables import (
    Batch,
    Enrolment,
    Mode,
    ProgrammeState,
    Registration,
    RegistrationState,
)
from tests import make
from tests.stage import Actor, Stage, stage_on
from tests.training.remote import exports
from tests.training.remote.exports import Studied

SHANGHAI = ZoneInfo("Asia/Shanghai")
TITLE = "2026年中小学、幼儿园教师全员岗位远程培训"
SCHOOLS = {
    "甲": "城关初级中学",
    "乙": "白杨镇中心小学",
    "丙": "南塘乡中心小学",
    "丁": "柳渡镇中心幼儿园",
}


def moment(month: int, day: int, hour: int = 0, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


PUBLISHED = moment(10, 9, 9)  # the roster date, a Friday
STARTS, ENDS = moment(10, 19, 8), moment(12, 18, 18)

# --- the people: how much of everything each has done by each table, and when they last studied -

TABLES = (
    moment(10, 23, 12),
    moment(10, 30, 12),
    moment(11, 6, 12),
    moment(11, 13, 12),
    moment(11, 24, 8),  # that of 20 November was forgotten
    moment(11, 27, 12),
    moment(12, 4, 12),
    moment(12, 11, 12),
    moment(12, 17, 12),
    moment(12, 20, 18),  # the first one of after the end
    moment(1, 16, 12, year=2027),  # and of after the make-up
)
"""Of when each table of the platform is."""

# What share of everything, by each of these tables; the last figure stays.
STORIES: Mapping[str, tuple[float, ...]] = {
    "勤": (0.4, 0.8, 1, 1, 1, 1, 1, 1, 1, 1),  # keen
    "稳": (0.12, 0.23, 0.34, 0.45, 0.58, 0.67, 0.8, 1, 1, 1),  # steady
    "迟": (0, 0, 0.2, 0.45, 0.6, 0.7, 0.8, 1, 1, 1),  # begins late
    "慢": (0.1, 0.11, 0.12, 0.15, 0.2, 0.25, 0.4, 0.8, 1, 1),  # slow
    "停": (0.3, 0.5, 0.52, 0.52, 0.52, 0.52, 0.8, 1, 1, 1),  # stops for a month
    "病": (0.1,),  # falls ill
    "报": (0.12, 0.23, 0.23, 0.45, 0.58, 0.67, 0.8, 1, 1, 1),  # the platform once lags behind
    "考": (0.12, 0.23, 0.34, 0.45, 0.58, 0.67, 0.8, 1, 1, 1),  # steady, and fails the test
    "未": (0,) * 10 + (1,),  # does not begin, and makes it all up
}
WHO = {"甲": "迟停报", "乙": "迟慢病", "丙": "迟慢考", "丁": "未慢停"}
"""Whom each school has; four are keen, of whom one coordinates and one leads it, and all others
are steady."""
EACH = 8


@dataclass
class Person:
    """Somebody who studies."""

    name: str
    story: str
    school: str
    staff_no: str
    actor: Actor

    @property
    def teacher_id(self) -> int:
        """Theirs on the roster."""
        assert self.actor.teacher_id is not None
        return self.actor.teacher_id

    def studied(self, table: int) -> Studied:
        """What the platform says of them by the table of this number, from 0."""
        shares = STORIES[self.story]
        share = shares[min(table, len(shares) - 1)]
        since = shares.index(share)
        last = local_day(TABLES[since], SHANGHAI) - timedelta(days=2 if share == 0.52 else 1)
        return Studied(
            self.staff_no,
            self.name,
            SCHOOLS[self.school],
            minutes=round(900 * share),
            homework=int(2 * share + 0.5),
            posts=int(4 * share + 0.5),
            seminar=share >= 0.5,
            last=last if share else None,
        )


class Unpaced(Pacer):
    """No pauses: the term's clock is not the machine's."""

    @asynccontextmanager
    async def turn(self, chat_id: int) -> AsyncIterator[None]:
        yield


@dataclass
class Term:
    """The class, its people, and what was said to them."""

    stage: Stage
    county: Actor
    tutor: Actor
    group: int
    batch_id: int
    people: dict[str, Person]
    seen: datetime = PUBLISHED

    @property
    def county_id(self) -> int:
        """Of whoever runs the class."""
        assert self.county.teacher_id is not None
        return self.county.teacher_id

    async def until(self, end: datetime) -> None:
        """Let time pass from event to event."""
        stage = self.stage
        while stage.clock() < end:
            await stage.deliver()
            now = stage.clock()
            following = await stage.database.read(reminders.next_event, now=now)
            evening = at(local_day(now, SHANGHAI), 17 * 60, SHANGHAI)
            evening += timedelta(days=int(evening <= now))
            soonest = min(following or end, evening, end)
            stage.clock.advance(max(soonest - now, timedelta(minutes=1)))
        await stage.deliver()

    async def imports(self, table: int, *, first: bool = False) -> None:
        """The county's coordinator drops a table of the platform and takes it over."""
        until = TABLES[table].astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
        rows = [one.studied(table) for one in self.people.values()]
        gu = self.county
        await gu.sends_file(f"学习情况{table + 1}.xlsx", exports.orchid(rows, until=until))
        if first:
            await gu.taps("That is right")
            await gu.taps("That is right")
        assert "Import it" in gu.labels(), gu.sees()
        await gu.taps("Import it")
        assert "Progress imported" in gu.sees()

    async def week(
        self,
        end: datetime,
        *,
        coordinators: dict[str, set[str]] | None = None,
        principals: dict[str, set[str]] | None = None,
        owner: tuple[str, ...] = (),
        **teachers: set[str],
    ) -> None:
        """Live until then; just these were told just this, since it was last looked at."""
        await self.until(end)
        found = await self.stage.database.read(_told, self.seen, self.stage.clock())
        self.seen = self.stage.clock()
        studying = set(self.people)
        assert {
            k: v & studying for k, v in found[Level.TEACHER].items() if v & studying
        } == teachers
        assert found[Level.COORDINATOR] == (coordinators or {})
        assert found[Level.PRINCIPAL] == (principals or {})
        of_owner = {
            kind
            for level in (Level.TEACHER, Level.OWNER)
            for kind, names in found[level].items()
            if "顾岩" in names
        }
        assert of_owner == set(owner)

    def leads(self, number: int, schools: str) -> set[str]:
        """The coordinators (4) or principals (5) of these schools."""
        return {f"勤{school}{number:02}" for school in schools}

    def those(self, stories: str, schools: str = "甲乙丙丁") -> set[str]:
        return {
            one.name
            for one in self.people.values()
            if one.story in stories and one.school in schools
        }


def _told(session: Session, since: datetime, until: datetime) -> dict[Level, dict[str, set[str]]]:
    """By level and kind who was reminded between these moments; each once."""
    rows = session.exec(
        select(DeadlineStep.level, Deadline.kind, Teacher.name)
        .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
        .join(Reminder, col(Reminder.step_id) == col(DeadlineStep.id))
        .join(Teacher, col(Teacher.id) == col(Reminder.teacher_id))
        .where(
            Reminder.state == ReminderState.SENT,
            Deadline.kind != "role_gap",  # of the county's offices, not of this class
            col(Reminder.settled_at) > since,
            col(Reminder.settled_at) <= until,
        )
    ).all()
    assert len(rows) == len(set(rows))
    found: dict[Level, dict[str, set[str]]] = {level: {} for level in Level}
    for level, kind, name in rows:
        found[Level(level)].setdefault(kind, set()).add(name)
    return found


async def opens(stage: Stage) -> Term:
    """The class is made, everybody is enrolled, and the platform is known."""
    stage.office.delivery._pacer = Unpaced(1000)
    gu = await stage.teacher("顾岩", at="教师发展中心", stage="office")
    xu = await stage.teacher("许文", at="教师发展中心", stage="office")
    people: dict[str, Person] = {}
    for letter, school in SCHOOLS.items():
        stories = (WHO[letter] + "勤" * 4).ljust(EACH, "稳")
        for number, story in enumerate(stories, 1):
            name = f"{story}{letter}{number:02}"
            staff_no = f"CH{'甲乙丙丁'.index(letter) + 1:02}{number:04}"
            actor = await stage.teacher(name, at=school, staff_no=staff_no)
            people[name] = Person(name, story, letter, staff_no, actor)

    def prepare(session: Session) -> int:
        now = stage.clock()
        county = make.county(session)
        assert gu.teacher_id
        assert xu.teacher_id
        today = local_day(now, SHANGHAI)
        roles.appoint(session, gu.teacher_id, Role.COUNTY_COORDINATOR, county, today=today, now=now)
        for letter, school in SCHOOLS.items():
            of = make.school(session, school)
            for number, role in ((4, Role.SCHOOL_COORDINATOR), (5, Role.PRINCIPAL)):
                who = people[f"勤{letter}{number:02}"].teacher_id
                roles.appoint(session, who, role, of, today=today, now=now)
        make.teacher(session, "假长假", at=SCHOOLS["甲"], state=TeacherState.LONG_LEAVE)
        programme = {
            "mode": Mode.REMOTE,
            "enrolment": Enrolment.AUTOMATIC,
            "state": ProgrammeState.DRAFT,
            "planned_hours": 50,
        }
        batch_id = make.batch(
            session,
            TITLE,
            seats=None,
            audience={"stage": ["primary"]},
            programme=programme,
            starts_at=STARTS,
            ends_at=ENDS,
            roster_date=PUBLISHED,
            reg_open=None,
            reg_close=None,
        )
        presets.take_usual(session, gu.teacher_id, batch_id, language="zh_Hans", now=now)
        platforms.create(
            session,
            gu.teacher_id,
            batch_id,
            "云川教师研修网",
            url="https://study.yunchuan.example",
            now=now,
        )
        makeup = {
            "makeup_from": moment(1, 4, 0, year=2027),
            "makeup_until": moment(1, 16, 0, year=2027),
        }
        plan.change(session, gu.teacher_id, batch_id, makeup, now=now)
        published = publishing.publish(session, gu.teacher_id, batch_id, now=now)
        assert (published.enrolled, published.exempt) == (4 * EACH, 1)
        staffing.appoint(session, gu.teacher_id, batch_id, xu.teacher_id, Role.TUTOR, now=now)
        return batch_id

    group = stage.world.add_group("全员远程培训群", members=[gu.id])

    def bind(session: Session, batch_id: int) -> None:
        groups.bind(
            session,
            group.id,
            "全员远程培训群",
            purpose=ChatPurpose.PROGRAMME,
            programme_id=session.get_one(Batch, batch_id).programme_id,
            language="en",
        )

    batch_id = await stage.database.write(prepare)
    await stage.database.write(bind, batch_id)
    return Term(stage, gu, xu, group.id, batch_id, people)


async def test_a_term(sqlite: Database) -> None:
    async with stage_on(sqlite, PUBLISHED) as stage:
        term = await opens(stage)
        await begins(term)
        await goes_on(term)
        await ends(term)
        await is_graded(term)
        await makes_up(term)
        assert await sqlite.read(_wrong) == []
        in_group = [one.text for one in term.county.messages(at=term.group)]
        assert [text.split("\n")[0] for text in in_group] == [
            f"[Reminder] {TITLE}",  # it begins
            f"[Progress bulletin] {TITLE}, no. 1",
            f"[Progress bulletin] {TITLE}, no. 2",
            f"[Progress bulletin] {TITLE}, no. 3",
            f"[Progress bulletin] {TITLE}",  # it ends in a week
        ]
        assert "taking part 100.0%; study finished 100.0%" in in_group[3]
        assert not [name for name in term.people for text in in_group if name in text]


async def begins(term: Term) -> None:
    """October: everybody hears of the start; who has not begun hears of that."""
    everybody = set(term.people)
    await term.week(moment(10, 17), remote_start=everybody)
    await term.week(moment(10, 22), remote_start=everybody)
    # Without a table nobody is said to have done nothing.
    await term.week(moment(10, 23, 15))
    await term.imports(0, first=True)
    late = term.those("迟未")
    await term.week(
        moment(10, 27),
        remote_not_started=late,
        coordinators={"remote_not_started": term.leads(4, "甲乙丙丁")},
    )
    await term.week(
        moment(10, 30, 15),
        remote_not_started=late,
        principals={"remote_not_started": term.leads(5, "甲乙丙丁")},
    )
    await term.imports(1)


async def goes_on(term: Term) -> None:
    """November: those behind and those who have stopped hear of it on Mondays, if it is known."""
    gu, stage = term.county, term.stage
    await term.week(
        moment(11, 3),
        remote_behind=term.those("慢迟未"),
        remote_idle=term.those("病"),
        coordinators={"remote_behind": term.leads(4, "甲乙丙丁")},
    )
    sick = term.people["病乙03"]
    await sick.actor.starts(f"study{term.batch_id}")
    await sick.actor.taps("Tell my school")
    await sick.actor.taps("sick leave")
    await term.week(moment(11, 6, 15))
    await term.imports(2)
    await term.until(moment(11, 9, 9, 30))
    lags = term.people["报甲03"]
    await lags.actor.starts(f"study{term.batch_id}")
    await lags.actor.taps("Not updated yet")
    await lags.actor.taps("All of it")
    await lags.actor.says("上周已观看两个专题，平台尚未更新")
    await term.week(
        moment(11, 10),
        remote_behind=term.those("慢迟未"),
        coordinators={"remote_behind": term.leads(4, "甲乙丙丁")},
    )
    await term.tutor.starts("desk")
    await term.tutor.taps("Not updated yet (1)")
    await term.tutor.taps(lags.name)
    await term.tutor.taps("Accept")
    await term.week(moment(11, 13, 15))
    await term.imports(3)
    await term.week(
        moment(11, 17),
        remote_behind=term.those("慢未"),
        remote_idle=term.those("停"),
        coordinators={"remote_behind": term.leads(4, "乙丙丁")},
    )
    # No table comes on the 20th: nobody is asked anything on old figures but for a new table.
    await term.week(moment(11, 24, 9), owner=("import_stale",))
    assert "As of Fri 13 Nov, 12:00" in gu.sees(at=term.group)
    await term.imports(4)
    await term.until(moment(11, 24, 9, 30))
    assert "no. 2\nAs of Tue 24 Nov, 08:00" in gu.sees(at=term.group)  # the same message
    await stage.database.write(_exempts, term.batch_id, term.county_id, "病乙03", now=stage.clock())
    await term.week(moment(11, 27, 15))
    await term.imports(5)


async def ends(term: Term) -> None:
    """December: who is left is asked ever more often, and nobody who is done."""
    gu = term.county
    left = set(term.people) - term.those("勤病")
    await term.week(
        moment(12, 1),
        remote_end=left,
        remote_behind=term.those("慢未"),
        remote_idle_long=term.those("停"),
        coordinators={
            "remote_behind": term.leads(4, "乙丙丁"),
            "remote_idle_long": term.leads(4, "甲丁"),
        },
    )
    await term.week(moment(12, 4, 15))
    await term.imports(6)
    await term.week(
        moment(12, 8),
        remote_behind=term.those("慢未"),
        coordinators={"remote_behind": term.leads(4, "乙丙丁")},
    )
    await term.week(
        moment(12, 11, 15),
        remote_end=left,
        coordinators={"remote_end": term.leads(4, "甲乙丙丁")},
    )
    await term.imports(7)
    await term.week(
        moment(12, 16, 9),
        remote_end=term.those("慢未"),
        remote_behind=term.those("未"),
        coordinators={"remote_behind": term.leads(4, "丁")},
        principals={"remote_end": term.leads(5, "乙丙丁")},
    )
    leads = term.people["勤丙04"].actor
    await leads.starts(f"mile{term.batch_id}")
    assert "慢丙02" in await leads.taps("Not finished · 1")
    await leads.taps("慢丙02")
    await leads.taps("Mark as contacted")
    assert "✓ Spoken with" in leads.labels()
    await gu.starts(f"mile{term.batch_id}")
    assert "Due: 31, exempt: 2" in gu.sees()
    assert "Taking part: 96.8% (30 of 31), 1 more person to 100%" in gu.sees()
    assert "慢丙02" not in gu.sees()
    await term.week(moment(12, 17, 15))
    await term.imports(8)
    await term.week(moment(12, 18, 9), remote_end=term.those("未"), owner=("remote_end",))
    asked = set(term.people) - term.those("未病")
    await term.week(moment(12, 18, 19), remote_end=term.those("未"), survey_close=asked)
    answered = await _answer_survey(term)
    await term.until(moment(12, 21, 9))
    await term.imports(9)
    await term.week(moment(12, 24, 9), survey_close=asked - answered)
    await term.week(moment(12, 25, 18), survey_close=asked - answered)


async def is_graded(term: Term) -> None:
    """Marks from a table, who has completed, and what the rates are."""
    gu, stage = term.county, term.stage
    marks: list[list[Any]] = [["工号", "姓名", "成绩"]]
    scores: dict[str, Any] = {"勤": 95, "考": 50, "未": "缺考"}
    marks += [
        [one.staff_no, one.name, scores.get(one.story, 80)]
        for one in term.people.values()
        if one.story != "病"
    ]
    await gu.sends_file("成绩.xlsx", sheets.write([("成绩", marks)]))
    await gu.taps(TITLE)
    await gu.taps("Enter 31")
    done = await stage.database.write(
        completion.confirm, term.county_id, term.batch_id, now=stage.clock()
    )
    assert done.counts == {
        RegistrationState.COMPLETED: 29,
        RegistrationState.NOT_COMPLETED: 2,
    }
    sets = rates.together(
        await stage.database.read(rates.by_unit, term.batch_id, now=stage.clock())
    )
    assert (sets.due, sets.exempt, sets.participating, sets.learned) == (31, 2, 30, 30)
    assert (sets.assessed, sets.passed, sets.completed, sets.excellent) == (30, 29, 29, 16)
    assert rates.share(sets, Rate.PASS).gap(0.98) == 1
    assert rates.share(sets, Rate.PARTICIPATION).gap(1.0) == 1


async def makes_up(term: Term) -> None:
    """January: the two who are left are given time, and are told of nothing else."""
    stage = term.stage
    until = date(2027, 1, 15)
    await stage.database.write(
        completion.give_make_up, term.county_id, term.batch_id, until, now=stage.clock()
    )
    two = term.those("考未")
    await term.week(moment(1, 8, 18, year=2027), makeup=two)
    await term.week(
        moment(1, 12, 18, year=2027),
        makeup=two,
        coordinators={"makeup": term.leads(4, "丙丁")},
    )
    await term.week(moment(1, 18, 9, year=2027), makeup=two)
    await term.imports(10)
    for name, score in (("考丙03", 72.0), ("未丁01", 66.0)):
        await stage.database.write(
            _marks, term.batch_id, term.county_id, name, score, stage.clock()
        )
    done = await stage.database.write(
        completion.confirm, term.county_id, term.batch_id, now=stage.clock()
    )
    assert done.counts == {RegistrationState.COMPLETED: 2}
    sets = rates.together(
        await stage.database.read(rates.by_unit, term.batch_id, now=stage.clock())
    )
    assert (sets.due, sets.participating, sets.passed, sets.completed) == (31, 31, 31, 31)
    assert rates.share(sets, Rate.PASS).reaches(0.98)
    posted = await stage.database.write(
        posting.post, term.county_id, term.batch_id, now=stage.clock()
    )
    assert (posted.people, posted.hours) == (31, Decimal(31 * 50))
    await term.week(moment(1, 29, 18, year=2027))
    late = term.people["未丁01"].actor
    assert "50" in await late.says("/hours")
    found = await stage.database.read(
        surveys.satisfaction, term.county_id, term.batch_id, now=stage.clock()
    )
    assert (found.answers, found.content) == (12, 4.0)


async def _answer_survey(term: Term) -> set[str]:
    """Twelve answer: one with three taps, and the others the same."""
    some = sorted(term.those("勤"))[:12]
    first = term.people[some[0]].actor
    await first.starts(f"study{term.batch_id}")
    await first.taps("Three questions")
    for _question in range(3):
        await first.taps("4")
    for name in some[1:]:
        await term.stage.database.write(
            surveys.answer,
            term.people[name].teacher_id,
            term.batch_id,
            content=4,
            usefulness=4,
            support=5,
            now=term.stage.clock(),
        )
    return set(some)


def _marks(
    session: Session, batch_id: int, actor_id: int, name: str, score: float, now: datetime
) -> None:
    who = _registration(session, batch_id, name)
    results.enter(session, actor_id, who, results.Mark(score), now=now)


def _wrong(session: Session) -> list[str]:
    """What was sent in quiet time, or as a second brief of a day."""
    calendar = workdays.load(session)
    briefs: Counter[tuple[int | None, date]] = Counter()
    found = []
    for row in session.exec(
        select(OutboxMessage).where(
            OutboxMessage.state == OutboxState.SENT, col(OutboxMessage.rings)
        )
    ).all():
        assert row.sent_at
        if not quiet.may_push(calendar, row.sent_at):
            found.append(f"{row.kind} at {row.sent_at}")
        if row.kind == outbox.BRIEF:
            briefs[row.account_id, local_day(row.sent_at, SHANGHAI)] += 1
    return found + [f"{who}: {n} briefs on {day}" for (who, day), n in briefs.items() if n > 1]


def _exempts(session: Session, batch_id: int, actor_id: int, name: str, *, now: datetime) -> None:
    who = _registration(session, batch_id, name)
    approving.exempt(session, actor_id, [who], "病假超过半程", now=now)


def _registration(session: Session, batch_id: int, name: str) -> int:
    return session.exec(
        select(Registration.id)
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .where(Registration.batch_id == batch_id, Teacher.name == name)
    ).one()
