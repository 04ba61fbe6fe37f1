"""``python -m tests.soak.year``: a whole school year of the sample county, in minutes.

The product runs as it is against the sandbox, in one process, with a clock that jumps from one
event to the next. Teachers register, change their minds and finish at random. Afterwards every
message is looked at again: nobody was rung more often than the budget allows, nobody in quiet
hours, nobody after it was done, and everybody who owed something was told in time. The year's
messages are written as a calendar that can be read.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import random
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from rich.console import Console
from sqlmodel import Session, col, select

from bot.pacer import Pacer
from bot.sandbox.stage import load_county, people_the
from storage import kinds, migrations
from storage.calendar import workdays
from storage.database import Database
from storage.messaging import quiet, reminders
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    Level,
    OutboxMessage,
    OutboxState,
    Reminder,
    ReminderMute,
    ReminderState,
    StepOutcome,
)
from storage.moments import at, local_day
from storage.people.tables import Account
from storage.refusals import Refusal
from storage.training import registration, tasks, waiting
from storage.training.tables import (
    Batch,
    Enrolment,
    OfferState,
    Programme,
    ProgrammeState,
    Registration,
    RegistrationState,
    SeatOffer,
    Task,
)
from tests.stage import Stage, stage_on

FIRST, LAST = date(2026, 8, 24), date(2027, 8, 31)
LONGEST_JUMP = timedelta(hours=12)
MOMENTS_A_DAY, ACTS_AT_ONCE = 5, 12
WEEKLY = 3
LAST_DAYS = timedelta(days=2)
FAULTY = ("sendMessage", "editMessageText")
TAKES_PART = (RegistrationState.APPROVED, RegistrationState.ATTENDING)


class Unpaced(Pacer):
    """No pauses: the year's clock is not the machine's."""

    @asynccontextmanager
    async def turn(self, chat_id: int) -> AsyncIterator[None]:
        yield


@dataclass
class Rung:
    """A message that was sent."""

    outbox_id: int
    at: datetime
    kind: str
    account_id: int | None
    teacher_id: int | None
    chat_id: int | None
    priority: int
    rings: bool


@dataclass
class Year:
    """What is noted on the way, to be looked at in the end."""

    stage: Stage
    console: Console
    dice: random.Random
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    owed: dict[int, set[int]] = field(default_factory=dict)
    """Who owed it when a step came due, by the step."""
    looked: set[int] = field(default_factory=set)
    acts: Counter[str] = field(default_factory=Counter)

    async def live(self, last: date) -> None:
        """Let the year pass."""
        stage = self.stage
        ends = at(last, 0, self.zone)
        today = None
        pending: list[datetime] = []
        while stage.clock() < ends:
            now = stage.clock()
            day = local_day(now, self.zone)
            if day != today:
                today = day
                midnight = at(day, 0, self.zone)
                pending = sorted(
                    midnight + timedelta(minutes=self.dice.randint(7 * 60, 22 * 60))
                    for _ in range(MOMENTS_A_DAY)
                )
                if day.day == 1:
                    self.console.print(f"{day:%Y-%m}", end=" ")
            while pending and pending[0] <= now:
                pending.pop(0)
                for _ in range(ACTS_AT_ONCE):
                    await self._act()
            # Last before the sweep: whoever has just withdrawn owes nothing any more.
            await stage.database.read(self._note_owing, now)
            await stage.deliver()
            following = await stage.database.read(reminders.next_event, now=now)
            soonest = min(
                moment
                for moment in (following, now + LONGEST_JUMP, *pending[:1])
                if moment is not None
            )
            # An hour at a time is fine enough for what people do, a minute for what is due.
            stage.clock.advance(max(soonest - now, timedelta(minutes=1)))
        self.console.print()

    def _note_owing(self, session: Session, now: datetime) -> None:
        """Ask of every step that is due and not swept who owes it, before the sweep does."""
        steps: Sequence[Any] = session.exec(  # type: ignore[call-overload]
            sa.select(
                col(DeadlineStep.id),
                col(Deadline.kind),
                col(Deadline.subject_id),
                col(DeadlineStep.useful_until),
            )
            .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
            .where(
                col(DeadlineStep.outcome).is_(None),
                col(DeadlineStep.due_at) <= now,
                col(DeadlineStep.level) == Level.TEACHER,
                col(Deadline.teacher_id) == 0,
            )
        ).all()
        for step in steps:
            if step.id not in self.looked and step.useful_until > now:
                self.looked.add(step.id)
                owing = kinds.owes(session, step.kind, step.subject_id, now=now)
                self.owed[step.id] = set(session.exec(owing).scalars().all())

    async def _act(self) -> None:
        """Somebody does something."""
        what = self.dice.choices(
            (self._register, self._answer, self._withdraw, self._finish, self._hand_in),
            (6, 4, 1, 3, 3),
        )[0]
        try:
            if await self.stage.database.write(what, self.stage.clock()):
                self.acts[what.__name__.lstrip("_")] += 1
        except Refusal:
            self.acts["refused"] += 1

    def _register(self, session: Session, now: datetime) -> bool:
        batches = session.exec(
            select(Batch.id)
            .join(Programme, col(Programme.id) == col(Batch.programme_id))
            .where(
                Programme.state == ProgrammeState.PUBLISHED,
                col(Programme.enrolment) == Enrolment.OPEN,
                col(Batch.cancelled_at).is_(None),
                sa.or_(col(Batch.reg_open).is_(None), col(Batch.reg_open) <= now),
                sa.or_(col(Batch.reg_close).is_(None), col(Batch.reg_close) > now),
                col(Batch.starts_at) > now,
            )
        ).all()
        people = session.exec(select(Account.teacher_id).where(col(Account.reachable))).all()
        if not batches:
            return False
        who = self.dice.choice([one for one in people if one is not None])
        registration.register(session, who, self.dice.choice(batches), now=now)
        return True

    def _answer(self, session: Session, now: datetime) -> bool:
        offers = session.exec(
            select(SeatOffer.id, Registration.teacher_id)
            .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
            .where(SeatOffer.state == OfferState.OPEN)
        ).all()
        if not offers:
            return False
        offer_id, teacher_id = self.dice.choice(offers)
        answer = waiting.accept if self.dice.random() < 0.7 else waiting.pass_on
        answer(session, teacher_id, offer_id, now=now)
        return True

    def _some(self, session: Session, now: datetime) -> Registration | None:
        found = session.exec(
            select(Registration.id)
            .join(Batch, col(Batch.id) == col(Registration.batch_id))
            .where(col(Registration.state).in_(TAKES_PART), col(Batch.ends_at) > now)
        ).all()
        return session.get(Registration, self.dice.choice(found)) if found else None

    def _withdraw(self, session: Session, now: datetime) -> bool:
        one = self._some(session, now)
        if one is None:
            return False
        registration.withdraw(session, one.teacher_id, one.batch_id, now=now, reason="家中有事")
        return True

    def _finish(self, session: Session, now: datetime) -> bool:
        """Somebody has done all there is to do, as a platform's table would say."""
        one = self._some(session, now)
        batch = session.get(Batch, one.batch_id) if one is not None else None
        if one is None or batch is None or batch.starts_at > now:
            return False
        one.state, one.changed_at = RegistrationState.COMPLETED, now
        session.add(one)
        return True

    def _hand_in(self, session: Session, now: datetime) -> bool:
        rows = session.exec(
            select(Task.id, Registration.teacher_id)
            .join(Registration, col(Registration.batch_id) == col(Task.batch_id))
            .where(col(Registration.state).in_(TAKES_PART), col(Task.due_at) > now)
        ).all()
        if not rows:
            return False
        task_id, teacher_id = self.dice.choice(rows)
        tasks.hand_in(session, teacher_id, task_id, text="已完成", now=now)
        return True


@dataclass
class Findings:
    """What the year came to; ``wrong`` is what must not be."""

    messages: int
    teachers: int
    busiest_day: int
    busiest_week: int
    mean_week: float
    by_kind: Counter[str]
    deadlines: int
    told: int
    wrong: list[str]


def look_back(session: Session, year: Year) -> Findings:
    """Look at every message of the year once more."""
    calendar = workdays.load(session)
    accounts = {one.id: one for one in session.exec(select(Account)).all()}
    rung = [
        Rung(*row)
        for row in session.exec(  # type: ignore[call-overload]
            sa.select(
                col(OutboxMessage.id),
                col(OutboxMessage.sent_at),
                col(OutboxMessage.kind),
                col(OutboxMessage.account_id),
                col(OutboxMessage.teacher_id),
                col(OutboxMessage.chat_id),
                col(OutboxMessage.priority),
                col(OutboxMessage.rings),
            )
            .where(
                col(OutboxMessage.state) == OutboxState.SENT,
                col(OutboxMessage.sent_at).is_not(None),
            )
            .order_by(col(OutboxMessage.sent_at))
        ).all()
    ]
    wrong: list[str] = []
    a_day: Counter[tuple[int, date]] = Counter()
    a_week: Counter[tuple[int, tuple[int, int]]] = Counter()
    routine_week: Counter[tuple[int, tuple[int, int]]] = Counter()
    pressing = _pressing(session)
    for one in rung:
        day = local_day(one.at, calendar.zone)
        if one.account_id is None:
            continue
        account = accounts[one.account_id]
        if not one.rings:
            continue
        hours = quiet.Hours(account.brief_minute, account.quiet_from, account.quiet_until)
        if quiet.opening(one.at, hours, calendar, any_day=True) != one.at:
            wrong.append(f"message {one.outbox_id} ({one.kind}) rang in quiet time: {one.at}")
        week = day.isocalendar()[:2]
        a_week[one.account_id, week] += 1
        if one.kind == "brief":
            a_day[one.account_id, day] += 1
            if one.outbox_id not in pressing:
                routine_week[one.account_id, week] += 1
    wrong += [f"account {who} had {n} briefs on {day}" for (who, day), n in a_day.items() if n > 1]
    wrong += [
        f"account {who} had {n} routine briefs in week {week}"
        for (who, week), n in routine_week.items()
        if n > WEEKLY
    ]
    wrong += _after_done(session)
    told, missed = _announced(session, year)
    wrong += missed
    weeks = len({week for _who, week in a_week}) or 1
    people = len({who for who, _week in a_week}) or 1
    return Findings(
        messages=len(rung),
        teachers=people,
        busiest_day=max(a_day.values(), default=0),
        busiest_week=max(a_week.values(), default=0),
        mean_week=sum(a_week.values()) / (people * weeks),
        by_kind=Counter(one.kind for one in rung),
        deadlines=len(year.owed),
        told=told,
        wrong=wrong,
    )


def _pressing(session: Session) -> set[int]:
    """The briefs that told of something in its last two days, where no weekly limit holds."""
    return set(
        session.exec(
            select(Reminder.outbox_id)
            .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
            .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
            .join(OutboxMessage, col(OutboxMessage.id) == col(Reminder.outbox_id))
            .where(
                col(Reminder.state) == ReminderState.SENT,
                col(Deadline.at) > col(OutboxMessage.sent_at),
            )
            .group_by(col(Reminder.outbox_id))
            .having(sa.func.min(_seconds(session)) <= LAST_DAYS.total_seconds())
        ).all()  # type: ignore[arg-type]
    )


def _seconds(session: Session) -> Any:
    left, right = col(Deadline.at), col(OutboxMessage.sent_at)
    if session.get_bind().dialect.name == "sqlite":
        return (sa.func.julianday(left) - sa.func.julianday(right)) * 86400
    return sa.extract("epoch", left - right)


def _after_done(session: Session) -> list[str]:
    """Who was reminded of something of a class after they had finished or left it."""
    over = (
        RegistrationState.COMPLETED,
        RegistrationState.WITHDRAWN,
        RegistrationState.DECLINED,
        RegistrationState.REJECTED,
    )
    rows = session.exec(
        select(Reminder.id, Deadline.kind, OutboxMessage.sent_at)
        .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
        .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
        .join(OutboxMessage, col(OutboxMessage.id) == col(Reminder.outbox_id))
        .join(
            Registration,
            sa.and_(
                col(Registration.batch_id) == col(Deadline.subject_id),
                col(Registration.teacher_id) == col(Reminder.teacher_id),
            ),
        )
        .where(
            col(Deadline.kind).in_(["batch_start", "remote_start", "remote_end"]),
            col(DeadlineStep.level) == Level.TEACHER,
            col(Reminder.state) == ReminderState.SENT,
            col(Registration.state).in_(over),
            col(Registration.changed_at) < col(OutboxMessage.sent_at),
        )
    ).all()
    return [f"reminder {id_} ({kind}) went out after it was done: {at}" for id_, kind, at in rows]


def _announced(session: Session, year: Year) -> tuple[int, list[str]]:
    """How many were told of what they owed, and who was not, though nothing was in the way."""
    muted = set(session.exec(select(ReminderMute.teacher_id, ReminderMute.deadline_id)).all())
    wrong: list[str] = []
    told = 0
    for step_id, owing in year.owed.items():
        step = session.get_one(DeadlineStep, step_id)
        deadline = session.get_one(Deadline, step.deadline_id)
        states = dict(
            session.exec(
                select(Reminder.teacher_id, Reminder.state).where(Reminder.step_id == step_id)
            ).all()
        )
        told += sum(state is ReminderState.SENT for state in states.values())
        if deadline.state is not DeadlineState.ACTIVE or step.outcome is StepOutcome.SUPERSEDED:
            continue
        missing = {
            who
            for who in owing - states.keys()
            if (who, deadline.id) not in muted and step.outcome is not StepOutcome.STALE
        }
        if missing:
            wrong.append(f"{deadline.kind} {step.name}: {len(missing)} were never to be told")
        left = sum(state is ReminderState.DUE for state in states.values())
        if left and step.useful_until < year.stage.clock() - timedelta(days=4):
            wrong.append(f"{deadline.kind} {step.name}: {left} were still to be told")
    return told, wrong


# --- the calendar ------------------------------------------------------------------------------

STYLE = """body{font:14px/1.5 system-ui,"Noto Sans CJK SC",sans-serif}
body{max-width:70rem;margin:2rem auto}
td,th{border-bottom:1px solid #8884;padding:.3rem .6rem;text-align:left;vertical-align:top}
td:first-child{white-space:nowrap}
pre{white-space:pre-wrap;margin:0;font:inherit;color:#555}h2{margin:2rem 0 .3rem}"""


def written(session: Session, year: Year) -> str:
    """The year's messages: day by day how many of each kind, with one of each as it was read."""
    days: dict[date, Counter[str]] = defaultdict(Counter)
    sample: dict[tuple[date, str], int] = {}
    rows = session.exec(
        select(
            OutboxMessage.kind, OutboxMessage.sent_at, OutboxMessage.message_id, Account.tg_user_id
        )
        .outerjoin(Account, col(Account.id) == col(OutboxMessage.account_id))
        .where(OutboxMessage.state == OutboxState.SENT)
        .order_by(col(OutboxMessage.sent_at))
    ).all()
    texts: dict[tuple[date, str], str] = {}
    for kind, sent_at, message_id, user_id in rows:
        if sent_at is None:
            continue
        day = local_day(sent_at, year.zone)
        days[day][kind] += 1
        if (day, kind) not in sample and user_id is not None and message_id is not None:
            sample[day, kind] = message_id
            texts[day, kind] = _text(year, user_id, message_id)
    parts = [
        f"<!doctype html><meta charset=utf-8><title>一学年的消息</title><style>{STYLE}</style>"
    ]
    month = ""
    for day in sorted(days):
        if f"{day:%Y-%m}" != month:
            if month:
                parts.append("</table>")
            month = f"{day:%Y-%m}"
            parts.append(f"<h2>{month}</h2><table>")
        for kind, number in sorted(days[day].items()):
            text = html.escape(re.sub(r"\n+", "\n", texts.get((day, kind), "")))
            parts.append(
                f"<tr><td>{day:%m-%d}<td>{html.escape(kind)}<td>{number}<td><pre>{text}</pre></tr>"
            )
    return "\n".join([*parts, "</table>"])


def _text(year: Year, user_id: int, message_id: int) -> str:
    for seen in reversed(year.stage.world.seen_by(user_id, user_id)):
        if seen.id == message_id:
            return seen.text
    return "（此卡片之后已被新卡片取代）"


async def run(
    seed: int, faults: float, out: Path | None, console: Console, last: date = LAST
) -> int:
    """Live the year and say what it came to; returns the number of things that are wrong."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'year.sqlite3'}"
        migrations.upgrade(url)
        database = Database(url)
        try:
            start = datetime.combine(FIRST, datetime.min.time(), UTC)
            async with stage_on(database, start, founded=True) as stage:
                stage.office.delivery._pacer = Unpaced(1000)
                people_the(stage.world)
                await load_county(database, stage.world, stage.clock, console)
                if faults:
                    for method in FAULTY:
                        stage.world.faults.add(method, times=None, share=faults)
                year = Year(stage, console, random.Random(seed))
                await year.live(last)
                found = await database.read(look_back, year)
                page = await database.read(written, year)
        finally:
            database.close()
    if out is not None:
        await asyncio.to_thread(out.write_text, page, encoding="utf-8")
    console.print(f"acts: {dict(year.acts)}")
    console.print(f"messages by kind: {dict(found.by_kind.most_common())}")
    console.print(
        f"{found.messages} messages to {found.teachers} people; rings a week: mean "
        f"{found.mean_week:.2f}, most {found.busiest_week}; briefs a day: most {found.busiest_day}"
    )
    console.print(f"{found.deadlines} steps were owed; {found.told} reminders were read")
    for line in found.wrong[:40]:
        console.print(f"[red]wrong:[/] {line}")
    console.print(
        f"{len(found.wrong)} wrong; the year took {time.monotonic() - began:.0f} s of this one"
    )
    return len(found.wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=float, default=0.0, help="share of calls that fail")
    parser.add_argument("--out", type=Path, help="where the calendar is written, as a page")
    parser.add_argument("--until", type=date.fromisoformat, default=LAST, help="its last day")
    given = parser.parse_args()
    wrong = asyncio.run(run(given.seed, given.faults, given.out, Console(), given.until))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
