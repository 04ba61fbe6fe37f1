"""Setting a competition up, as its organisers see it."""

from __future__ import annotations

from sqlmodel import select

from storage.competitions.tables import Competition, CompetitionState, Round
from storage.messaging.tables import Deadline
from storage.people import roles
from storage.people.tables import Role
from tests import make
from tests.make import NOW
from tests.stage import Actor, Stage

TODAY = NOW.date()


async def organiser(stage: Stage, name: str = "顾岩", language: str = "en") -> Actor:
    who = await stage.teacher(name, language, at="教师发展中心", subject="语文")
    assert who.teacher_id is not None

    def appoint(session: object) -> None:
        roles.appoint(
            session,  # type: ignore[arg-type]
            who.teacher_id,  # type: ignore[arg-type]
            Role.COUNTY_COORDINATOR,
            make.county(session),  # type: ignore[arg-type]
            today=TODAY,
            now=NOW,
        )

    await stage.database.write(appoint)
    return who


async def makes_a_draft(who: Actor) -> None:
    """Answer every question of the dialogue."""
    await who.says("/desk")
    await who.taps("Competitions")
    await who.taps("New competition")
    await who.taps("Begin")
    await who.taps("classroom teaching")
    await who.taps("2026-2027")
    await who.says("第十二届课堂教学大赛")
    await who.taps("primary")
    await who.taps("Go on")
    await who.taps("语文")
    await who.taps("Go on")
    await who.taps("Semi-final")
    await who.taps("Go on")
    await who.says("11月23日 8:00 至 12月11日 18:00")
    await who.says("12月14日 至 12月25日")
    await who.says("2027年3月15日 至 4月2日")
    await who.says("2027年4月20日 12:00")


async def test_a_competition_is_made_published_and_seen_in_a_few_minutes(stage: Stage) -> None:
    gu = await organiser(stage)
    await organiser(stage, "梁素问")
    await makes_a_draft(gu)
    assert "第十二届课堂教学大赛" in gu.sees()
    assert "2027" in gu.sees()
    await gu.taps("Make the draft")
    assert gu.alert == "The draft is made. Nobody else sees it until it is published."
    assert "Tracks: Primary 语文" in gu.sees()
    said = await gu.taps("Check and publish")
    assert "Please see to this first" not in said, said
    assert "Publish" in " ".join(gu.labels())
    said = await gu.taps("Publish")
    assert gu.alert == "Published; the rules are frozen."
    assert "under way" in said

    rounds = await stage.database.read(
        lambda s: s.exec(select(Round.frozen_hash).order_by(Round.position)).all()  # type: ignore[arg-type]
    )
    assert all(len(each) == 64 for each in rounds)
    kinds = await stage.database.read(lambda s: set(s.exec(select(Deadline.kind)).all()))
    assert {"entry_close", "forward_due", "publicity"} <= kinds

    await gu.taps("Rules")
    said = await gu.taps("Preliminary")
    assert "40% of the entries of a track, a half rounded up" in said
    assert rounds[0] in said
    assert "They are as they were published." in said
    state = await stage.database.read(lambda s: s.exec(select(Competition.state)).one())
    assert state is CompetitionState.PUBLISHED
