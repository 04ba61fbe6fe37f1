"""``python -m tests.soak.competition``: a year's competition of the sample county, by phone.

The sample county's KT2027 from September to May, through the product as it is and the sandbox: 120
entries of six tracks, 18 judges and two experts on paper, five rounds. People tap, type and send
files; nobody calls an operation. Afterwards ``tests.soak.competition_proof`` computes everything
once more from what people did, and from nothing that the product has computed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from rich.console import Console
from sqlmodel import Session, col, select

from bot.sandbox import county
from bot.sandbox.stage import load_county, people_the
from handlers.competitions.buttons import (
    OpenEntry,
    OpenJudging,
    OpenRound,
    OpenVenue,
    RunCompetition,
    RunCompetitions,
    ShowCompetition,
)
from handlers.competitions.deciding_buttons import DecideList, OpenAfter, OpenList
from handlers.competitions.entering_buttons import (
    AcceptEntries,
    AnswerForward,
    AnswerMate,
    AskMate,
    ChooseTrack,
    EnterTrack,
    FillSlot,
    OpenEntries,
    OpenFolder,
    OpenHeld,
    OpenReceiving,
    OpenSlot,
    OpenTeam,
    PickEntrant,
    PickMate,
    PutForward,
    ReturnEntry,
    SubmitEntry,
    TitleEntry,
    WithdrawEntry,
)
from handlers.competitions.judging_buttons import (
    AnswerInvitation,
    BeginJudging,
    CommitBallot,
    DrawOrder,
    FindJudge,
    InviteJudge,
    LayTurns,
    MakeChief,
    OpenBallot,
    OpenJudge,
    OpenPanel,
    OpenScores,
    OpenTurns,
    PutTurns,
    RevealMarks,
    SignScores,
    TurnJudging,
)
from handlers.competitions.setup_buttons import (
    AskValue,
    EditWhole,
    GiveValue,
    OpenChange,
    RulesFile,
    RulesOf,
    SettleChange,
    ShowRules,
    VenuesOfRound,
)
from storage import migrations
from storage.competitions.tables import (
    Ballot,
    BallotState,
    CompetingState,
    Competition,
    Entry,
    EntryAuthor,
    EntryRound,
    Judge,
    JudgeState,
    Material,
    Round,
    RoundState,
    RuleChange,
    Track,
    Venue,
    VenueState,
)
from storage.database import Database
from storage.messaging.tables import Deadline, DeadlineState
from storage.people import roles
from storage.people.tables import (
    Account,
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    Teacher,
    TeacherFact,
    TeacherState,
)
from tests import make
from tests.competitions import papers
from tests.soak.phones import Phone, World
from tests.soak.year import Unpaced
from tests.stage import stage_on

CODE = "KT2027"
FIRST = date(2026, 9, 7)
ZONE = ZoneInfo("Asia/Shanghai")
FAULTY = ("sendMessage", "editMessageText", "answerCallbackQuery", "sendDocument")

SIZES: dict[str, dict[str, int]] = {
    "小学语文": {"CH-S06": 12, "CH-S07": 9, "CH-S08": 6, "CH-S09": 5, "CH-S04": 6},
    "小学数学": {"CH-S06": 9, "CH-S07": 8, "CH-S08": 4, "CH-S09": 4, "CH-S04": 4},
    "初中英语": {"CH-S02": 5, "CH-S03": 6, "CH-S04": 4, "CH-S05": 4},
    "初中物理": {"CH-S02": 1, "CH-S03": 6, "CH-S04": 3, "CH-S05": 3},
    "高中数学": {"CH-S01": 8, "CH-S02": 6},
    "学前保教": {"CH-S11": 5, "CH-S12": 2},
}
"""How many enter of each school."""

PANELS: dict[str, tuple[tuple[str, str], ...]] = {
    "小学语文": (("CH-S02", "语文"), ("CH-S03", "语文"), ("CH-S05", "语文")),
    "小学数学": (("CH-S02", "数学"), ("CH-S03", "数学"), ("CH-S05", "数学")),
    "初中英语": (("CH-S01", "英语"), ("CH-S06", "英语"), ("CH-S07", "英语")),
    "初中物理": (("CH-S01", "物理"), ("CH-S01", "物理"), ("CH-S10", "数学")),
    "高中数学": (("CH-S03", "数学"), ("CH-S04", "数学"), ("CH-S10", "数学")),
    "学前保教": (("CH-S06", "语文"), ("CH-S07", "语文"), ("CH-S08", "语文")),
}
"""Where the judges of a track come from: three each, eighteen in all."""

POINTS = (("aims", 20), ("process", 40), ("effect", 25), ("teacher", 15))


HOURS = ("8:00-12:00 @录播室", "14:00-17:00")
"""When the turns of a day are, and where."""


@dataclass
class Entrant:
    """Somebody who enters, and how it goes with them."""

    phone: Phone
    track: str
    unit: str
    story: str = "plain"
    entry_id: int = 0
    mate: Phone | None = None


@dataclass
class Paper:
    """What an expert from outside has written down."""

    judge_id: int
    number: str
    marks: tuple[int, ...]


@dataclass
class Typed:
    """What people did, as the proof knows it: noted when they did it, from nothing kept."""

    marks: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)
    """By judge and entry, their last points before they handed in."""
    closed_early: set[int] = field(default_factory=set)
    rules: dict[int, bytes] = field(default_factory=dict)
    """The text of a round's rules, as anybody can have it, by the round's place."""


class Season:
    """The competition as it is lived."""

    def __init__(self, world: World, console: Console, dice: random.Random, tracks: int) -> None:
        self.world, self.console, self.dice = world, console, dice
        self.tracks = list(SIZES)[:tracks]
        self.typed = Typed()
        self.phones: dict[int, Phone] = {}
        self.entrants: list[Entrant] = []
        self.judges: dict[str, list[Phone]] = {}
        self.hosts: dict[str, list[Phone]] = {}
        """Of each school those who may run its competitions: two, as paper is typed by two."""
        self.units: dict[str, int] = {}
        self.competition_id = 0
        self.rounds: list[int] = []
        self.track_ids: dict[str, int] = {}
        self.figures: Counter[str] = Counter()

    # -- who plays ---------------------------------------------------------------------------------

    async def casts(self) -> None:
        """Find the people, and give phones to those of them who have none yet."""
        people = await self.world.write(self._cast)
        for teacher_id, name, user_id in people:
            self.world.stage.world.people[user_id].started = True
            self.phones[teacher_id] = Phone(self.world, user_id, teacher_id, name)
        self.entrants = [
            Entrant(self.phones[teacher_id], track, unit)
            for teacher_id, track, unit in self._entering
        ]
        self.judges = {
            track: [self.phones[one] for one in ids] for track, ids in self._judging.items()
        }
        self.hosts = {
            unit: [self.phones[one] for one in ids] for unit, ids in self._hosting.items()
        }
        stories = {
            "put_forward": 7,
            "named": 11,
            "returned": 13,
            "mate": 17,
            "late": 19,
            "withdrawn": 29,
        }
        for n, entrant in enumerate(self.entrants):
            for story, each in stories.items():
                if n % each == each - 1:
                    entrant.story = story

    def _cast(self, session: Session) -> list[tuple[int, str, int]]:
        now = self.world.now
        competition = session.exec(select(Competition).where(Competition.code == CODE)).one()
        self.competition_id = competition.id
        self.rounds = list(
            session.exec(
                select(Round.id)
                .where(Round.competition_id == competition.id)
                .order_by(col(Round.position))
            ).all()
        )
        self.track_ids = dict(
            session.exec(
                select(Track.title, Track.id).where(Track.competition_id == competition.id)
            ).all()
        )
        self.units = dict(session.exec(select(OrgUnit.code, OrgUnit.id)).all())
        facts: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for teacher_id, key, value in session.exec(
            select(TeacherFact.teacher_id, TeacherFact.key, TeacherFact.value)
        ).all():
            facts[teacher_id][key].add(value)
        busy = set(session.exec(select(RoleAssignment.teacher_id)).all())
        of_unit: dict[int, list[int]] = defaultdict(list)
        for teacher_id, unit_id in session.exec(
            select(Teacher.id, Posting.unit_id)
            .join(Posting, col(Posting.teacher_id) == col(Teacher.id))
            .join(Account, col(Account.teacher_id) == col(Teacher.id))
            .where(
                col(Posting.is_primary),
                col(Posting.until).is_(None),
                Teacher.state == TeacherState.ACTIVE,
                col(Account.reachable),
            )
            .order_by(col(Teacher.staff_no))
        ).all():
            if teacher_id not in busy:
                of_unit[unit_id].append(teacher_id)
        taken: set[int] = set()

        def some(unit: str, subject: str, stage: str, number: int) -> list[int]:
            found = [
                one
                for one in of_unit[self.units[unit]]
                if one not in taken
                and subject in facts[one]["subject"]
                and (not stage or stage in facts[one]["stage"])
            ][:number]
            assert len(found) == number, (unit, subject, stage, number, len(found))
            taken.update(found)
            return found

        tracks = {each.title: each for each in session.exec(select(Track)).all()}
        self._judging = {
            track: [some(unit, subject, "", 1)[0] for unit, subject in PANELS[track]]
            for track in self.tracks
        }
        self._entering = [
            (one, track, unit)
            for track in self.tracks
            for unit, number in SIZES[track].items()
            for one in some(unit, tracks[track].subject, tracks[track].stage, number)
        ]
        self._mates = {
            unit: some(unit, subject, "", 3)
            for unit, subject in (("CH-S06", "语文"), ("CH-S07", "数学"), ("CH-S03", "英语"))
        }
        self._hosting = {}
        by_unit: dict[int, list[int]] = defaultdict(list)
        for teacher_id, scope_id in session.exec(
            select(RoleAssignment.teacher_id, RoleAssignment.scope_id)
            .where(
                col(RoleAssignment.role).in_([Role.SCHOOL_COORDINATOR, Role.PRINCIPAL]),
            )
            .order_by(col(RoleAssignment.role).desc())
        ).all():
            by_unit[scope_id].append(teacher_id)
        self._hosting = {code: by_unit[id_] for code, id_ in self.units.items() if by_unit[id_]}
        # A change of the rules is confirmed by a second organiser, paper read by a second pair
        # of eyes.
        gu, liang = (
            session.exec(select(Teacher.id).where(Teacher.staff_no == no)).one()
            for no in ("CHDC0001", "CHRO0001")
        )
        roles.appoint(
            session,
            liang,
            Role.COUNTY_COORDINATOR,
            self.units["CH"],
            today=now.astimezone(ZONE).date(),
            now=now,
        )
        self._hosting["CH-RO"] = [gu, liang]
        playing = {
            *(one for one, _track, _unit in self._entering),
            *(one for ids in self._judging.values() for one in ids),
            *(one for ids in self._hosting.values() for one in ids),
            *(one for ids in self._mates.values() for one in ids),
        }
        numbers = {each.staff_no: each.telegram_id for each in county.people_for_sandbox()}
        rows = session.exec(
            select(Teacher.id, Teacher.name, Teacher.staff_no).where(col(Teacher.id).in_(playing))
        ).all()
        linked = {
            one.teacher_id: one
            for one in session.exec(
                select(Account).where(col(Account.teacher_id).in_(playing))
            ).all()
        }
        for teacher_id, _name, staff_no in rows:
            if teacher_id not in linked:
                make.account(
                    session,
                    teacher_id,
                    tg_user_id=numbers[staff_no],
                    started_at=now,
                    linked_at=now,
                    consent_at=now,
                )
            linked_one = linked.get(teacher_id)
            if linked_one is not None:
                linked_one.reachable, linked_one.unreachable_since = True, None
        session.flush()
        return [(teacher_id, name, numbers[staff_no]) for teacher_id, name, staff_no in rows]

    # -- what many do ------------------------------------------------------------------------------

    def at(self, month: int, day: int, hour: int = 9, minute: int = 0) -> datetime:
        """A moment of this school year, in the county's time."""
        year = 2026 if month >= 8 else 2027
        return datetime(year, month, day, hour, minute, tzinfo=ZONE).astimezone(UTC)

    async def to(self, month: int, day: int, hour: int = 9, minute: int = 0) -> None:
        """Let time pass to this moment."""
        await self.world.until(self.at(month, day, hour, minute))

    async def soon(self, minutes: int = 1) -> None:
        """Let a few minutes pass, and what is due go out."""
        await self.world.until(self.world.now + timedelta(minutes=minutes))

    def say(self, text: str) -> None:
        local = self.world.now.astimezone(ZONE)
        self.console.print(f"{local:%Y-%m-%d} {text}")

    def desk(self, position: int, venue_id: int) -> tuple[Any, ...]:
        """The way from the desk to a venue."""
        return (
            "/desk",
            RunCompetitions,
            RunCompetition(self.competition_id),
            OpenRound(self.rounds[position - 1]),
            OpenVenue(venue_id),
        )

    async def at_venue(
        self,
        host: Phone,
        position: int,
        venue_id: int,
        *steps: Any,
        done: Callable[[Session], bool] | None = None,
    ) -> None:
        """Go to the desk of a venue and do something there."""
        await host.does(*self.desk(position, venue_id), *steps, done=done, pages=VenuesOfRound)

    # -- before it begins --------------------------------------------------------------------------

    async def prepares(self) -> None:
        """Two organisers let two people make an entry together; everybody can have the rules."""
        gu, liang = self.hosts["CH-RO"]
        c = self.competition_id
        await self.to(9, 8)
        await gu.does(
            "/desk",
            RunCompetitions,
            RunCompetition(c),
            EditWhole(c),
            AskValue(c, 0, "team"),
            GiveValue(c, 0, "team", "2"),
            "鼓励同组教师合作备课",
            done=lambda session: session.exec(select(RuleChange.id)).first() is not None,
        )
        await liang.does(
            "/desk",
            RunCompetitions,
            RunCompetition(c),
            OpenChange,
            SettleChange(1, 1),
            done=lambda session: session.get_one(Competition, c).team_most == 2,
        )
        await self.soon()
        await self.fetches_rules(self.entrants[0].phone)
        self.say("the rules were changed by two, and read by a teacher")

    async def fetches_rules(self, who: Phone) -> None:
        """Somebody asks for the text of each round's rules."""
        c = self.competition_id
        for position, round_id in enumerate(self.rounds, 1):
            before = len(who.files())
            await who.does(
                "/competitions",
                ShowCompetition(c),
                RulesOf(c),
                ShowRules(round_id),
                RulesFile(round_id),
                done=lambda _session, before=before: len(who.files()) > before,  # type: ignore[misc]
            )
            self.typed.rules[position] = who.files()[-1][1]

    # -- entering ----------------------------------------------------------------------------------

    async def enters(self) -> None:
        """A month in which people enter, some of them on the last day."""
        await self.to(9, 14, 8, 5)
        days = [(9, 15), (9, 16), (9, 18), (9, 21), (9, 22), (9, 24), (9, 28), (9, 29), (9, 30)]
        of_day = defaultdict(list)
        for n, entrant in enumerate(self.entrants):
            of_day[(10, 9) if entrant.story == "late" else days[n % len(days)]].append(entrant)
        for day in days:
            await self.to(*day, 16, 40)
            for entrant in of_day[day]:
                await self.begins(entrant)
            await self.soon()
            for entrant in of_day[day]:
                await self.prepares_entry(entrant)
                await self.submits(entrant)
        self.say(f"{self.figures['submitted']} entries are in")
        await self.to(10, 8, 10)
        await self.receives()
        await self.soon(11)
        await self.mends()
        await self.to(10, 9, 15)
        for entrant in of_day[10, 9]:
            await self.begins(entrant)
            await self.prepares_entry(entrant)
            await self.submits(entrant)
        await self.to(10, 9, 17)
        await self.receives()
        await self.soon(15)
        self.say(f"{self.figures['submitted']} entries are in, accepted by their schools")

    async def begins(self, entrant: Entrant) -> None:
        """Enter oneself, or be put forward by the school and say yes."""
        c, track_id = self.competition_id, self.track_ids[entrant.track]
        phone = entrant.phone

        def there(session: Session) -> bool:
            found = session.exec(
                select(Entry.id).where(
                    Entry.competition_id == c,
                    Entry.teacher_id == phone.teacher_id,
                    Entry.state != CompetingState.WITHDRAWN,
                )
            ).first()
            entrant.entry_id = found or 0
            return found is not None

        if entrant.story == "put_forward":
            host = self.hosts[entrant.unit][0]
            pick = PickEntrant(c, track_id, 0, phone.teacher_id)
            await host.does("/competitions", ShowCompetition(c), PutForward(c))
            if host.shows(PutForward(c, track_id)):
                await host.taps(PutForward(c, track_id))
            page = 0
            while not host.shows(pick):
                page += 1
                await host.taps(PutForward(c, track_id, page))
                pick = PickEntrant(c, track_id, page, phone.teacher_id)
            await host.does(pick, done=there)
            await self.soon()
            await phone.does(
                AnswerForward(entrant.entry_id, 1),
                done=lambda session: session.get_one(Entry, entrant.entry_id).agreed_at is not None,
            )
            self.figures["put forward"] += 1
            return
        await phone.does("/competitions", ShowCompetition(c))
        if phone.shows(ChooseTrack(c)):
            await phone.taps(ChooseTrack(c))
        await phone.does(EnterTrack(c, track_id), done=there)

    async def prepares_entry(self, entrant: Entrant) -> None:
        """A title, and what is to be handed in; some with a colleague, some with a name in it."""
        phone, e = entrant.phone, entrant.entry_id
        title = f"《{self.dice.choice('春夏秋冬山水云月')}》"
        await phone.does(
            "/competitions",
            OpenEntry(e),
            TitleEntry(e),
            title,
            done=lambda session: session.get_one(Entry, e).title == title,
        )
        if entrant.story == "mate":
            await self.asks_mate(entrant)
        if entrant.story == "named":
            await self.hands_in(entrant, 1, 0, f"执教：{phone.name}")
            assert phone.name in phone.sees, phone.sees
            self.figures["names found"] += 1
        await self.hands_in(entrant, 1, 0)

    async def asks_mate(self, entrant: Entrant) -> None:
        """Ask a colleague to make it together; they say yes."""
        phone, e = entrant.phone, entrant.entry_id
        free = next((ids for ids in self._mates.values() if ids), None)
        if free is None:
            return
        mate = self.phones[free.pop()]
        await phone.does(
            "/competitions", OpenEntry(e), OpenTeam(e), AskMate(e), mate.name,
            PickMate(e, mate.teacher_id),
        )  # fmt: skip
        await self.soon()
        await mate.does(
            AnswerMate(e, 1),
            done=lambda session: (
                session.exec(select(EntryAuthor.id).where(EntryAuthor.entry_id == e)).first()
                is not None
            ),
        )
        entrant.mate = mate
        self.figures["team mates"] += 1

    async def hands_in(self, entrant: Entrant, position: int, slot: int, text: str = "") -> None:
        """Send a file as a piece of work; ``text`` is what stands in it."""
        phone, e, r = entrant.phone, entrant.entry_id, self.rounds[position - 1]
        body = text or f"第{self.dice.randint(1, 9999)}课时 教学过程"
        name, content = ("教学设计.docx", papers.docx(body))
        if slot == 1:
            name, content = ("课件.pptx", papers.pptx(body))

        def there(session: Session) -> bool:
            return (
                session.exec(
                    select(sa.func.count())
                    .select_from(Material)
                    .where(Material.entry_id == e, Material.round_id == r)
                ).one()
                > before
            )

        before = await self.world.read(
            lambda session: session.exec(
                select(sa.func.count())
                .select_from(Material)
                .where(Material.entry_id == e, Material.round_id == r)
            ).one()
        )
        await phone.does(
            "/competitions",
            OpenEntry(e),
            OpenFolder(e, r),
            OpenSlot(e, r, slot),
            FillSlot(e, r, slot),
            (name, content),
            done=there,
        )
        self.figures["files"] += 1

    async def submits(self, entrant: Entrant) -> None:
        """Hand the entry in."""
        e = entrant.entry_id
        await entrant.phone.does(
            "/competitions",
            OpenEntry(e),
            SubmitEntry(e),
            done=lambda session: session.get_one(Entry, e).state is CompetingState.SUBMITTED,
        )
        self.figures["submitted"] += 1

    async def receives(self) -> None:
        """Each school looks at what came: some comes back to be mended, the rest is accepted."""
        for unit, hosts in self.hosts.items():
            waiting = await self.world.read(self._waiting, self.units[unit])
            for venue_id, entries in waiting.items():
                for entrant in self.entrants:
                    if entrant.entry_id in entries and entrant.story == "returned":
                        await self.returns(hosts[0], venue_id, entrant)
                await hosts[0].does("/desk", OpenReceiving)
                if hosts[0].shows(OpenEntries(venue_id)):
                    await hosts[0].taps(OpenEntries(venue_id))
                await hosts[0].does(
                    AcceptEntries(venue_id),
                    AcceptEntries(venue_id, 1),
                    done=lambda session, v=venue_id, u=self.units[unit]: (  # type: ignore[misc]
                        v not in self._waiting(session, u)
                    ),
                )

    async def returns(self, host: Phone, venue_id: int, entrant: Entrant) -> None:
        """Return an entry with a reason."""
        e = entrant.entry_id
        await host.does("/desk", OpenReceiving)
        if host.shows(OpenEntries(venue_id)):
            await host.taps(OpenEntries(venue_id))
        await host.does(
            OpenHeld(e),
            ReturnEntry(e),
            "请补充教学反思",
            done=lambda session: session.get_one(Entry, e).state is CompetingState.RETURNED,
            pages=OpenEntries,
        )
        self.figures["returned"] += 1

    def _waiting(self, session: Session, unit_id: int) -> dict[int, list[int]]:
        """The entries that wait at the venues of a school's first round."""
        rows = session.exec(
            select(Venue.id, Entry.id)
            .join(
                Entry,
                sa.and_(
                    col(Entry.track_id) == col(Venue.track_id),
                    col(Entry.unit_id) == col(Venue.unit_id),
                ),
            )
            .where(
                Venue.unit_id == unit_id,
                Venue.round_id == self.rounds[0],
                Entry.state == CompetingState.SUBMITTED,
            )
        ).all()
        found: dict[int, list[int]] = defaultdict(list)
        for venue_id, entry_id in rows:
            found[venue_id].append(entry_id)
        return found

    async def mends(self) -> None:
        """What came back is completed and handed in again; somebody thinks better of it."""
        for entrant in self.entrants:
            state = await self.world.read(
                lambda session, e=entrant.entry_id: (  # type: ignore[misc]
                    session.get_one(Entry, e).state if e else None
                )
            )
            if state is CompetingState.RETURNED:
                entrant.story = "mended"
                await self.hands_in(entrant, 1, 0, "教学反思")
                await self.submits(entrant)
                self.figures["submitted"] -= 1
            elif entrant.story == "withdrawn" and state is CompetingState.COMPETING:
                e = entrant.entry_id
                await entrant.phone.does(
                    "/competitions",
                    OpenEntry(e),
                    WithdrawEntry(e),
                    "家中有事",
                    done=lambda session, e=e: (  # type: ignore[misc]
                        session.get_one(Entry, e).state is CompetingState.WITHDRAWN
                    ),
                )
                self.figures["withdrawn"] += 1

    # -- a round -----------------------------------------------------------------------------------

    def _venues(self, session: Session, position: int) -> list[tuple[int, str, str, int]]:
        """The venues of a round with entries: id, code of the unit, track, how many."""
        return [
            (venue_id, code, track, number)
            for venue_id, code, track, number in session.exec(
                select(Venue.id, OrgUnit.code, Track.title, sa.func.count(col(EntryRound.id)))
                .join(OrgUnit, col(OrgUnit.id) == col(Venue.unit_id))
                .join(Track, col(Track.id) == col(Venue.track_id))
                .join(EntryRound, col(EntryRound.venue_id) == col(Venue.id))
                .where(Venue.round_id == self.rounds[position - 1])
                .group_by(col(Venue.id), col(OrgUnit.code), col(Track.title))
                .order_by(col(Venue.id))
            ).all()
        ]

    async def holds(self, position: int, days: Sequence[tuple[int, int]], minutes: int) -> None:
        """Hold a round: its venues one after the other, on these days."""
        venues = await self.world.read(self._venues, position)
        for n, (venue_id, unit, track, number) in enumerate(venues):
            await self.to(*days[n * len(days) // len(venues)], 9)
            await self.opens(position, venue_id, unit, track)
            await self.judges_all(position, venue_id, unit, track)
            self.figures[f"entries of round {position}"] += number
        self.say(f"round {position}: {len(venues)} venues, {minutes} minutes each")

    async def opens(self, position: int, venue_id: int, unit: str, track: str) -> None:
        """Draw, lay out the turns, ask the judges, and let them begin."""
        host = self.hosts[unit][0]
        await self.at_venue(
            host, position, venue_id, DrawOrder(venue_id), DrawOrder(venue_id, 1),
            done=lambda session: session.get_one(Venue, venue_id).state is VenueState.DRAWN,
        )  # fmt: skip
        when = self.world.now.astimezone(ZONE) + timedelta(days=1)
        await self.at_venue(
            host, position, venue_id, OpenTurns(venue_id), LayTurns(venue_id),
            LayTurns(venue_id, 20),
            "\n".join(f"{when.month}月{when.day}日 {span}" for span in HOURS),
            PutTurns,
            done=lambda session: session.get_one(Venue, venue_id).place == "录播室",
        )  # fmt: skip
        for judge in self.judges[track]:
            await self.at_venue(
                host, position, venue_id, OpenPanel(venue_id), FindJudge(venue_id), judge.name,
                InviteJudge(venue_id, judge.teacher_id), InviteJudge(venue_id, judge.teacher_id, 1),
                done=lambda session, judge=judge: (  # type: ignore[misc]
                    self._judge(session, venue_id, judge) is not None
                ),
            )  # fmt: skip
        await self.soon()
        for judge in self.judges[track]:
            judge_id = await self.world.read(self._judge, venue_id, judge)
            assert judge_id is not None
            await judge.does(
                AnswerInvitation(judge_id, 1),
                done=lambda session, judge_id=judge_id: (  # type: ignore[misc]
                    session.get_one(Judge, judge_id).state is JudgeState.ACCEPTED
                ),
            )
        leads = await self.world.read(self._judge, venue_id, self.judges[track][0])
        assert leads is not None
        await self.at_venue(
            host, position, venue_id, OpenPanel(venue_id), OpenJudge(venue_id, leads),
            MakeChief(venue_id, leads),
            done=lambda session: session.get_one(Judge, leads).is_chief,
        )  # fmt: skip
        await self.at_venue(
            host, position, venue_id, BeginJudging(venue_id), BeginJudging(venue_id, 1),
            done=lambda session: session.get_one(Venue, venue_id).state is VenueState.JUDGING,
        )  # fmt: skip

    def _judge(self, session: Session, venue_id: int, who: Phone) -> int | None:
        return session.exec(
            select(Judge.id).where(Judge.venue_id == venue_id, Judge.teacher_id == who.teacher_id)
        ).first()

    async def judges_all(self, position: int, venue_id: int, unit: str, track: str) -> None:
        """The judges mark, the marks are revealed, signed, and the list decided."""
        await self.soon(60 * 24)
        for judge in self.judges[track]:
            await self.marks(judge, venue_id)
        host, chief = self.hosts[unit][0], self.judges[track][0]
        await self.at_venue(
            host, position, venue_id, RevealMarks(venue_id), RevealMarks(venue_id, 1),
            done=lambda session: session.get_one(Venue, venue_id).revealed_at is not None,
        )  # fmt: skip
        await chief.does(
            "/judging", OpenJudging(venue_id), OpenScores(venue_id), SignScores(venue_id),
            SignScores(venue_id, 1),
            done=lambda session: session.get_one(Venue, venue_id).signed_at is not None,
        )  # fmt: skip
        await host.does(
            "/desk", OpenAfter, OpenList(venue_id), DecideList, DecideList,
            done=lambda session: session.get_one(Venue, venue_id).decided_at is not None,
            pages=OpenAfter,
        )  # fmt: skip
        await self.soon(12)

    async def marks(self, judge: Phone, venue_id: int) -> None:
        """A judge marks every entry of a venue and hands each ballot in."""
        judge_id = await self.world.read(self._judge, venue_id, judge)
        assert judge_id is not None
        for ballot_id, entry_id in await self.world.read(self._open, judge_id):
            given = self.points(entry_id)
            await judge.does(
                "/judging", OpenJudging(venue_id), OpenBallot(ballot_id),
                " ".join(map(str, given)), CommitBallot(ballot_id), CommitBallot(ballot_id, 1),
                done=lambda session, b=ballot_id: (  # type: ignore[misc]
                    session.get_one(Ballot, b).state is BallotState.COMMITTED
                ),
                pages=TurnJudging,
            )  # fmt: skip
            self.typed.marks[judge_id, entry_id] = given
            self.figures["ballots"] += 1

    def points(self, entry_id: int) -> tuple[int, ...]:
        """Points as judges give them: few different ones, so that there are equals."""
        return tuple(most - 2 * self.dice.randint(0, 3) for _key, most in POINTS)

    def _open(self, session: Session, judge_id: int) -> list[tuple[int, int]]:
        return list(
            session.exec(
                select(Ballot.id, EntryRound.entry_id)
                .join(EntryRound, col(EntryRound.id) == col(Ballot.entry_round_id))
                .where(
                    Ballot.judge_id == judge_id,
                    Ballot.state == BallotState.OPEN,
                    EntryRound.state == RoundState.SCHEDULED,
                )
                .order_by(col(EntryRound.order_no))
            ).all()
        )

    async def lives(self) -> None:
        """From September to May."""
        await self.casts()
        await self.prepares()
        await self.enters()
        await self.holds(
            1, [(10, 12), (10, 13), (10, 15), (10, 19), (10, 21), (10, 23), (10, 27)], 20
        )
        await self.to(11, 2, 9)
        await self.holds(2, [(11, 9), (11, 11), (11, 13), (11, 17), (11, 19), (11, 23)], 40)


def alone(session: Session) -> None:
    """Let the county's other deadlines rest, so that a look at the competition takes less time."""
    session.exec(
        sa.update(Deadline)
        .where(
            col(Deadline.kind).not_in(
                [
                    "entry_close",
                    "material_due",
                    "round_day",
                    "result_due",
                    "forward_due",
                    "publicity",
                    "external_close",
                ]
            )
        )
        .values(state=DeadlineState.CANCELLED)
    )


async def run(seed: int, faults: float, console: Console, tracks: int, is_alone: bool) -> int:
    """Live the season and prove it; returns the number of things that are wrong."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'season.sqlite3'}"
        migrations.upgrade(url)
        database = Database(url)
        try:
            start = datetime.combine(FIRST, datetime.min.time(), UTC)
            async with stage_on(database, start, founded=True) as stage:
                stage.office.delivery._pacer = Unpaced(1000)
                people_the(stage.world)
                await load_county(database, stage.world, stage.clock, console)
                if is_alone:
                    await database.write(alone)
                for method in FAULTY if faults else ():
                    stage.world.faults.add(method, times=None, share=faults)
                world = World(stage, faults=bool(faults))
                season = Season(world, console, random.Random(seed), tracks)
                await season.lives()
        finally:
            database.close()
    console.print(dict(season.figures), dict(world.counts))
    console.print(f"{time.monotonic() - began:.0f} s")
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=float, default=0.0, help="share of calls that fail")
    parser.add_argument("--tracks", type=int, default=len(SIZES), help="so many tracks")
    parser.add_argument(
        "--alone", action="store_true", help="without the county's other reminders, for a look"
    )
    given = parser.parse_args()
    wrong = asyncio.run(run(given.seed, given.faults, Console(), given.tracks, given.alone))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
