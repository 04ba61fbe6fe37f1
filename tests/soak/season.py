"""A year's competition of the sample county as its people live it, by phone.

People tap, type and send files; nobody calls an operation. What they did is noted when they do
it, for the proof: from nothing that the product keeps.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from rich.console import Console
from sqlmodel import Session, col, select

from bot.sandbox import county
from handlers.competitions.buttons import (
    OpenEntry,
    OpenJudging,
    OpenRound,
    OpenVenue,
    RunCompetition,
    RunCompetitions,
    ShowCompetition,
)
from handlers.competitions.deciding_buttons import (
    AwardCertificate,
    ChooseNominee,
    ChooseToPassOver,
    CompetitionLists,
    ConfirmCorrection,
    ConfirmPassOver,
    ConfirmRound,
    DecideList,
    ForwardAll,
    NoAward,
    Nominate,
    ObjectTo,
    OpenAfter,
    OpenAward,
    OpenList,
    OpenLists,
    OpenObjection,
    OpenOutside,
    OpenProposals,
    OpenReport,
    OutcomeOf,
    OutsideSheet,
    PassOver,
    PushList,
    PutUpList,
    ReportSheet,
    SettleObjection,
    SettleProposal,
    ShareWork,
    ShowPublicList,
    SubmitObjection,
)
from handlers.competitions.entering_buttons import (
    AcceptEntries,
    AnswerForward,
    AnswerMate,
    AskMate,
    BringAlong,
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
    PublishEntry,
    PutForward,
    ReturnEntry,
    SubmitEntry,
    TitleEntry,
    WithdrawEntry,
)
from handlers.competitions.judging_buttons import (
    AddExpert,
    AnswerInvitation,
    BeginJudging,
    ChaseBallots,
    CloseEarly,
    CommentBallot,
    CommitBallot,
    DrawOrder,
    FindJudge,
    InviteJudge,
    LayTurns,
    MakeChief,
    NoteAbsent,
    OpenBallot,
    OpenInvitation,
    OpenJudge,
    OpenPanel,
    OpenPaper,
    OpenScores,
    OpenTurn,
    OpenTurns,
    PutTurns,
    RecuseBallot,
    RevealMarks,
    SendSheet,
    ShowProof,
    SignScores,
    TurnJudging,
    TypePaper,
)
from handlers.competitions.setup_buttons import (
    ArchiveCompetition,
    AskValue,
    EditWhole,
    FinishCompetition,
    GiveValue,
    MoreOfCompetition,
    OpenChange,
    RulesFile,
    RulesOf,
    SettleChange,
    ShowRules,
    VenuesOfRound,
)
from storage import sheets
from storage.competitions.tables import (
    Ballot,
    BallotState,
    CompetingState,
    Competition,
    CompetitionState,
    Conflict,
    ConflictKind,
    Entry,
    EntryAuthor,
    EntryRound,
    Honour,
    Judge,
    JudgeState,
    Material,
    Objection,
    ObjectionState,
    Round,
    RoundState,
    RuleChange,
    TierProposal,
    TierProposalState,
    Track,
    Venue,
    VenueState,
)
from storage.deeds import Deed
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
from tests.soak.phones import Maybe, Phone, World

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


EXPERT = "周远山"
ABSENT = {(1, "CH-S08", "小学语文"), (1, "CH-S01", "高中数学"), (3, "CH-RO", "初中英语")}
LATE = {(1, "CH-S08", "小学语文"), (1, "CH-S05", "初中物理"), (2, "CH-S01", "高中数学")}
RECUSED = {(1, "CH-S07", "小学语文")}
CHASED = {(1, "CH-S09", "小学语文"), (2, "CH-S06", "小学数学")}
PASSED_OVER = ("CH-S07", "小学语文")
FORGOTTEN = ("CH-S04", "小学语文")
HEADED = (1, "CH-S09", "小学语文")
SILENT_JUDGE = (2, "CH-S06", "小学语文")
SLOW_JUDGE = (1, "CH-S04", "小学语文")
"""Where something out of the ordinary happens: round, unit, track."""

SILENT_MATE = 22
"""Whose colleague, asked to make the entry together, never answers: by the order of entering."""

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
class Typed:
    """What people did, as the proof knows it: noted when they did it, from nothing kept."""

    marks: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)
    """By judge and entry, their last points before they handed in."""
    conflicts: set[tuple[int, int]] = field(default_factory=set)
    """Who may not judge which entry, besides those of one's own school."""
    passed_over: set[int] = field(default_factory=set)
    listed: set[int] = field(default_factory=set)
    """Places with an award on the list as it first hung."""
    taken_out: set[int] = field(default_factory=set)
    """Places that were taken out upon an objection."""
    promised: dict[int, str] = field(default_factory=dict)
    """What was shown of the seed before the draw, by the venue."""
    titles: dict[int, str] = field(default_factory=dict)
    consents: set[int] = field(default_factory=set)
    """Entries whose title may stand beside the award."""
    report: bytes = b""
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
        self._in_final: set[int] = set()
        self._late: list[tuple[Phone, int]] = []
        self._slow: list[tuple[int, int, str, str]] = []
        self.head: Phone | None = None
        """Of a research group, who runs its venue and has no desk."""
        self.silent: tuple[Phone, int] | None = None
        """Who was asked to make which entry together, and does not answer."""
        self.forgotten = FORGOTTEN

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
        self.entrants[SILENT_MATE].story = "silent"
        self.head = None if self._heading is None else self.phones[self._heading]

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
        self._never = some("CH-S06", "语文", "", 1)[0]
        self._heading = None
        if HEADED[2] in self.tracks:
            self._heading = some(HEADED[1], tracks[HEADED[2]].subject, "", 1)[0]
            session.add(TeacherFact(teacher_id=self._heading, key="duty", value="group_head"))
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
            self._never,
            *([] if self._heading is None else [self._heading]),
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

    def host(self, position: int, unit: str, track: str) -> Phone:
        """Who holds a venue: whoever is named for it, or of the unit."""
        if self.head is not None and (position, unit, track) == HEADED:
            return self.head
        return self.hosts[unit][0]

    def desk(self, host: Phone, position: int, venue_id: int) -> tuple[Any, ...]:
        """The way to a venue: from the desk, or from the home card of who has none."""
        return (
            "/menu" if host is self.head else "/desk",
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
        way = self.desk(host, position, venue_id)
        await host.does(*way, *steps, done=done, pages=VenuesOfRound, way=len(way))

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
                await self.consents(entrant)
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
            await self.consents(entrant)
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
            before, after = f"{PickEntrant.tag}:{c}:{track_id}:", f":{phone.teacher_id}"
            await host.does(
                "/competitions", ShowCompetition(c), PutForward(c), Maybe(PutForward(c, track_id)),
                lambda data: data.startswith(before) and data.endswith(after),
                done=there, pages=PutForward,
            )  # fmt: skip
            await phone.awaits(AnswerForward(entrant.entry_id, 1))
            await phone.does(
                AnswerForward(entrant.entry_id, 1),
                done=lambda session: session.get_one(Entry, entrant.entry_id).agreed_at is not None,
            )
            self.figures["put forward"] += 1
            return
        await phone.does(
            "/competitions", ShowCompetition(c), Maybe(ChooseTrack(c)), EnterTrack(c, track_id),
            done=there,
        )  # fmt: skip

    async def prepares_entry(self, entrant: Entrant) -> None:
        """A title, and what is to be handed in; some with a colleague, some with a name in it."""
        phone, e = entrant.phone, entrant.entry_id
        title = f"{self.dice.choice('春夏秋冬山水云月')}·第{e}课"
        await phone.does(
            "/competitions",
            OpenEntry(e),
            TitleEntry(e),
            title,
            done=lambda session: session.get_one(Entry, e).title == title,
        )
        self.typed.titles[e] = title
        if entrant.story == "mate":
            await self.asks_mate(entrant)
        elif entrant.story == "silent":
            await self.asks_in_vain(entrant)
        if entrant.story == "named":
            await self.hands_in(entrant, 1, 0, f"执教：{phone.name}")
            assert phone.name in phone.reads(phone.name) or self.world.faults, phone.sees
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
        await mate.awaits(AnswerMate(e, 1))
        await mate.does(
            AnswerMate(e, 1),
            done=lambda session: (
                session.exec(select(EntryAuthor.id).where(EntryAuthor.entry_id == e)).first()
                is not None
            ),
        )
        entrant.mate = mate
        self.figures["team mates"] += 1

    async def asks_in_vain(self, entrant: Entrant) -> None:
        """Ask a colleague who reads it, and never answers."""
        phone, e, mate = entrant.phone, entrant.entry_id, self.phones[self._never]
        await phone.does(
            "/competitions", OpenEntry(e), OpenTeam(e), AskMate(e), mate.name,
            PickMate(e, mate.teacher_id),
            done=lambda session: self._asked(session, e) is not None,
        )  # fmt: skip
        await mate.awaits(AnswerMate(e, 1))
        self.silent = (mate, e)
        self.figures["mates who never answer"] += 1

    def _asked(self, session: Session, entry_id: int) -> EntryAuthor | None:
        return session.exec(select(EntryAuthor).where(EntryAuthor.entry_id == entry_id)).first()

    async def says_yes_too_late(self) -> None:
        """The team of an accepted entry is fixed: whoever was silent does not join any more."""
        if self.silent is None:
            return
        mate, e = self.silent
        await mate.does("/competitions", Maybe(OpenEntry(e)), Maybe(AnswerMate(e, 1)))
        asked = await self.world.read(self._asked, e)
        assert asked is None or asked.agreed_at is None, "the team of an accepted entry is fixed"

    async def consents(self, entrant: Entrant) -> None:
        """Some let the title stand beside the award, some take that back, some say nothing."""
        e = entrant.entry_id
        answers = ((1,), (1,), (1, 0), (0,), ())[self.entrants.index(entrant) % 5]
        for yes in answers:
            await entrant.phone.does(
                "/competitions", OpenEntry(e), Maybe(PublishEntry(e, yes)),
                done=lambda session, y=yes: session.get_one(Entry, e).may_publish == bool(y),  # type: ignore[misc]
            )  # fmt: skip
        if answers and answers[-1]:
            self.typed.consents.add(e)
            self.figures["titles may be shown"] += 1

    async def hands_in(self, entrant: Entrant, position: int, slot: int, text: str = "") -> None:
        """Send a file as a piece of work; ``text`` is what stands in it."""
        phone, e, r = entrant.phone, entrant.entry_id, self.rounds[position - 1]
        body = text or f"第{self.dice.randint(1, 9999)}课时 教学过程"
        name, content = ("教学设计.docx", papers.docx(body))
        if slot == 1:
            name, content = ("课件.pptx", papers.pptx(body))

        def pieces(session: Session) -> int:
            return session.exec(
                select(sa.func.count())
                .select_from(Material)
                .where(Material.entry_id == e, Material.round_id == r)
            ).one()

        before = await self.world.read(pieces)
        await phone.does(
            "/competitions",
            OpenEntry(e),
            OpenFolder(e, r),
            OpenSlot(e, r, slot),
            FillSlot(e, r, slot),
            (name, content),
            done=lambda session: pieces(session) > before,
        )
        self.figures["files"] += 1

    async def submits(self, entrant: Entrant) -> None:
        """Hand the entry in."""
        e = entrant.entry_id
        await entrant.phone.does(
            "/competitions",
            OpenEntry(e),
            SubmitEntry(e),
            Maybe(SubmitEntry(e, 1)),
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
                if self.head is not None and venue_id == await self.world.read(self._headed):
                    await self.at_venue(
                        self.head, 1, venue_id, OpenEntries(venue_id), AcceptEntries(venue_id),
                        AcceptEntries(venue_id, 1),
                        done=lambda session, v=venue_id, u=self.units[unit]: (  # type: ignore[misc]
                            v not in self._waiting(session, u)
                        ),
                    )  # fmt: skip
                    self.figures["accepted by the head of a group"] += len(entries)
                    continue
                await hosts[0].does(
                    "/desk",
                    OpenReceiving,
                    Maybe(OpenEntries(venue_id)),
                    AcceptEntries(venue_id),
                    AcceptEntries(venue_id, 1),
                    done=lambda session, v=venue_id, u=self.units[unit]: (  # type: ignore[misc]
                        v not in self._waiting(session, u)
                    ),
                )

    def _headed(self, session: Session) -> int | None:
        """The venue that the head of a research group runs."""
        position, unit, track = HEADED
        return session.exec(
            select(Venue.id).where(
                Venue.round_id == self.rounds[position - 1],
                Venue.unit_id == self.units[unit],
                Venue.track_id == self.track_ids[track],
            )
        ).first()

    async def returns(self, host: Phone, venue_id: int, entrant: Entrant) -> None:
        """Return an entry with a reason."""
        e = entrant.entry_id
        await host.does(
            "/desk",
            OpenReceiving,
            Maybe(OpenEntries(venue_id)),
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
        await self.says_yes_too_late()
        for entrant in self.entrants:
            state = await self.world.read(
                lambda session, e=entrant.entry_id: session.get_one(Entry, e).state if e else None
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

    async def holds(self, position: int, days: Sequence[tuple[int, int]]) -> None:
        """Hold a round: its venues one after the other, on these days."""
        venues = await self.world.read(self._venues, position)
        by_day: dict[tuple[int, int], list[Any]] = defaultdict(list)
        for n, venue in enumerate(venues):
            by_day[days[n * len(days) // len(venues)]].append(venue)
        for day, some in by_day.items():
            await self.to(*day, 9)
            for venue_id, unit, track, _number in some:
                await self.opens(position, venue_id, unit, track)
            await self.soon(60 * 24)
            for venue_id, unit, track, _number in some:
                await self.judges_all(position, venue_id, unit, track)
            await self.soon(12)
        self.figures[f"entries of round {position}"] = sum(each[3] for each in venues)
        self.figures["venues"] += len(venues)
        self.say(f"round {position}: {len(venues)} venues")

    async def opens(self, position: int, venue_id: int, unit: str, track: str) -> None:
        """Draw, lay out the turns, ask the judges, and let them begin."""
        host = self.host(position, unit, track)
        found: list[str] = []

        def shown(_session: Session) -> bool:
            found[:] = re.findall(r"\b[0-9a-f]{64}\b", host.reads("SHA-256"))
            return bool(found)

        await self.at_venue(host, position, venue_id, ShowProof(venue_id), done=shown)
        self.typed.promised[venue_id] = found[0]
        await self.at_venue(
            host, position, venue_id, DrawOrder(venue_id), DrawOrder(venue_id, 1),
            done=lambda session: session.get_one(Venue, venue_id).state is VenueState.DRAWN,
        )  # fmt: skip
        when = self.world.now.astimezone(ZONE) + timedelta(days=1)
        await self.at_venue(
            host, position, venue_id, OpenTurns(venue_id), LayTurns(venue_id),
            LayTurns(venue_id, 20),
            "\n".join(f"{when.year}年{when.month}月{when.day}日 {span}" for span in HOURS),
            PutTurns,
            done=lambda session: session.get_one(Venue, venue_id).place == "录播室",
        )  # fmt: skip
        if position == 3:
            await self.refuses_own_school(position, venue_id, track)
        silent = [self.judges[track][2]] if (position, unit, track) == SILENT_JUDGE else []
        for judge in self.judges[track]:
            if judge not in silent:
                await self.invites(host, position, venue_id, judge)
        for judge in self.judges[track]:
            judge_id = await self.world.read(self._judge, venue_id, judge)
            assert judge_id is not None
            steps: list[Any] = ["/judging", OpenInvitation(judge_id)] if judge in silent else []
            if judge not in silent:
                await judge.awaits(AnswerInvitation(judge_id, 1))
            await judge.does(
                *steps,
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
        if (position, unit, track) in ABSENT:
            await self.notes_absent(position, venue_id, host)

        def begun(session: Session) -> bool:
            return session.get_one(Venue, venue_id).state is VenueState.JUDGING

        begin = (BeginJudging(venue_id), BeginJudging(venue_id, 1))
        if await self.world.read(self._has_conflict, venue_id):
            await self.at_venue(host, position, venue_id, *begin)
            assert not await self.world.read(begun), "two judges are not three"
            await self.at_venue(
                host, position, venue_id, OpenPanel(venue_id), AddExpert(venue_id), EXPERT,
                done=lambda session: self._expert(session, venue_id) is not None,
            )  # fmt: skip
            self.figures["experts on paper"] += 1
        await self.at_venue(host, position, venue_id, *begin, done=begun)

    async def invites(self, host: Phone, position: int, venue_id: int, judge: Phone) -> None:
        """Ask somebody to judge."""
        await self.at_venue(
            host, position, venue_id, OpenPanel(venue_id), FindJudge(venue_id), judge.name,
            InviteJudge(venue_id, judge.teacher_id), InviteJudge(venue_id, judge.teacher_id, 1),
            done=lambda session: self._judge(session, venue_id, judge) is not None,
        )  # fmt: skip

    async def invites_early(self) -> None:
        """Ask a judge days before the round, who answers on its first day alone."""
        for venue_id, unit, track, _number in await self.world.read(self._venues, 2):
            if (2, unit, track) == SILENT_JUDGE:
                host = self.host(2, unit, track)
                await self.invites(host, 2, venue_id, self.judges[track][2])
                self.figures["judges who answer late"] += 1

    async def refuses_own_school(self, position: int, venue_id: int, track: str) -> None:
        """Somebody of a school that competes is not to be asked at all."""
        host = self.hosts["CH-RO"][0]
        entrant = next(
            one
            for one in self.entrants
            if one.track == track and one.phone.teacher_id not in self._in_final
        )
        who = entrant.phone
        if not await self.world.read(self._school_competes, venue_id, self.units[entrant.unit]):
            return
        await self.at_venue(
            host, position, venue_id, OpenPanel(venue_id), FindJudge(venue_id), who.name
        )
        assert not host.shows(InviteJudge(venue_id, who.teacher_id)), host.sees
        self.figures["refused as of the school"] += 1

    def _school_competes(self, session: Session, venue_id: int, unit_id: int) -> bool:
        return (
            session.exec(
                select(Entry.id)
                .join(EntryRound, col(EntryRound.entry_id) == col(Entry.id))
                .where(EntryRound.venue_id == venue_id, Entry.unit_id == unit_id)
            ).first()
            is not None
        )

    async def notes_absent(self, position: int, venue_id: int, host: Phone) -> None:
        """Who has the last turn does not come."""
        place_id = await self.world.read(
            lambda session: session.exec(
                select(EntryRound.id)
                .where(EntryRound.venue_id == venue_id, EntryRound.state == RoundState.SCHEDULED)
                .order_by(col(EntryRound.order_no).desc())
            ).first()
        )
        assert place_id is not None
        await self.at_venue(
            host, position, venue_id, OpenTurns(venue_id), OpenTurn(venue_id, place_id),
            NoteAbsent(venue_id, place_id, 1), NoteAbsent(venue_id, place_id, 1, 1),
            done=lambda session: session.get_one(EntryRound, place_id).state is RoundState.ABSENT,
        )  # fmt: skip
        self.figures["absent"] += 1

    def _has_conflict(self, session: Session, venue_id: int) -> bool:
        """Whether a judge of the venue is the mentor of an entrant, by what this play set up."""
        return (
            session.exec(
                select(Conflict.id)
                .join(Judge, col(Judge.teacher_id) == col(Conflict.teacher_id))
                .join(Entry, col(Entry.teacher_id) == col(Conflict.other_id))
                .join(EntryRound, col(EntryRound.entry_id) == col(Entry.id))
                .where(
                    Judge.venue_id == venue_id,
                    EntryRound.venue_id == venue_id,
                    EntryRound.state == RoundState.SCHEDULED,
                )
            ).first()
            is not None
        )

    def _judge(self, session: Session, venue_id: int, who: Phone) -> int | None:
        return session.exec(
            select(Judge.id).where(Judge.venue_id == venue_id, Judge.teacher_id == who.teacher_id)
        ).first()

    def _expert(self, session: Session, venue_id: int) -> int | None:
        return session.exec(
            select(Judge.id).where(Judge.venue_id == venue_id, col(Judge.teacher_id).is_(None))
        ).first()

    async def judges_all(self, position: int, venue_id: int, unit: str, track: str) -> None:
        """The judges mark, the marks are revealed, signed, and the list decided."""
        host = self.host(position, unit, track)
        where = (position, unit, track)
        first, second, last = self.judges[track]
        await self.marks(first, venue_id)
        if where in RECUSED:
            await self.recuses(last, venue_id)
        await self.marks(last, venue_id, besides=int(where == SLOW_JUDGE))
        if where in CHASED:
            await self.marks(second, venue_id, besides=1)
            await self.at_venue(host, position, venue_id, ChaseBallots(venue_id))
            await second.awaits(OpenJudging(venue_id))
            self.figures["judges chased"] += 1
        await self.marks(second, venue_id)
        await self.types_paper(position, venue_id, unit)
        if where == SLOW_JUDGE:
            self._slow.append((position, venue_id, unit, track))
            return
        await self.closes(position, venue_id, unit, track)

    async def closes(self, position: int, venue_id: int, unit: str, track: str) -> None:
        """The marks are revealed and signed, and the list decided."""
        host, chief = self.host(position, unit, track), self.judges[track][0]
        where = (position, unit, track)
        if where in RECUSED:
            await chief.does(
                "/judging", OpenJudging(venue_id), CloseEarly(venue_id), "评委3回避，无人替补",
                CloseEarly(venue_id, 1),
                done=lambda session: session.get_one(Venue, venue_id).revealed_at is not None,
            )  # fmt: skip
            self.figures["closed early"] += 1
        elif position == 2:
            await host.does(
                "/desk", OpenAfter, OpenVenue(venue_id), RevealMarks(venue_id),
                RevealMarks(venue_id, 1),
                done=lambda session: session.get_one(Venue, venue_id).revealed_at is not None,
                pages=OpenAfter,
            )  # fmt: skip
        else:
            await self.at_venue(
                host, position, venue_id, RevealMarks(venue_id), RevealMarks(venue_id, 1),
                done=lambda session: session.get_one(Venue, venue_id).revealed_at is not None,
            )  # fmt: skip
        await chief.does(
            "/judging", OpenJudging(venue_id), OpenScores(venue_id), SignScores(venue_id),
            SignScores(venue_id, 1),
            done=lambda session: session.get_one(Venue, venue_id).signed_at is not None,
        )  # fmt: skip
        if where in LATE:
            self._late.append((host, venue_id))
            return
        if host is self.head:
            await self.at_venue(
                host, position, venue_id, OpenList(venue_id), DecideList, DecideList,
                done=lambda session: session.get_one(Venue, venue_id).decided_at is not None,
            )  # fmt: skip
            self.figures["decided by the head of a group"] += 1
            return
        await self.decides(host, venue_id)

    async def decides(self, host: Phone, venue_id: int) -> None:
        """Look at the list and let it stand."""
        await host.does(
            "/desk", OpenAfter, OpenList(venue_id), DecideList, DecideList,
            done=lambda session: session.get_one(Venue, venue_id).decided_at is not None,
            pages=OpenAfter,
        )  # fmt: skip

    async def catches_up(self) -> None:
        """What was left undecided beyond its date is decided after all."""
        for position, venue_id, unit, track in self._slow:
            await self.marks(self.judges[track][2], venue_id)
            await self.closes(position, venue_id, unit, track)
            self.figures["ballots beyond their date"] += 1
        self._slow = []
        for host, venue_id in self._late:
            await self.decides(host, venue_id)
            self.figures["decided late"] += 1
        self._late = []
        await self.soon(12)

    async def marks(self, judge: Phone, venue_id: int, besides: int = 0) -> None:
        """A judge marks every entry of a venue, but for so many, and hands each ballot in."""
        judge_id = await self.world.read(self._judge, venue_id, judge)
        assert judge_id is not None
        mine = await self.world.read(self._open, judge_id)
        for n, (ballot_id, entry_id) in enumerate(mine[: len(mine) - besides]):
            given = self.points()
            steps: list[Any] = ["/judging", OpenJudging(venue_id), OpenBallot(ballot_id)]
            if n == 0:
                await judge.does(*steps, pages=TurnJudging)
                await judge.does(Maybe(SendSheet))
                self.figures["work looked at"] += 1
                await judge.does(*steps, CommentBallot(ballot_id), "板书清楚，节奏可再慢一些。",
                                 pages=TurnJudging)  # fmt: skip
                self.figures["comments"] += 1
            await judge.does(
                *steps, " ".join(map(str, given)), CommitBallot(ballot_id),
                CommitBallot(ballot_id, 1),
                done=lambda session, b=ballot_id: (  # type: ignore[misc]
                    session.get_one(Ballot, b).state is BallotState.COMMITTED
                ),
                pages=TurnJudging,
                way=len(steps),
            )  # fmt: skip
            self.typed.marks[judge_id, entry_id] = given
            self.figures["ballots"] += 1

    async def recuses(self, judge: Phone, venue_id: int) -> None:
        """A judge sets the first ballot aside."""
        judge_id = await self.world.read(self._judge, venue_id, judge)
        assert judge_id is not None
        ballot_id, entry_id = (await self.world.read(self._open, judge_id))[0]
        await judge.does(
            "/judging", OpenJudging(venue_id), OpenBallot(ballot_id), RecuseBallot(ballot_id),
            RecuseBallot(ballot_id, 1),
            done=lambda session: session.get_one(Ballot, ballot_id).state is BallotState.RECUSED,
        )  # fmt: skip
        self.typed.conflicts.add((judge.teacher_id, entry_id))
        self.figures["set aside"] += 1

    async def types_paper(self, position: int, venue_id: int, unit: str) -> None:
        """Two people type in what an expert wrote; the second misreads the first paper once."""
        expert = await self.world.read(self._expert, venue_id)
        if expert is None:
            return
        one, other = self.hosts[unit]
        for n, (ballot_id, entry_id) in enumerate(await self.world.read(self._open, expert)):
            given = self.points()
            written = " ".join(map(str, given))
            steps = (OpenPaper(venue_id), TypePaper(ballot_id))
            await self.at_venue(
                one, position, venue_id, *steps, written,
                done=lambda session, b=ballot_id: (  # type: ignore[misc]
                    session.get_one(Ballot, b).typed_by is not None
                ),
            )  # fmt: skip
            if n == 0:
                misread = " ".join(map(str, (given[0] - 1, *given[1:])))
                await self.at_venue(other, position, venue_id, *steps, misread)
                state = await self.world.read(
                    lambda session, b=ballot_id: session.get_one(Ballot, b).state
                )
                assert state is BallotState.OPEN, "two who do not agree hand nothing in"
            await self.at_venue(
                other, position, venue_id, *steps, written,
                done=lambda session, b=ballot_id: (  # type: ignore[misc]
                    session.get_one(Ballot, b).state is BallotState.COMMITTED
                ),
            )  # fmt: skip
            self.typed.marks[expert, entry_id] = given
            self.figures["paper ballots"] += 1

    def points(self) -> tuple[int, ...]:
        """Points as judges give them: few different ones, so that there are equals."""
        return tuple(most - 2 * self.dice.randint(0, 2) for _key, most in POINTS)

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

    # -- from one round to the next ----------------------------------------------------------------

    def _in(self, session: Session, position: int) -> set[int]:
        """The entries that have a place in a round."""
        return set(
            session.exec(
                select(EntryRound.entry_id).where(EntryRound.round_id == self.rounds[position - 1])
            ).all()
        )

    async def brings_along(self, position: int) -> None:
        """Whoever goes on hands in again what the round before has."""
        there = await self.world.read(self._in, position)
        r = self.rounds[position - 1]
        for entrant in self.entrants:
            if entrant.entry_id in there:
                e = entrant.entry_id
                await entrant.phone.does(
                    "/competitions", OpenEntry(e), OpenFolder(e, r), BringAlong(e, r),
                    done=lambda session, e=e: (  # type: ignore[misc]
                        session.exec(
                            select(Material.id).where(
                                Material.entry_id == e, Material.round_id == r
                            )
                        ).first()
                        is not None
                    ),
                )  # fmt: skip

    async def forwards(self) -> None:
        """The schools recommend their own for the final; one passes one over, one forgets."""
        await self.to(12, 2, 10)
        for venue_id, unit, track, _number in await self.world.read(self._venues, 2):
            if (unit, track) == FORGOTTEN:
                continue
            host = self.hosts[unit][0]
            steps = ("/desk", OpenAfter, OpenList(venue_id))
            if (unit, track) == PASSED_OVER:
                await host.does(
                    *steps, ChooseToPassOver(venue_id), PassOver, "本人因病放弃", ConfirmPassOver,
                    done=lambda session, v=venue_id: (  # type: ignore[misc]
                        self._lapsed(session, v) is not None
                    ),
                    pages=OpenAfter,
                )  # fmt: skip
                place_id = await self.world.read(self._lapsed, venue_id)
                assert place_id is not None
                self.typed.passed_over.add(place_id)
                self.figures["passed over"] += 1
            waiting = await self.world.read(self._to_forward, venue_id)
            if not waiting:
                continue
            await host.does(
                *steps, ForwardAll(venue_id), ForwardAll(venue_id, 1),
                done=lambda session, v=venue_id: not self._to_forward(session, v),  # type: ignore[misc]
                pages=OpenAfter,
            )  # fmt: skip
            self.figures["forwarded"] += waiting
        await self.to(12, 7, 9)
        self.say(f"{self.figures['forwarded']} entries go to the final")

    def _lapsed(self, session: Session, venue_id: int) -> int | None:
        return session.exec(
            select(EntryRound.id).where(
                EntryRound.venue_id == venue_id, EntryRound.state == RoundState.LAPSED
            )
        ).first()

    def _to_forward(self, session: Session, venue_id: int) -> int:
        return session.exec(
            select(sa.func.count())
            .select_from(EntryRound)
            .where(
                EntryRound.venue_id == venue_id,
                EntryRound.state == RoundState.ADVANCED,
                col(EntryRound.forwarded_at).is_(None),
            )
        ).one()

    # -- the final ---------------------------------------------------------------------------------

    async def readies_final(self) -> None:
        """The city's own window is written down; the finalists hand in, all but one in time."""
        gu, c, r4 = self.hosts["CH-RO"][0], self.competition_id, self.rounds[3]
        await self.to(2, 22, 10)
        await gu.does(
            "/desk", RunCompetitions, RunCompetition(c), OpenRound(r4), AskValue(c, r4, "entry"),
            "2027年4月1日 8:00 至 2027年4月20日 18:00",
            done=lambda session: session.get_one(Round, r4).entry_closes_at is not None,
        )  # fmt: skip
        await self.to(3, 3, 17)
        there = await self.world.read(self._in, 3)
        finalists = [one for one in self.entrants if one.entry_id in there]
        self._in_final = {one.phone.teacher_id for one in finalists}
        for entrant in finalists[:-1]:
            await self.hands_in(entrant, 3, 0)
            await self.hands_in(entrant, 3, 1)
        await self.hands_in(finalists[-1], 3, 0)
        self.say(f"{len(finalists)} finalists")

    async def shows_list(self) -> None:
        """Public display, two objections, one of them upheld, and the result."""
        gu, liang = self.hosts["CH-RO"]
        r = self.rounds[2]
        await self.to(4, 7, 10)
        await gu.does(
            "/desk", OpenAfter, OpenLists(r), PutUpList(r), PutUpList(r, 1),
            done=lambda session: self._versions(session) == 1,
            pages=OpenAfter,
        )  # fmt: skip
        await self.to(4, 9, 16, 30)
        listed = await self.world.read(self._awarded)
        loser = next(
            one
            for one in self.entrants
            if one.entry_id and one.phone.teacher_id not in self._in_final
        )
        for n, (place_id, text) in enumerate(
            ((listed[0], "课例曾公开发表"), (listed[-1], "名次可疑")), 1
        ):
            await loser.phone.does(
                f"/start list{r}", ObjectTo(r, place_id), text, SubmitObjection,
                done=lambda session, n=n: self._objections(session) == n,  # type: ignore[misc]
                pages=ShowPublicList,
            )  # fmt: skip
        await self.to(4, 12, 10)
        first, second = await self.world.read(
            lambda session: session.exec(select(Objection.id).order_by(col(Objection.id))).all()
        )
        self.typed.listed |= set(listed)
        self.typed.taken_out.add(listed[0])
        await gu.does(
            "/desk", OpenAfter, OpenObjection(first), SettleObjection(first, "out", listed[0]),
            "情况属实，取消资格", ConfirmCorrection,
            done=lambda session: (
                session.get_one(Objection, first).state is ObjectionState.UPHELD
            ),
            pages=OpenAfter,
        )  # fmt: skip
        await liang.does(
            "/desk", OpenAfter, OpenObjection(second), SettleObjection(second, "refuse"),
            "经复核，名单无误",
            done=lambda session: (
                session.get_one(Objection, second).state is ObjectionState.REFUSED
            ),
            pages=OpenAfter,
        )  # fmt: skip
        self.figures["objections"] += 2
        await self.to(4, 16, 17, 30)
        await gu.does(
            "/desk", OpenAfter, OpenLists(r), ConfirmRound(r), ConfirmRound(r, 1),
            done=lambda session: session.exec(select(Honour.id)).first() is not None,
            pages=OpenAfter,
        )  # fmt: skip
        await self.to(4, 19, 9)
        self.say("the list was public, corrected once, and stands")

    def _versions(self, session: Session) -> int:
        return len(session.exec(select(Deed.id).where(Deed.kind == "publicity")).all())

    def _objections(self, session: Session) -> int:
        return session.exec(select(sa.func.count()).select_from(Objection)).one()

    def _awarded(self, session: Session) -> list[int]:
        """The places of the final with an award, in the order of their entries."""
        return list(
            session.exec(
                select(EntryRound.id)
                .where(EntryRound.round_id == self.rounds[2], EntryRound.award != "")
                .order_by(col(EntryRound.entry_id))
            ).all()
        )

    # -- afterwards --------------------------------------------------------------------------------

    async def rewards(self) -> None:
        """Winners have their certificates and say whether to share; tiers are agreed to."""
        people = {one.phone.teacher_id: one.phone for one in self.entrants} | {
            one.mate.teacher_id: one.mate for one in self.entrants if one.mate is not None
        }
        honours = await self.world.read(
            lambda session: session.exec(
                select(Honour.id, Honour.teacher_id).order_by(col(Honour.id))
            ).all()
        )
        for honour_id, teacher_id in honours:
            phone = people[teacher_id]
            before = len(phone.files())
            await phone.does(
                "/start awards", OpenAward(honour_id), AwardCertificate(honour_id),
                done=lambda _session, p=phone, n=before: len(p.files()) > n,  # type: ignore[misc]
            )  # fmt: skip
            assert phone.files()[-1][1].startswith(b"%PDF"), "a certificate is a page to print"
            self.figures["certificates"] += 1
            await phone.does(
                "/start awards", OpenAward(honour_id),
                Maybe(ShareWork(honour_id, int(honour_id % 3 > 0))),
            )  # fmt: skip
        await self.agrees_to_tiers()

    async def agrees_to_tiers(self) -> None:
        """The school agrees first, then the county; the last one is refused with a reason."""
        rows = await self.world.read(
            lambda session: session.exec(
                select(TierProposal.id, OrgUnit.code)
                .join(Posting, col(Posting.teacher_id) == col(TierProposal.teacher_id))
                .join(OrgUnit, col(OrgUnit.id) == col(Posting.unit_id))
                .where(col(Posting.is_primary), col(Posting.until).is_(None))
                .order_by(col(TierProposal.id))
            ).all()
        )
        for n, (id_, unit) in enumerate(rows):
            for host, state in (
                (self.hosts[unit][0], TierProposalState.SCHOOL_OK),
                (self.hosts["CH-RO"][0], TierProposalState.COUNTY_OK),
            ):
                last = n == len(rows) - 1 and state is TierProposalState.COUNTY_OK
                wanted = TierProposalState.REFUSED if last else state
                steps: list[Any] = [
                    "/desk",
                    OpenAfter,
                    OpenProposals,
                    SettleProposal(id_, int(not last)),
                ]
                await host.does(
                    *steps, *(["近两年已有骨干称号"] if last else []),
                    done=lambda session, i=id_, w=wanted: (  # type: ignore[misc]
                        session.get_one(TierProposal, i).state is w
                    ),
                    pages=OpenAfter,
                )  # fmt: skip
            self.figures["tier proposals"] += 1

    async def goes_up(self) -> None:
        """To the city and on to the province: lists out, outcomes in, by table and by hand."""
        gu, c = self.hosts["CH-RO"][0], self.competition_id
        r4, r5 = self.rounds[3:]
        await self.to(4, 20, 10)
        to_lists = ("/desk", OpenAfter, CompetitionLists(c))
        before = len(gu.files())
        await gu.does(
            *to_lists, OpenOutside(r4), OutsideSheet(r4),
            done=lambda _session: len(gu.files()) > before, pages=OpenAfter,
        )  # fmt: skip
        name, content = gu.files()[-1]
        await gu.does(
            *to_lists, OpenOutside(r4), PushList(r4, 0), PushList(r4, 1),
            done=lambda session: not self._nominated(session, 4), pages=OpenAfter,
        )  # fmt: skip
        await self.to(5, 10, 10)
        await gu.does(
            (name, filled(content, ("市一等奖", "市二等奖", "无"))),
            done=lambda session: not self._pushed(session, 4),
        )
        won = await self.world.read(self._came_back, 4)
        self.figures["sent to the city"] = await self.world.read(
            lambda session: len(self._in(session, 4))
        )
        await self.to(5, 12, 10)
        taken: set[int] = set()
        for entry_id, track_id in won:
            first = track_id not in taken

            def goes(session: Session, e: int = entry_id, first: bool = first) -> bool:
                return not first or e in self._in(session, 5)

            await gu.does(
                *to_lists, OpenOutside(r5), ChooseNominee(r5), Nominate(r5, entry_id),
                done=goes, pages=ChooseNominee,
            )  # fmt: skip
            there = await self.world.read(lambda session: self._in(session, 5))
            assert (entry_id in there) == first, "one of each track goes on"
            taken.add(track_id)
        await self.to(5, 20, 10)
        await gu.does(
            *to_lists, OpenOutside(r5), PushList(r5, 0), PushList(r5, 1),
            done=lambda session: not self._nominated(session, 5), pages=OpenAfter,
        )  # fmt: skip
        await self.to(5, 26, 10)
        for n, place_id in enumerate(await self.world.read(self._pushed, 5)):
            await gu.does(
                *to_lists, OpenOutside(r5), OutcomeOf(place_id),
                NoAward(place_id) if n % 2 else "省二等奖",
                done=lambda session, p=place_id: (  # type: ignore[misc]
                    session.get_one(EntryRound, p).state is not RoundState.PUSHED
                ),
                pages=OpenOutside,
            )  # fmt: skip
        self.figures["sent to the province"] = len(taken)
        self.say("the city's and the province's outcomes are in")

    def _nominated(self, session: Session, position: int) -> list[int]:
        return self._places(session, position, RoundState.NOMINATED)

    def _pushed(self, session: Session, position: int) -> list[int]:
        return self._places(session, position, RoundState.PUSHED)

    def _places(self, session: Session, position: int, state: RoundState) -> list[int]:
        return list(
            session.exec(
                select(EntryRound.id)
                .where(EntryRound.round_id == self.rounds[position - 1], EntryRound.state == state)
                .order_by(col(EntryRound.id))
            ).all()
        )

    def _came_back(self, session: Session, position: int) -> list[tuple[int, int]]:
        return list(
            session.exec(
                select(Entry.id, Entry.track_id)
                .join(EntryRound, col(EntryRound.entry_id) == col(Entry.id))
                .where(
                    EntryRound.round_id == self.rounds[position - 1],
                    EntryRound.state == RoundState.PUSHED_AWARDED,
                )
                .order_by(col(Entry.track_id), col(Entry.id))
            ).all()
        )

    async def ends(self) -> None:
        """The year's report; finished, and put away."""
        gu, c = self.hosts["CH-RO"][0], self.competition_id
        before = len(gu.files())
        await gu.does(
            "/desk", OpenAfter, CompetitionLists(c), OpenReport(c), ReportSheet(c),
            done=lambda _session: len(gu.files()) > before, pages=OpenAfter,
        )  # fmt: skip
        self.typed.report = gu.files()[-1][1]
        steps = ("/desk", RunCompetitions, RunCompetition(c), MoreOfCompetition(c))
        closing = (FinishCompetition(c), FinishCompetition(c, 1))
        for keys, state in (
            (closing, CompetitionState.FINISHED),
            ((ArchiveCompetition(c),), CompetitionState.ARCHIVED),
        ):
            await gu.does(
                *steps, *keys,
                done=lambda session, s=state: session.get_one(Competition, c).state is s,  # type: ignore[misc]
            )  # fmt: skip
        await self.to(5, 28, 9)
        self.say("the competition is put away")

    async def lives(self) -> None:
        """From September to May."""
        await self.casts()
        await self.prepares()
        await self.enters()
        await self.world.write(self._mentors)
        await self.holds(1, [(10, 12), (10, 14), (10, 19), (10, 21), (10, 26)])
        await self.to(11, 4, 10)
        await self.catches_up()
        await self.invites_early()
        await self.to(11, 5, 16)
        await self.brings_along(2)
        await self.holds(2, [(11, 9), (11, 11), (11, 16), (11, 23)])
        await self.to(12, 2, 9)
        await self.catches_up()
        await self.forwards()
        await self.readies_final()
        await self.holds(3, [(3, 15), (3, 18), (3, 24)])
        await self.shows_list()
        await self.rewards()
        await self.goes_up()
        await self.ends()

    def _mentors(self, session: Session) -> None:
        """A judge is the mentor of somebody who competes, as an office has on record."""
        track, unit = self.tracks[0], next(iter(SIZES[self.tracks[0]]))
        judge = self.judges[track][1]
        for one in self.entrants:
            if (one.track, one.unit, one.story) == (track, unit, "plain"):
                session.add(
                    Conflict(
                        teacher_id=judge.teacher_id,
                        other_id=one.phone.teacher_id,
                        kind=ConflictKind.MENTORSHIP,
                        by_id=self.hosts["CH-RO"][0].teacher_id,
                        at=self.world.now,
                    )
                )
                self.typed.conflicts.add((judge.teacher_id, one.entry_id))
                return


def filled(content: bytes, outcomes: Sequence[str]) -> bytes:
    """The list that went up, with what came back in its last column, in turn."""
    book = sheets.read(content, "list.xlsx")
    rows = [list(row) for row in book.sheets[0].rows]
    width = len(rows[0])
    for n, row in enumerate(rows[1:]):
        row += [""] * (width - len(row))
        row[-1] = outcomes[n % len(outcomes)]
    return sheets.write([(book.sheets[0].name, rows)])
