"""Who may enter, what is handed in until when, and who accepts it."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from storage.competitions import (
    conflicts,
    eligibility,
    entering,
    materials,
    putting_forward,
    receiving,
    teams,
    venues,
)
from storage.competitions import owing as of_competitions
from storage.competitions.eligibility import (
    CompetitionOver,
    EnteredAlready,
    EntriesClosed,
    EntriesNotOpen,
    NotForThem,
    WonLately,
)
from storage.competitions.entering import BeingJudged, EntryIncomplete, EntryStands
from storage.competitions.materials import (
    Found,
    MaterialsClosed,
    Slot,
    StillRequired,
    TooLarge,
    WrongKind,
)
from storage.competitions.receiving import OrderDrawn
from storage.competitions.tables import (
    CompetingState,
    Competition,
    CompetitionState,
    Entry,
    EntryRound,
    Honour,
    Material,
    Round,
    RoundState,
    Track,
    Venue,
    VenueState,
)
from storage.database import Database
from storage.deeds import ChangedSince, Deed
from storage.messaging.tables import OutboxMessage
from storage.people import roles
from storage.people.tables import Role
from storage.refusals import NotAllowed, NotFound, OwnCase, Refusal
from storage.undoing import undo
from tests import make
from tests.competitions import making
from tests.make import NOW

DAY = timedelta(days=1)
TODAY = NOW.date()


def track(session: Session, made: Competition) -> int:
    return venues.tracks(session, made.id)[0].id


def enter(session: Session, who: int, made: Competition, **differs: Any) -> int:
    return entering.enter(
        session,
        who,
        made.id,
        differs.get("track") or track(session, made),
        now=differs.get("now", NOW),
    )


def paper(session: Session, who: int, entry_id: int, name: str = "教案.docx", **more: Any) -> Any:
    entry = session.get_one(Entry, entry_id)
    first = venues.rounds(session, entry.competition_id)[more.pop("position", 1) - 1]
    usual: dict[str, Any] = {"file_id": f"file-{name}", "file_name": name, "size": 1000, "now": NOW}
    return materials.hand_in(session, who, entry_id, first.id, "plan", **usual | more)


def submitted(session: Session, who: int, made: Competition) -> int:
    entry_id = enter(session, who, made)
    entering.set_title(session, who, entry_id, "《春》", now=NOW)
    paper(session, who, entry_id)
    entering.submit(session, who, entry_id, now=NOW)
    return entry_id


def holder(session: Session, name: str = "罗佳宁", role: Role = Role.SCHOOL_COORDINATOR) -> int:
    of_county = role is Role.COUNTY_COORDINATOR
    who = make.teacher(session, name, at="教师发展中心" if of_county else "澄禾县实验小学")
    unit = make.county(session) if of_county else make.school(session)
    roles.appoint(session, who, role, unit, today=TODAY, now=NOW)
    return who


def refused(operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Refusal | None:
    try:
        operation(*args, **kwargs)
    except Refusal as refusal:
        return refusal
    return None


# --- who may enter -----------------------------------------------------------------------------


async def test_every_no_says_which_rule_it_is(database: Database) -> None:
    def play(session: Session) -> list[type[Refusal] | None]:
        lin = make.teacher(session, "林若溪")
        kinds: list[type[Refusal] | None] = []

        def asks(who: int = lin, *, now: Any = NOW, **differs: Any) -> None:
            made = making.competition(session, code=f"K{len(kinds)}", **differs)
            why = refused(enter, session, who, made, now=now)
            kinds.append(None if why is None else type(why))

        asks()
        asks(begins=NOW + DAY)
        asks(now=NOW + 8 * DAY)
        asks(state=CompetitionState.CANCELLED)
        asks(state=CompetitionState.DRAFT)
        asks(audience={"subject": ["数学"]})
        asks(make.teacher(session, "周既白", subject="数学"))
        return kinds

    assert await database.write(play) == [
        None,
        EntriesNotOpen,
        EntriesClosed,
        CompetitionOver,
        NotFound,
        NotForThem,
        NotForThem,
    ]


async def test_one_enters_once_unless_each_track_is_open_to_all(database: Database) -> None:
    def play(session: Session) -> list[Any]:
        lin = make.teacher(session, "林若溪")
        found: list[Any] = []
        for one_entry in (True, False):
            made = making.competition(session, code=f"K{one_entry}", one_entry=one_entry)
            other = Track(competition_id=made.id, position=2, title="小学语文二组")
            session.add(other)
            session.flush()
            mine = enter(session, lin, made)
            found.append(enter(session, lin, made) == mine)
            found.append(type(refused(enter, session, lin, made, track=other.id)))
        return found

    assert await database.write(play) == [True, EnteredAlready, True, type(None)]


async def test_who_won_lately_leaves_the_place_to_others(database: Database) -> None:
    def play(session: Session) -> list[bool]:
        found = []

        def won(award: str, year: str, *, revoked: bool = False, together: bool = False) -> None:
            who = make.teacher(session, "林若溪")
            first = who if not together else make.teacher(session, "石晓岚")
            before = making.competition(session, code=f"B{who}", school_year=year)
            row, place = making.entry(session, before, first)
            assert place is not None
            place.award = award
            if together:
                session.add(making.author(row, who))
            if revoked:
                session.add(
                    Honour(
                        teacher_id=who,
                        title="课堂教学大赛",
                        award=award,
                        level="county",
                        awarded_on=TODAY,
                        entry_round_id=place.id,
                        revoked_at=NOW,
                    )
                )
            now = making.competition(
                session, code=f"N{who}", barred_years=2, barred_awards=["一等奖"]
            )
            found.append(isinstance(refused(enter, session, who, now), WonLately))

        won("一等奖", "2025-2026")
        won("一等奖", "2024-2025")
        won("一等奖", "2023-2024")
        won("二等奖", "2025-2026")
        won("一等奖", "2025-2026", revoked=True)
        won("一等奖", "2025-2026", together=True)
        return found

    assert await database.write(play) == [True, True, False, False, False, True]


async def test_an_honour_from_elsewhere_of_the_same_name_bars_too(database: Database) -> None:
    def play(session: Session) -> list[bool]:
        found = []
        for title, day in (
            ("澄禾县第十一届课堂教学大赛", date(2025, 12, 1)),
            ("澄禾县第十一届课堂教学大赛", date(2020, 12, 1)),
            ("澄禾县微课大赛", date(2025, 12, 1)),
        ):
            who = make.teacher(session, "林若溪")
            session.add(
                Honour(teacher_id=who, title=title, award="一等奖", level="county", awarded_on=day)
            )
            session.flush()
            made = making.competition(
                session, code=f"N{who}", title="澄禾县第十二届课堂教学大赛", barred_years=2
            )
            found.append(isinstance(refused(enter, session, who, made), WonLately))
        return found

    assert await database.write(play) == [True, False, False]


# --- materials ---------------------------------------------------------------------------------


async def test_each_version_has_its_receipt_and_one_stands(database: Database) -> None:
    def play(session: Session) -> list[Any]:
        made, lin = making.competition(session), make.teacher(session, "林若溪")
        entry_id = enter(session, lin, made)
        first = paper(session, lin, entry_id, content_hash="a" * 64)
        again = paper(session, lin, entry_id, content_hash="a" * 64)
        # Sent anew, the same file has another id and is still the same.
        same = paper(session, lin, entry_id, file_id="other", content_hash="a" * 64)
        second = paper(session, lin, entry_id, "修改.docx", content_hash="b" * 64)
        third = paper(session, lin, entry_id, content_hash="a" * 64)
        standing = session.exec(
            select(Material.version).where(Material.removed_at == None)  # noqa: E711
        ).all()
        return [
            (first.version, first.is_new),
            (again.number == first.number, again.is_new),
            same.is_new,
            (second.version, second.is_new),
            (third.version, third.number.startswith("KT-")),
            list(standing),
        ]

    assert await database.write(play) == [
        (1, True),
        (True, False),
        False,
        (2, True),
        (3, True),
        [3],
    ]


async def test_materials_close_when_they_are_due_and_are_nobody_elses(database: Database) -> None:
    def play(session: Session) -> list[Any]:
        made, lin = making.competition(session), make.teacher(session, "林若溪")
        entry_id = enter(session, lin, made)
        late = refused(paper, session, lin, entry_id, now=NOW + 8 * DAY)
        other = refused(paper, session, make.teacher(session, "石晓岚"), entry_id)
        wrong = refused(paper, session, lin, entry_id, "教案.exe")
        large = refused(paper, session, lin, entry_id, size=21 * 1024 * 1024)
        receipt = paper(session, lin, entry_id)
        entering.set_title(session, lin, entry_id, "《春》", now=NOW)
        entering.submit(session, lin, entry_id, now=NOW)
        needed = refused(materials.remove, session, lin, receipt.material_id, now=NOW)
        return [type(each) for each in (late, other, wrong, large, needed)]

    assert await database.write(play) == [
        MaterialsClosed,
        NotFound,
        WrongKind,
        TooLarge,
        StillRequired,
    ]


async def test_nothing_is_handed_in_without_what_is_required(database: Database) -> None:
    def play(session: Session) -> list[Any]:
        made, lin = making.competition(session), make.teacher(session, "林若溪")
        entry_id = enter(session, lin, made)
        untitled = refused(entering.submit, session, lin, entry_id, now=NOW)
        entering.set_title(session, lin, entry_id, "《春》", now=NOW)
        lacking = refused(entering.submit, session, lin, entry_id, now=NOW)
        # Where materials are due later than entries close, they may follow.
        first = venues.rounds(session, made.id)[0]
        first.material_due_at = NOW + 8 * DAY
        session.flush()
        follows = entering.submit(session, lin, entry_id, now=NOW)
        return [type(untitled), type(lacking), getattr(lacking, "missing", ()), follows]

    assert await database.write(play) == [
        entering.NoEntryTitle,
        EntryIncomplete,
        ("教学设计",),
        True,
    ]


async def test_a_later_round_takes_what_the_earlier_one_had(database: Database) -> None:
    def play(session: Session) -> list[Any]:
        made, lin = making.competition(session), make.teacher(session, "林若溪")
        row, place = making.entry(session, made, lin)
        row.agreed_at = NOW
        assert place is not None
        paper(session, lin, row.id, found=[Found("text", "林若溪")], checked=True)
        place.state = RoundState.ADVANCED
        second = venues.rounds(session, made.id)[1]
        venues.let_in(session, row, second, now=NOW)
        before = materials.folder(session, lin, row.id, second.id, now=NOW)
        brought = materials.bring_along(session, lin, row.id, second.id, now=NOW)
        again = materials.bring_along(session, lin, row.id, second.id, now=NOW)
        after = materials.folder(session, lin, row.id, second.id, now=NOW)
        (slot,) = after.slots
        assert slot.piece is not None
        return [
            before.before_id is not None,
            brought,
            again,
            after.before_id,
            slot.piece.to_look_at,
            materials.checks(session, row.id, second),
        ]

    assert await database.write(play) == [True, 1, 0, None, 1, (1, 0)]


@given(name=st.text(max_size=30), size=st.integers(0, 10**9))
@settings(max_examples=200, deadline=None)
def test_only_the_kinds_and_sizes_that_are_asked_for_are_taken(name: str, size: int) -> None:
    slot = Slot("plan", "教学设计", ("docx", "link"), 20, True, None, 0)
    try:
        kind = materials.check_file(slot, name, size)
    except Refusal:
        return
    assert kind == "docx"
    assert name.lower().endswith(".docx")
    assert 0 < size <= 20 * 1024 * 1024


# --- accepting ---------------------------------------------------------------------------------


async def test_accepting_lets_in_once_and_can_be_undone(database: Database) -> None:
    def play(session: Session) -> list[Any]:
        made = making.competition(session)
        luo = holder(session)
        ids = [
            submitted(session, make.teacher(session, name), made) for name in ("林若溪", "石晓岚")
        ]
        venue_id = session.exec(select(Venue.id)).one()
        done = receiving.accept_all(session, luo, venue_id, now=NOW)
        again = receiving.accept_all(session, luo, venue_id, now=NOW)
        single = receiving.accept(session, luo, ids[0], now=NOW)
        places = len(session.exec(select(EntryRound)).all())
        told = [row.not_before for row in session.exec(select(OutboxMessage)).all()]
        assert done.deed_id is not None
        undo(session, luo, done.deed_id, now=NOW + timedelta(minutes=5))
        states = set(session.exec(select(Entry.state)).all())
        left = len(session.exec(select(EntryRound)).all())
        return [done.number, again.number, single.number, places, set(told), states, left]

    assert await database.write(play) == [
        2,
        0,
        0,
        2,
        {NOW + timedelta(minutes=10)},
        {CompetingState.SUBMITTED},
        0,
    ]


async def test_nobody_accepts_their_own_and_a_drawn_order_lets_nobody_in(
    database: Database,
) -> None:
    def play(session: Session) -> list[Any]:
        made = making.competition(session)
        luo, shi = holder(session), make.teacher(session, "石晓岚")
        own, other = submitted(session, luo, made), submitted(session, shi, made)
        venue = session.exec(select(Venue)).one()
        mine = refused(receiving.accept, session, luo, own, now=NOW)
        number = receiving.accept_all(session, luo, venue.id, now=NOW).number
        state = session.get_one(Entry, own).state
        gu = holder(session, "顾岩", Role.COUNTY_COORDINATOR)
        venue.state = VenueState.DRAWN
        session.flush()
        late = refused(receiving.accept, session, gu, own, now=NOW)
        deed = session.exec(select(Deed)).one()
        gone_on = refused(undo, session, luo, deed.id, now=NOW + timedelta(minutes=1))
        stranger = refused(receiving.accept, session, shi, other, now=NOW)
        return [type(mine), number, state, type(late), type(gone_on), type(stranger)]

    assert await database.write(play) == [
        OwnCase,
        1,
        CompetingState.SUBMITTED,
        OrderDrawn,
        ChangedSince,
        NotAllowed,
    ]


async def test_a_draft_is_nobody_elses_business(database: Database) -> None:
    def play(session: Session) -> list[Any]:
        made, luo = making.competition(session), holder(session)
        lin = make.teacher(session, "林若溪")
        entry_id = enter(session, lin, made)
        hidden = refused(receiving.held_entry, session, luo, entry_id, now=NOW)
        others = refused(entering.my_entry, session, luo, entry_id, now=NOW)
        return [type(hidden), type(others)]

    assert await database.write(play) == [NotFound, NotFound]


async def test_taken_back_before_judging_and_not_after(database: Database) -> None:
    def play(session: Session) -> list[Any]:
        made = making.competition(session)
        found: list[Any] = []
        for name, state in (
            ("林若溪", VenueState.OPEN),
            ("石晓岚", VenueState.DRAWN),
            ("韩静仪", VenueState.JUDGING),
        ):
            who = make.teacher(session, name)
            row, place = making.entry(session, made, who)
            assert place is not None
            session.exec(select(Venue)).one().state = state
            session.flush()
            why = refused(entering.withdraw, session, who, row.id, "", now=NOW)
            left = session.exec(
                select(EntryRound.state).where(EntryRound.entry_id == row.id)
            ).first()
            found.append((None if why is None else type(why), left))
        return found

    assert await database.write(play) == [
        (None, None),
        (None, RoundState.ABSENT),
        (BeingJudged, RoundState.READY),
    ]


async def test_a_cancelled_competition_stops_everything_in_the_middle(database: Database) -> None:
    def play(session: Session) -> set[Any]:
        made, luo = making.competition(session), holder(session)
        lin = make.teacher(session, "林若溪")
        entry_id = submitted(session, lin, made)
        venue_id = session.exec(select(Venue.id)).one()
        made.state = CompetitionState.CANCELLED
        session.flush()
        return {
            type(refused(*call, now=NOW))
            for call in (
                (entering.submit, session, lin, entry_id),
                (entering.set_title, session, lin, entry_id, "新"),
                (receiving.accept, session, luo, entry_id),
                (receiving.accept_all, session, luo, venue_id),
                (receiving.send_back, session, luo, entry_id, "补充"),
                (
                    receiving.disqualify,
                    session,
                    holder(session, "顾岩", Role.COUNTY_COORDINATOR),
                    entry_id,
                    "重复",
                ),
            )
        } | {type(refused(paper, session, lin, entry_id, "新.docx"))}

    assert await database.write(play) == {CompetitionOver}


async def test_an_entry_taken_out_and_put_back_stands_as_before(database: Database) -> None:
    def play(session: Session) -> list[Any]:
        made = making.competition(session)
        gu = holder(session, "顾岩", Role.COUNTY_COORDINATOR)
        lin = make.teacher(session, "林若溪")
        row, place = making.entry(session, made, lin)
        assert place is not None
        place.state = RoundState.SCHEDULED
        session.flush()
        deed_id = receiving.disqualify(session, gu, row.id, "重复参赛", now=NOW)
        out = (row.state, place.state)
        twice = receiving.disqualify(session, gu, row.id, "重复参赛", now=NOW)
        again = refused(enter, session, lin, made)
        assert deed_id is not None
        undo(session, gu, deed_id, now=NOW + timedelta(minutes=9))
        return [out, twice, type(again), (row.state, place.state)]

    assert await database.write(play) == [
        (CompetingState.DISQUALIFIED, RoundState.DISQUALIFIED),
        None,
        EnteredAlready,
        (CompetingState.COMPETING, RoundState.SCHEDULED),
    ]


async def test_shares_count_people_and_go_to_who_sees_to_them(database: Database) -> None:
    def play(session: Session) -> list[Any]:
        made = making.competition(session, min_share=0.5)
        luo = holder(session)
        gu = holder(session, "顾岩", Role.COUNTY_COORDINATOR)
        make.teacher(session, "邵云帆", at="柳渡镇中心小学")
        submitted(session, make.teacher(session, "林若溪"), made)
        enter(session, make.teacher(session, "石晓岚"), made)  # a draft is no entry yet
        mine = receiving.shares(session, luo, made.id, now=NOW)
        every = receiving.shares(session, gu, made.id, now=NOW)
        nobody = refused(
            receiving.shares, session, make.teacher(session, "韩静仪"), made.id, now=NOW
        )
        return [
            [(each.unit, each.entered, each.people, each.is_reached) for each in mine],
            len(every),
            type(nobody),
        ]

    assert await database.write(play) == [
        [("澄禾县实验小学", 1, 3, False)],
        3,
        NotAllowed,
    ]


async def test_a_team_is_never_larger_than_its_rules(database: Database) -> None:
    def play(session: Session) -> list[Any]:
        made = making.competition(session, team_most=2)
        lin = make.teacher(session, "林若溪")
        make.account(session, lin)
        shi, han = make.teacher(session, "石晓岚"), make.teacher(session, "韩静仪")
        entry_id = enter(session, lin, made)
        teams.ask(session, lin, entry_id, shi, now=NOW)
        teams.ask(session, lin, entry_id, shi, now=NOW)
        full = refused(teams.ask, session, lin, entry_id, han, now=NOW)
        joined = teams.answer(session, shi, entry_id, yes=True, now=NOW)
        again = teams.answer(session, shi, entry_id, yes=True, now=NOW)
        own = refused(enter, session, shi, made)
        uninvited = refused(teams.answer, session, han, entry_id, yes=True, now=NOW)
        return [type(full), joined, again, type(own), type(uninvited)]

    assert await database.write(play) == [
        teams.TeamFull,
        True,
        True,
        EnteredAlready,
        teams.NotAsked,
    ]


async def test_who_is_only_asked_owes_an_answer_and_makes_nothing_yet(database: Database) -> None:
    def play(session: Session) -> list[Any]:
        made = making.competition(session, team_most=2)
        lin, shi = make.teacher(session, "林若溪"), make.teacher(session, "石晓岚")
        entry_id = submitted(session, lin, made)
        teams.ask(session, lin, entry_id, shi, now=NOW)
        first = session.exec(select(Round).where(Round.position == 1)).one()

        def found() -> tuple[Any, ...]:
            owes: Any = of_competitions.owes(
                session, "entry_close", first.id, now=NOW, teacher_id=shi
            )
            lines = entering.lines(session, shi, now=NOW)
            return (
                session.connection().execute(owes).all() != [],
                [(line.asked_by, line.needs_me, line.state) for line in lines],
                entering.authors(session, entry_id),
                list(conflicts._co_authors(session, lin)),
            )

        before = found()
        teams.answer(session, shi, entry_id, yes=True, now=NOW)
        return [shi, before, found()]

    shi, before, after = await database.write(play)
    assert before == (True, [("林若溪", True, None), ("", False, None)], (), [])
    assert after == (False, [("", False, CompetingState.SUBMITTED)], ((shi, "石晓岚"),), [shi])


async def test_an_entry_taken_up_again_is_made_alone_at_first(database: Database) -> None:
    def play(session: Session) -> list[Any]:
        made = making.competition(session, team_most=2)
        lin, shi = make.teacher(session, "林若溪"), make.teacher(session, "石晓岚")
        make.account(session, lin)
        entry_id = enter(session, lin, made)
        teams.ask(session, lin, entry_id, shi, now=NOW)
        teams.answer(session, shi, entry_id, yes=True, now=NOW)
        entering.withdraw(session, lin, entry_id, "", now=NOW)
        enter(session, shi, made)
        again = enter(session, lin, made)
        return [again == entry_id, entering.authors(session, entry_id)]

    assert await database.write(play) == [True, ()]


@pytest.mark.parametrize("closes", [True, False])
async def test_returned_work_is_mended_until_the_round_begins(
    database: Database, closes: bool
) -> None:
    def play(session: Session) -> list[Any]:
        made, luo = making.competition(session), holder(session)
        lin = make.teacher(session, "林若溪")
        entry_id = submitted(session, lin, made)
        receiving.send_back(session, luo, entry_id, "补充反思", now=NOW)
        first = session.exec(select(Round).where(Round.position == 1)).one()
        assert first.starts_at is not None
        when = first.starts_at - timedelta(minutes=1) if closes else first.starts_at
        why = refused(entering.submit, session, lin, entry_id, now=when)
        stands = refused(receiving.accept, session, luo, entry_id, now=NOW)
        return [None if why is None else type(why), None if stands is None else type(stands)]

    expected = [None, None] if closes else [EntriesClosed, EntryStands]
    assert await database.write(play) == expected


def test_a_title_is_compared_without_its_year_and_number() -> None:
    same = {
        eligibility._plain(title)
        for title in ("2025年课堂教学大赛", "第十二届课堂教学大赛", "课堂教学大赛 2026-2027学年")
    }
    assert same == {"课堂教学大赛"}


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_people_do_each_is_in_one_entry_and_no_team_is_too_large(
    sqlite: Database, seed: int
) -> None:
    chance = random.Random(seed)

    def play(session: Session) -> tuple[int, int, bool]:
        made = making.competition(session, team_most=2)
        session.add(Track(competition_id=made.id, position=2, title="综合组"))
        session.flush()
        luo = holder(session)
        people = [make.teacher(session, f"老师{n}") for n in range(4)]
        for one in people:
            make.account(session, one)
        tracks = [each.id for each in venues.tracks(session, made.id)]
        for step in range(60):
            now = NOW + step * timedelta(minutes=1)
            who, other = chance.choice(people), chance.choice(people)
            ids = list(session.exec(select(Entry.id)).all()) or [0]
            entry_id = chance.choice(ids)
            deed = session.exec(select(Deed.id).order_by(col(Deed.id).desc())).first() or 0
            call: tuple[Any, ...] = chance.choice(
                [
                    (entering.enter, who, made.id, chance.choice(tracks)),
                    (putting_forward.put_forward, luo, made.id, chance.choice(tracks), who),
                    (teams.ask, who, entry_id, other),
                    (entering.withdraw, who, entry_id, ""),
                    (receiving.accept, luo, entry_id),
                    (receiving.send_back, luo, entry_id, "补充"),
                    (undo, luo, deed),
                ]
            )
            refused(call[0], session, *call[1:], now=now)
            refused(teams.answer, session, other, entry_id, yes=True, now=now)
            refused(entering.set_title, session, who, entry_id, "《春》", now=now)
            refused(paper, session, who, entry_id, now=now) if entry_id else None
            refused(entering.submit, session, who, entry_id, now=now)
        stands = select(Entry.id, Entry.teacher_id).where(col(Entry.state).in_(eligibility.ONCE))
        makers = [
            maker
            for id_, teacher_id in session.exec(stands).all()
            for maker in (teacher_id, *(one for one, _name in entering.authors(session, id_)))
        ]
        largest = max(
            (1 + len(entering.authors(session, id_)) for id_ in session.exec(select(Entry.id))),
            default=0,
        )
        placed = set(session.exec(select(EntryRound.entry_id)).all())
        competing = set(
            session.exec(select(Entry.id).where(Entry.state == CompetingState.COMPETING)).all()
        )
        return len(makers) - len(set(makers)), largest, placed == competing

    twice, largest, agrees = await sqlite.write(play)
    assert twice == 0
    assert largest <= 2
    assert agrees
