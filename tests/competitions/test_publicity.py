"""Public display, objections, what follows from awards, external rounds and the report."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, col, select

from storage import undoing
from storage.competitions import (
    awarding,
    deciding,
    editing,
    entering,
    objections,
    outside,
    publicity,
    reporting,
    views,
)
from storage.competitions.editing import NotUnderWay, What
from storage.competitions.objections import How
from storage.competitions.tables import (
    CompetingState,
    Competition,
    CompetitionState,
    Entry,
    EntryRound,
    Honour,
    Judge,
    JudgeState,
    ObjectionState,
    ResourceProposal,
    Round,
    RoundCard,
    RoundCardKind,
    RoundState,
    TierProposal,
    TierProposalState,
    Venue,
    VenueState,
)
from storage.credits.tables import CreditEntry, EntryState
from storage.database import Database
from storage.messaging.tables import Chat, ChatPurpose, OutboxMessage, OutboxState
from storage.people import mydata, roles
from storage.people.tables import Role
from storage.refusals import NotAllowed, OwnCase
from tests import make
from tests.competitions import judged, making
from tests.make import NOW

SCHOOL, OTHER = "澄禾县实验小学", "柳渡镇中心小学"
FOUR = {"林若溪": SCHOOL, "石晓岚": SCHOOL, "韩静仪": OTHER, "唐亦舟": OTHER}
SOON = NOW + timedelta(minutes=11)
AFTER = NOW + timedelta(days=40)
"""The public display of the tests' final is over then."""


def _final(session: Session, *totals: int) -> tuple[int, int, Competition, list[EntryRound]]:
    """A final of four, decided; its organiser, round, competition and places."""
    made = making.competition(session)
    venue_id, places = judged.venue(
        session, made, FOUR, judged.totals(*(totals or (90, 80, 70, 60))), position=2
    )
    who = judged.holder(session)
    round_ = session.exec(select(Round).where(Round.position == 2)).one()
    round_.publicity_from = NOW.date()
    round_.publicity_until = NOW.date() + timedelta(days=1)
    session.flush()
    seen = deciding.listing(session, who, venue_id, now=NOW)
    deciding.decide(session, who, venue_id, seen.mark, now=NOW)
    return who, round_.id, made, places


def _shown(session: Session, *totals: int) -> tuple[int, int, Competition, list[EntryRound]]:
    who, round_id, made, places = _final(session, *totals)
    publicity.put_up(session, who, round_id, now=SOON)
    return who, round_id, made, places


async def test_a_list_hangs_five_working_days_and_names_only_who_has_an_award(
    database: Database,
) -> None:
    def play(session: Session) -> Any:
        who, round_id, made, _places = _final(session)
        session.add_all(
            [
                Chat(
                    tg_chat_id=-100,
                    title="比赛群",
                    purpose=ChatPurpose.COMPETITION,
                    competition_id=made.id,
                ),
                Chat(tg_chat_id=-101, title="全员群", purpose=ChatPurpose.ALL_STAFF),
                Chat(tg_chat_id=-102, title="学科群", purpose=ChatPurpose.SUBJECT),
            ]
        )
        session.flush()
        with pytest.raises(publicity.NotAllDecided):
            publicity.put_up(session, who, round_id, now=NOW)
        public = publicity.put_up(session, who, round_id, now=SOON)
        again = publicity.put_up(session, who, round_id, now=SOON)
        cards = session.exec(select(RoundCard.kind)).all()
        return public, again == public, list(cards)

    public, same, cards = await database.write(play)
    assert same
    assert cards == [RoundCardKind.PUBLICITY] * 2
    assert [(one.name, one.school, one.award) for one in public.lines] == [
        ("林若溪", SCHOOL, "一等奖"),
        ("石晓岚", SCHOOL, "一等奖"),
    ]
    # Friday 20 November and four working days more.
    assert (public.until.month, public.until.day) == (11, 26)


async def test_a_list_that_hangs_comes_down_no_earlier_than_it_says(database: Database) -> None:
    def play(session: Session) -> Any:
        who, round_id, made, _places = _shown(session)
        row = session.get_one(Round, round_id)
        until, found = row.publicity_until, list[Any]()
        for text in ("-", "2026年11月12日至11月19日", "2026年11月20日至11月30日"):
            try:
                editing.change(
                    session, who, made.id, What.PUBLICITY, text, round_id=round_id, now=SOON
                )
                found.append(None)
            except editing.PublicityTooShort as refusal:
                found.append(refusal.until)
        public = publicity.public_list(session, round_id, now=SOON)
        assert public is not None
        return until, found, public.until, public.first, row.list_version

    until, found, after, first, version = await database.write(play)
    assert found == [until, until, None]
    assert (after.day, first.day, version) == (30, 20, 1)


async def test_an_objection_is_seen_by_who_decides_and_by_nobody_concerned(
    database: Database,
) -> None:
    def play(session: Session) -> Any:
        who, round_id, made, places = _shown(session)
        by = make.teacher(session, "周知行", at=OTHER)
        judge = judged.holder(session, "方砚秋")
        concerned = make.teacher(session, "邵云帆", at=SCHOOL)

        roles.appoint(
            session,
            concerned,
            Role.COUNTY_COORDINATOR,
            make.county(session),
            today=NOW.date(),
            now=NOW,
        )
        assert places[0].venue_id is not None
        session.add(
            Judge(
                venue_id=places[0].venue_id,
                teacher_id=judge,
                number=9,
                state=JudgeState.ACCEPTED,
                invited_by=who,
                invited_at=NOW,
            )
        )
        session.flush()
        raised = objections.submit(
            session, by, round_id, "该课例曾获奖", place_id=places[0].id, now=SOON
        )
        twice = objections.submit(
            session, by, round_id, "该课例曾获奖", place_id=places[0].id, now=SOON
        )
        told = session.exec(
            select(OutboxMessage.teacher_id).where(OutboxMessage.kind == objections.RAISED)
        ).all()
        for other in (judge, concerned):
            with pytest.raises(OwnCase):
                objections.open_one(session, other, raised.id, now=SOON)
            assert objections.of_round(session, other, round_id, now=SOON) == ()
        with pytest.raises(NotAllowed):
            objections.open_one(session, by, raised.id, now=SOON)
        seen = objections.open_one(session, who, raised.id, now=SOON)
        with pytest.raises(awarding.ObjectionsOpen):
            awarding.confirm(session, who, round_id, now=AFTER)
        return raised.id == twice.id, list(told) == [who], seen.by_name, raised.due_at, made.id

    same, only, by_name, due, _id = await database.write(play)
    assert same
    assert only
    assert by_name == "周知行"
    assert due == datetime(2026, 11, 27, 9, 0, tzinfo=NOW.tzinfo)


async def test_upheld_the_list_is_made_anew_and_hangs_as_a_second_version(
    database: Database,
) -> None:
    def play(session: Session) -> Any:
        who, round_id, _made, places = _shown(session)
        assert [one.entries for one in views.runs(session, who, now=SOON).lines] == [4]
        by = make.teacher(session, "周知行", at=OTHER)
        raised = objections.submit(session, by, round_id, "抄袭", place_id=places[0].id, now=SOON)
        later = NOW + timedelta(days=3)
        objections.settle(session, who, raised.id, How.OUT, "查实", now=later)
        objections.settle(session, who, raised.id, How.REFUSE, "改主意", now=later)
        assert not publicity.correct_due(session, now=later + timedelta(minutes=9))
        assert publicity.correct_due(session, now=later + timedelta(minutes=10)) == 1
        assert not publicity.correct_due(session, now=later + timedelta(minutes=11))
        public = publicity.public_list(session, round_id, now=later)
        with pytest.raises(objections.BeingAnswered):
            objections.withdraw(session, by, raised.id, now=later)
        unsaid = objections.own(session, by, raised.id, now=later)
        assert (unsaid.state, unsaid.answer) == (ObjectionState.OPEN, "")
        assert "一等奖" in unsaid.about
        after = later + timedelta(minutes=10)
        assert "一等奖" not in objections.own(session, by, raised.id, now=after).about
        mine = objections.own(session, by, raised.id, now=after)
        assert public is not None
        return public, mine.state, mine.answer, places[0].state, places[0].award

    public, state, answer, place, award = await database.write(play)
    assert public.version == 2
    # Of three that are left a half, rounded up, is two.
    assert [one.name for one in public.lines] == ["石晓岚", "韩静仪"]
    assert (public.until.month, public.until.day) == (11, 27)
    assert (state, answer) == (ObjectionState.UPHELD, "查实")
    assert (place, award) == (RoundState.DISQUALIFIED, "")


async def test_what_can_be_taken_back_is_not_seen_by_who_it_concerns(database: Database) -> None:
    def play(session: Session) -> Any:
        who, round_id, made, places = _shown(session)
        entry_id = places[0].entry_id
        lin = session.get_one(Entry, entry_id).teacher_id

        def seen(now: datetime) -> Any:
            mine = entering.my_entry(session, lin, entry_id, now=now)
            told = deciding.outcome(session, lin, places[0].id, now=now)
            (line,) = (
                each for each in entering.lines(session, lin, now=now) if each.entry_id == entry_id
            )
            (shown,) = entering.shown(session, lin, made.id, now=now).entries
            assert mine.state == line.state == shown[2]
            assert mine.now.award == told.award
            assert mine.now.state == told.state
            return mine.state, mine.reason, told.award, told.score

        decided, known = seen(NOW), seen(SOON)
        by = make.teacher(session, "周知行", at=OTHER)
        what: dict[str, Any] = {"place_id": places[0].id, "now": SOON}
        one = objections.submit(session, by, round_id, "算错", **what)
        objections.settle(session, who, one.id, How.SCORE, "更正", score=10, now=SOON)
        lowered = seen(SOON)
        two = objections.submit(session, by, round_id, "抄袭", **what)
        objections.settle(session, who, two.id, How.OUT, "查实", now=SOON)
        return decided, known, lowered, seen(SOON), seen(SOON + timedelta(minutes=10))

    decided, known, lowered, out, after = await database.write(play)
    assert decided == (CompetingState.COMPETING, "", "", None)
    assert known == lowered == out
    assert known == (CompetingState.COMPETING, "", "一等奖", 90)
    assert after[0] is CompetingState.DISQUALIFIED
    assert after[2] == ""


async def test_two_corrections_hang_together_when_neither_can_be_taken_back(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        who, round_id, _made, places = _shown(session)
        by = make.teacher(session, "周知行", at=OTHER)
        one = objections.submit(session, by, round_id, "都算错", now=SOON)
        minute = timedelta(minutes=1)

        def hangs(now: datetime) -> list[str]:
            publicity.correct_due(session, now=now)
            public = publicity.public_list(session, round_id, now=now)
            assert public is not None
            return [line.name for line in public.lines]

        first = hangs(SOON)
        for n in (0, 1):
            now = SOON + 5 * n * minute
            what: dict[str, Any] = {"place_id": places[n].id, "now": now}
            objections.settle(session, who, one.id, How.OUT, f"查实{n}", **what)
            said = objections.own(session, by, one.id, now=now)
            assert (said.state, said.answer) == (ObjectionState.OPEN, "")
        assert hangs(SOON + 10 * minute) == first
        deed_id = objections.open_one(session, who, one.id, now=SOON + 12 * minute).deed_id
        assert deed_id is not None
        undoing.undo(session, who, deed_id, now=SOON + 12 * minute)
        assert hangs(SOON + 15 * minute) == ["石晓岚", "韩静仪"]

    await database.write(play)


async def test_what_can_be_taken_back_is_in_no_copy_of_ones_data(database: Database) -> None:
    def play(session: Session) -> tuple[str, str]:
        who, round_id, _made, places = _shown(session)
        by = make.teacher(session, "周知行", at=OTHER)
        lin = session.get_one(Entry, places[0].entry_id).teacher_id
        accounts = [make.account(session, one, tg_user_id=one) for one in (lin, by)]
        what: dict[str, Any] = {"place_id": places[0].id, "now": SOON}
        one = objections.submit(session, by, round_id, "抄袭", **what)
        objections.settle(session, who, one.id, How.OUT, "查实", now=SOON)

        def copies(now: datetime) -> str:
            return " ".join(
                str(mydata.everything_about(session, account_id, now=now).portions)
                for account_id in accounts
            )

        return copies(SOON), copies(SOON + timedelta(minutes=11))

    within, after = await database.write(play)
    assert "查实" not in within
    assert "disqualified" not in within
    assert "查实" in after
    assert "disqualified" in after


async def test_a_right_score_moves_the_list_and_a_refusal_leaves_it(database: Database) -> None:
    def play(session: Session) -> Any:
        who, round_id, _made, places = _shown(session)
        by = make.teacher(session, "周知行", at=OTHER)
        one = objections.submit(session, by, round_id, "算错", place_id=places[2].id, now=SOON)
        two = objections.submit(session, by, round_id, "整体", now=SOON)
        objections.settle(session, who, two.id, How.REFUSE, "名单无误", now=SOON)
        with pytest.raises(objections.WrongScore):
            objections.settle(session, who, one.id, How.SCORE, "更正", score=101, now=SOON)
        objections.settle(session, who, one.id, How.SCORE, "更正", score=95, now=SOON)
        publicity.correct_due(session, now=SOON + timedelta(minutes=10))
        public = publicity.public_list(session, round_id, now=SOON)
        assert public is not None
        return [line.name for line in public.lines], public.version, places[1].award

    names, version, award = await database.write(play)
    assert names == ["林若溪", "韩静仪"]
    assert (version, award) == (2, "")


async def test_the_whole_list_upheld_an_entry_is_put_right_seen_before_and_taken_back(
    database: Database,
) -> None:
    def play(session: Session) -> Any:
        who, round_id, _made, places = _shown(session)
        by = make.teacher(session, "周知行", at=OTHER)
        one = objections.submit(session, by, round_id, "整体", now=SOON)
        objections.settle(session, who, one.id, How.NOTED, "属实", now=SOON)
        venue_id = places[0].venue_id
        assert venue_id is not None
        before = deciding.snapshot(session, venue_id)
        assert len(objections.choices(session, who, one.id, now=SOON)) == 4
        what: dict[str, Any] = {"place_id": places[2].id, "score": 95.0, "now": SOON}
        seen = objections.preview(session, who, one.id, How.SCORE, **what)
        assert deciding.snapshot(session, venue_id) == before
        objections.settle(session, who, one.id, How.SCORE, "漏登", **what)
        after = deciding.snapshot(session, venue_id)
        assert {(each.name, each.state, each.award) for each in seen.shifts} == {
            (name, RoundState(after[str(place.id)][0]), after[str(place.id)][3])
            for name, place in zip(FOUR, places, strict=True)
            if after[str(place.id)][::3] != before[str(place.id)][::3]
        }
        deed_id = objections.open_one(session, who, one.id, now=SOON).deed_id
        assert deed_id is not None
        with pytest.raises(awarding.TooEarlyToConfirm):
            awarding.confirm(session, who, round_id, now=SOON)
        undoing.undo(session, who, deed_id, now=SOON)
        assert not publicity.correct_due(session, now=SOON + timedelta(minutes=10))
        waiting = session.exec(
            select(OutboxMessage.id).where(
                OutboxMessage.kind == deciding.OUTCOME,
                OutboxMessage.state == OutboxState.PENDING,
                col(OutboxMessage.not_before) > SOON,
            )
        ).all()
        return deciding.snapshot(session, venue_id) == before, places[2].score, waiting, seen

    same, score, waiting, seen = await database.write(play)
    assert (same, score, waiting) == (True, 70, [])
    assert seen.shifts
    assert seen.people == len(seen.shifts)


async def test_a_title_is_published_only_with_the_entrants_consent(database: Database) -> None:
    def play(session: Session) -> Any:
        who, round_id, _made, places = _shown(session)
        entry = session.get_one(Entry, places[0].entry_id)
        entering.set_publish(session, entry.teacher_id, entry.id, may=True, now=SOON)
        shown = publicity.public_list(session, round_id, now=SOON)
        awarding.confirm(session, who, round_id, now=AFTER)
        won = publicity.winners(session, round_id)
        awarding.answer_sharing(session, entry.teacher_id, entry.id, True, now=AFTER)
        entering.set_publish(session, entry.teacher_id, entry.id, may=False, now=AFTER)
        after = publicity.winners(session, round_id)
        assert shown is not None
        assert won is not None
        assert after is not None
        return (
            *([line.work for line in each.lines] for each in (shown, won, after)),
            session.exec(select(ResourceProposal.agreed)).all(),
        )

    shown, won, after, agreed = await database.write(play)
    assert (shown, won, after) == (["", ""], ["春", ""], ["", ""])
    assert list(agreed) == [False]


async def test_confirmed_once_awards_make_honours_hours_and_proposals(
    database: Database,
) -> None:
    def play(session: Session) -> Any:
        who, round_id, _made, places = _shown(session)
        consents = session.get_one(Entry, places[0].entry_id)
        entering.set_publish(session, consents.teacher_id, consents.id, may=True, now=SOON)
        with pytest.raises(awarding.TooEarlyToConfirm):
            awarding.confirm(session, who, round_id, now=SOON)
        done = awarding.confirm(session, who, round_id, now=AFTER)
        again = awarding.confirm(session, who, round_id, now=AFTER)
        honours = session.exec(select(Honour).order_by(col(Honour.id))).all()
        hours = session.exec(select(CreditEntry)).all()
        tiers = session.exec(select(TierProposal)).all()
        nominated = session.exec(
            select(EntryRound.entry_id).where(EntryRound.state == RoundState.NOMINATED)
        ).all()
        return (
            done,
            again.is_new,
            [(row.award, row.level, row.certificate_no) for row in honours],
            [(line.hours, line.level, line.state) for line in hours],
            [tier.state for tier in tiers],
            len(session.exec(select(ResourceProposal)).all()),
            list(nominated) == [places[0].entry_id],
            places[0].forwarded_at == AFTER,
            {row.state for row in session.exec(select(Venue)).all()},
        )

    done, again, honours, hours, tiers, asked, nominated, sent, venues = await database.write(play)
    assert (done.winners, done.hours, done.proposals, done.forwarded) == (2, 2, 2, 1)
    assert not again
    assert honours == [
        ("一等奖", "county", "CH-J2026-0001"),
        ("一等奖", "county", "CH-J2026-0002"),
    ]
    assert hours == [(Decimal(18), "county", EntryState.POSTED)] * 2
    assert tiers == [TierProposalState.PROPOSED] * 2
    assert asked == 1
    assert nominated
    assert sent
    assert venues == {VenueState.CONFIRMED}


async def test_nobody_confirms_the_round_in_which_they_compete(database: Database) -> None:
    def play(session: Session) -> None:
        _who, round_id, _made, places = _shown(session)
        entrant = session.exec(select(Entry.teacher_id).where(Entry.id == places[3].entry_id)).one()
        county = make.county(session)
        today = NOW.date()
        roles.appoint(session, entrant, Role.COUNTY_COORDINATOR, county, today=today, now=NOW)
        with pytest.raises(OwnCase):
            awarding.confirm(session, entrant, round_id, now=AFTER)

    await database.write(play)


async def test_an_award_taken_back_takes_back_what_followed(database: Database) -> None:
    def play(session: Session) -> Any:
        who, round_id, _made, places = _shown(session)
        awarding.confirm(session, who, round_id, now=AFTER)
        first = awarding.revoke(session, who, places[1].id, "作品非原创", now=AFTER)
        second = awarding.revoke(session, who, places[1].id, "作品非原创", now=AFTER)
        total = sum(line.hours for line in session.exec(select(CreditEntry)).all())
        tiers = sorted(row.state.value for row in session.exec(select(TierProposal)).all())
        public = publicity.winners(session, round_id)
        assert public is not None
        kept = [one.place_id == places[0].id for one in public.lines]
        return first, second, total, tiers, kept

    assert await database.write(play) == (1, 0, Decimal(18), ["proposed", "withdrawn"], [True])


async def test_school_then_county_agree_to_a_tier_and_nobody_to_their_own(
    database: Database,
) -> None:
    def play(session: Session) -> Any:
        who, round_id, _made, places = _shown(session)
        awarding.confirm(session, who, round_id, now=AFTER)
        school = make.school(session, SCHOOL)
        head = judged.holder(session, "沈校长", Role.SCHOOL_COORDINATOR, school)
        stranger = judged.holder(
            session, "外校长", Role.SCHOOL_COORDINATOR, make.school(session, OTHER)
        )
        row = session.exec(select(TierProposal).order_by(col(TierProposal.id))).first()
        assert row is not None
        with pytest.raises(NotAllowed):
            awarding.settle_proposal(session, stranger, row.id, agreed=True, now=AFTER)
        waiting = len(awarding.proposals(session, head, now=AFTER))
        one = awarding.settle_proposal(session, head, row.id, agreed=True, now=AFTER)
        with pytest.raises(awarding.AlreadySettled):
            awarding.settle_proposal(session, head, row.id, agreed=True, now=AFTER)
        two = awarding.settle_proposal(session, who, row.id, agreed=True, now=AFTER)
        with pytest.raises(awarding.AlreadySettled):
            awarding.settle_proposal(session, who, row.id, agreed=False, now=AFTER)
        return waiting, one.state, two.state, places[0].id > 0

    assert await database.write(play) == (
        2,
        TierProposalState.SCHOOL_OK,
        TierProposalState.COUNTY_OK,
        True,
    )


async def test_an_external_round_is_nominated_within_its_quota_sent_once_and_comes_back(
    database: Database,
) -> None:
    def play(session: Session) -> Any:
        who, round_id, made, places = _shown(session)
        awarding.confirm(session, who, round_id, now=AFTER)
        city = session.exec(select(Round).where(Round.position == 3)).one()
        with pytest.raises(outside.QuotaFull):
            outside.nominate(session, who, city.id, places[1].entry_id, now=AFTER)
        facts = outside.outside(session, who, city.id, now=AFTER)
        (nominee,) = facts.nominees
        assert nominee.place_id is not None
        with pytest.raises(outside.NotNominated):
            outside.came_back(session, who, nominee.place_id, "市一等奖", now=AFTER)
        sent = outside.push(session, who, city.id, now=AFTER)
        twice = outside.push(session, who, city.id, now=AFTER)
        number = outside.entry_number(nominee.entry_id, city.id)
        read = outside.record_all(session, who, {number: "市一等奖", "K9-9": "x"}, now=AFTER)
        outside.record_all(session, who, {number: "市一等奖"}, now=AFTER)
        honours = session.exec(select(Honour.level).where(Honour.level == "city")).all()
        outside.record_all(session, who, {number: "无"}, now=AFTER)
        row = session.exec(select(EntryRound).where(EntryRound.id == nominee.place_id)).one()
        left = session.exec(
            select(Honour.id).where(Honour.level == "city", col(Honour.revoked_at).is_(None))
        ).all()
        report = reporting.report(session, who, made.id, now=AFTER)
        return sent, twice, read, len(honours), row.state, len(left), report

    sent, twice, read, honours, state, left, report = await database.write(play)
    assert (sent, twice) == (1, 0)
    assert (read.recorded, read.unknown) == (1, ("K9-9",))
    assert (honours, state, left) == (1, RoundState.PUSHED_OUT, 0)
    assert (report.entries, report.units) == (4, 2)
    assert report.tracks[0].awards == {"一等奖": 2}
    final = report.rounds[1]
    assert (final.entries, final.went_on, final.places) == (4, 1, 1)


async def test_who_did_not_come_makes_no_place_in_an_external_round(database: Database) -> None:
    def play(session: Session) -> int:
        made = making.competition(session)
        venue_id, places = judged.venue(
            session, made, FOUR, judged.totals(90, 80, 70, 60), position=2
        )
        places[3].state, places[3].score = RoundState.ABSENT, None
        city = session.exec(select(Round).where(Round.position == 3)).one()
        city.quota = {"share": 0.4, "min": 0}  # of three one; of four it would be two
        session.flush()
        who = judged.holder(session)
        seen = deciding.listing(session, who, venue_id, now=NOW)
        deciding.decide(session, who, venue_id, seen.mark, now=NOW)
        session.exec(select(Round).where(Round.position == 2)).one().publicity_until = None
        session.flush()
        awarding.confirm(session, who, places[0].round_id, now=SOON)
        with pytest.raises(outside.QuotaFull):
            outside.nominate(session, who, city.id, places[1].entry_id, now=SOON)
        return len(outside.outside(session, who, city.id, now=SOON).nominees)

    assert await database.write(play) == 1


async def test_a_cancelled_competition_shows_confirms_and_sends_nothing(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        who, round_id, made, places = _shown(session)
        by = make.teacher(session, "周知行", at=OTHER)
        made.state = CompetitionState.CANCELLED
        session.flush()

        public = publicity.public_list(session, round_id, now=SOON)
        assert public is not None
        assert public.is_cancelled
        assert not public.is_up
        with pytest.raises(objections.NotOnDisplay):
            objections.submit(session, by, round_id, "x", place_id=places[0].id, now=SOON)
        with pytest.raises(NotUnderWay):
            awarding.confirm(session, who, round_id, now=AFTER)
        assert session.exec(select(Entry.id)).first() is not None

    await database.write(play)
