"""What a teacher sees of their studying, says of it, and who looks at what they say."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from handlers.training.remote.study_text import missing_text, study_card
from storage import kinds
from storage.database import Database
from storage.messaging.tables import News
from storage.people.tables import Role
from storage.refusals import NotAllowed, NotFound, OwnCase
from storage.training.remote import my_study, obstacles, study_claims
from storage.training.remote.looking import Looker
from storage.training.remote.pace import Standing
from storage.training.remote.study_claims import ClaimSettled, NoAnswer, NoEvidence
from storage.training.remote.tables import (
    Measure,
    Obstacle,
    ObstacleReason,
    Platform,
    Progress,
    ProgressItem,
    StudyClaim,
    StudyClaimState,
    TutorUnit,
)
from storage.training.tables import Registration, RegistrationState
from tests import make
from tests.training import classes
from tests.training.remote import studying
from tests.training.remote.studying import at

NOW = at(11, 2)


def items(session: Session, batch_id: int) -> list[int]:
    """Videos, homework with a date of its own, and posts that need not be."""
    rows = [
        ProgressItem(
            batch_id=batch_id,
            position=1,
            kind="watch_minutes",
            title="视频学习",
            measure=Measure.MINUTES,
            required=900,
            weight=0.4,
        ),
        ProgressItem(
            batch_id=batch_id,
            position=2,
            kind="homework",
            title="作业",
            measure=Measure.TIMES,
            required=2,
            weight=0.3,
            due_at=at(11, 6),
        ),
        ProgressItem(
            batch_id=batch_id,
            position=3,
            kind="forum",
            title="研讨发帖",
            measure=Measure.TIMES,
            required=4,
            weight=0.3,
            mandatory=False,
        ),
    ]
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


def lin_studies(session: Session, **differs: Any) -> tuple[int, int, int]:
    """A class, 林若溪 in it, and their registration; 10 % by the figures of today."""
    make.office(session)
    platform = Platform(
        name="云研修", owner_unit_id=make.county(session), url="https://study.example", guide="工号"
    )
    session.add(platform)
    session.flush()
    batch_id = studying.course(session, platform_id=platform.id, **differs)
    ids = items(session, batch_id)
    lin = make.teacher(session, "林若溪")
    mine = classes.joins(session, batch_id, lin)
    of = studying.reported(session, batch_id, NOW)
    figures = {str(ids[0]): 780.0, str(ids[1]): 1.0}
    studying.has(session, mine, of, 10.0, figures=figures)
    return batch_id, lin, mine


async def test_a_teacher_sees_what_is_done_what_is_left_and_what_is_next(
    database: Database,
) -> None:
    def says(session: Session) -> my_study.Study:
        batch_id, lin, _mine = lin_studies(session, minutes_a_day=60)
        assert my_study.mine(session, lin, now=NOW) == (
            my_study.study(session, lin, batch_id, now=NOW),
        )
        return my_study.study(session, lin, batch_id, now=NOW)

    seen = await database.write(says)
    assert (seen.standing, seen.percent, seen.expected) == (Standing.BEHIND, 10, 50)
    assert [(line.title, line.done, line.left) for line in seen.lines] == [
        ("视频学习", 780, 120),
        ("作业", 1, 1),
        ("研讨发帖", 0, 4),
    ]
    assert [line.title for line in seen.missing] == ["视频学习", "作业"]
    assert seen.next is not None
    assert seen.next.title == "作业"  # it is due soonest
    assert (seen.url, seen.platform, seen.guide) == ("https://study.example", "云研修", "工号")
    assert (seen.workdays_left, seen.minutes_this_week) == (10, 120)  # not more than is left
    assert (seen.as_of, seen.is_stale) == (NOW, False)


async def test_minutes_are_whole_and_a_single_further_thing_is_named(sqlite: Database) -> None:
    def says(session: Session) -> my_study.Study:
        batch_id, lin, mine = lin_studies(session)
        session.add(
            ProgressItem(
                batch_id=batch_id,
                position=4,
                kind="seminar",
                title="校内研讨",
                measure=Measure.TIMES,
                required=1,
                weight=0.1,
            )
        )
        every = session.exec(select(ProgressItem).order_by(col(ProgressItem.position))).all()
        for item in every:
            item.mandatory = True
        progress = session.exec(select(Progress).where(Progress.registration_id == mine)).one()
        progress.figures = {str(every[0].id): 64.8}
        session.flush()
        return my_study.study(session, lin, batch_id, now=NOW)

    seen = await sqlite.write(says)
    assert "视频学习: 64 of 900 min" in study_card(seen, "en", studying.SHANGHAI, NOW).text
    said = missing_text(seen, "en")
    assert said == "视频学习, 836 min; 作业, 2 more; 研讨发帖, 4 more; 校内研讨, 1 more"


async def test_only_whoever_takes_part_sees_it(database: Database) -> None:
    def says(session: Session) -> None:
        batch_id, _lin, mine = lin_studies(session)
        with pytest.raises(NotFound):
            my_study.study(session, make.teacher(session, "外人"), batch_id, now=NOW)
        row = session.get_one(Registration, mine)
        row.state = RegistrationState.EXEMPT
        session.flush()
        with pytest.raises(NotFound):
            my_study.study(session, row.teacher_id, batch_id, now=NOW)

    await database.write(says)


async def test_saying_twice_that_one_has_studied_says_it_once(database: Database) -> None:
    def says(session: Session) -> tuple[bool, bool, str, str]:
        batch_id, lin, _mine = lin_studies(session)
        with pytest.raises(NoEvidence):
            study_claims.say(session, lin, batch_id, now=NOW)
        first = study_claims.say(session, lin, batch_id, text="周末看完了", now=NOW)
        again = study_claims.say(session, lin, batch_id, evidence_file_id="f1", now=NOW)
        assert first.claim_id == again.claim_id
        row = session.exec(select(StudyClaim)).one()
        return first.is_new, again.is_new, row.text, row.evidence_file_id

    assert await database.write(says) == (True, False, "周末看完了", "f1")


async def test_what_is_of_another_class_cannot_be_said_of_this_one(database: Database) -> None:
    def says(session: Session) -> None:
        batch_id, lin, _mine = lin_studies(session)
        foreign = items(session, studying.course(session))[0]
        with pytest.raises(NotFound):
            study_claims.say(session, lin, batch_id, item_id=foreign, text="有", now=NOW)

    await database.write(says)


async def test_it_waits_for_the_schools_tutor_else_the_class_teacher_else_the_organiser(
    database: Database,
) -> None:
    def says(session: Session) -> list[list[str]]:
        batch_id, lin, _mine = lin_studies(session)
        study_claims.say(session, lin, batch_id, text="看完了", now=NOW)
        people = {
            "管": studying.appointed(session, "管", Role.COUNTY_COORDINATOR, make.county(session))
        }

        def see_it() -> list[str]:
            return [
                name for name, id_ in people.items() if study_claims.waits(session, id_, now=NOW)
            ]

        found = [see_it()]
        people["班"] = studying.appointed(session, "班", Role.CLASS_TEACHER, batch_id)
        found.append(see_it())
        people["导"] = studying.appointed(session, "导", Role.TUTOR, batch_id)
        people["他"] = studying.appointed(session, "他", Role.TUTOR, batch_id)
        school = make.school(session)
        session.add(TutorUnit(batch_id=batch_id, unit_id=school, tutor_id=people["导"]))
        session.flush()
        found.append(see_it())
        return found

    assert await database.write(says) == [["管"], ["班"], ["导"]]


async def test_whoever_is_no_tutor_any_more_keeps_nothing_from_the_class_teacher(
    database: Database,
) -> None:
    def says(session: Session) -> list[bool]:
        batch_id, lin, _mine = lin_studies(session)
        leads = studying.appointed(session, "班", Role.CLASS_TEACHER, batch_id)
        was = make.teacher(session, "导")
        session.add(TutorUnit(batch_id=batch_id, unit_id=make.school(session), tutor_id=was))
        study_claims.say(session, lin, batch_id, text="看完了", now=NOW)
        return [bool(study_claims.waits(session, who, now=NOW)) for who in (was, leads)]

    assert await database.write(says) == [False, True]


def waiting_news(session: Session) -> list[int]:
    """Who is to be told of claims in their next brief, each as often as it is said."""
    rows = session.exec(
        select(News).where(News.kind == study_claims.NEWS_WAITING, col(News.told_at).is_(None))
    ).all()
    return [row.teacher_id for row in rows]


async def test_a_tutor_is_told_once_for_all_that_waits_and_not_of_what_is_settled(
    database: Database,
) -> None:
    def says(session: Session) -> tuple[list[list[int]], int]:
        batch_id, lin, _mine = lin_studies(session)
        tutor = studying.appointed(session, "导", Role.TUTOR, batch_id)
        other = make.teacher(session, "另一人")
        classes.joins(session, batch_id, other)
        items_ = session.exec(select(ProgressItem.id)).all()
        first = study_claims.say(session, lin, batch_id, text="看完了", now=NOW).claim_id
        found = [waiting_news(session)]
        second = study_claims.say(
            session, lin, batch_id, item_id=items_[0], text="看完了", now=NOW
        ).claim_id
        third = study_claims.say(session, other, batch_id, text="看完了", now=NOW).claim_id
        found.append(waiting_news(session))
        for claim_id in (first, second):
            study_claims.decide(session, tutor, claim_id, True, now=NOW)
        found.append(waiting_news(session))  # one waits still
        study_claims.decide(session, tutor, third, True, now=NOW)
        found.append(waiting_news(session))
        # Once a brief has told it, what comes later is said by the next one.
        study_claims.say(session, lin, batch_id, text="又看完了", now=NOW)
        session.exec(sa.update(News).values(told_at=NOW))
        study_claims.say(session, other, batch_id, text="又看完了", now=NOW)
        return [*found, waiting_news(session)], tutor

    found, tutor = await database.write(says)
    assert found == [[tutor], [tutor], [tutor], [], [tutor]]


async def test_a_tutor_accepts_and_the_teacher_hears_of_it(database: Database) -> None:
    def says(session: Session) -> tuple[StudyClaimState, int, bool]:
        batch_id, lin, _mine = lin_studies(session)
        tutor = studying.appointed(session, "导", Role.TUTOR, batch_id)
        later = at(11, 3)
        said = study_claims.say(session, lin, batch_id, text="看完了", now=later)
        assert study_claims.waiting(session, tutor, now=later).total == 1
        study_claims.decide(session, tutor, said.claim_id, True, now=later)
        study_claims.decide(session, tutor, said.claim_id, True, now=later)
        with pytest.raises(ClaimSettled):
            study_claims.decide(session, tutor, said.claim_id, False, "没有", now=later)
        told = session.exec(select(News).where(News.teacher_id == lin)).all()
        owed = kinds.owes(session, "remote_behind", batch_id, now=later)
        seen = my_study.study(session, lin, batch_id, now=later)
        assert seen.percent == 10  # what platforms report is not typed in by hand
        assert seen.claim is not None
        return seen.claim.state, len(told), bool(session.exec(owed).all())

    assert await database.write(says) == (StudyClaimState.ACCEPTED, 1, False)


async def test_another_schools_tutor_neither_sees_nor_decides_it(database: Database) -> None:
    def says(session: Session) -> None:
        batch_id, lin, mine = lin_studies(session)
        county = studying.appointed(session, "顾岩", Role.COUNTY_COORDINATOR, make.county(session))
        of_lin = study_claims.say(session, lin, batch_id, text="看完了", now=NOW).claim_id

        def waits(who: int) -> int:
            return sum(one.count for one in study_claims.waits(session, who, now=NOW))

        # Before anybody is named it is the organiser's, and the words say so.
        assert my_study.study(session, lin, batch_id, now=NOW).looks is Looker.ORGANISER
        assert waits(county) == 1
        other = make.school(session, "柳岸中心小学")
        zhou = studying.appointed(session, "周明远", Role.TUTOR, batch_id)
        session.add(TutorUnit(batch_id=batch_id, unit_id=other, tutor_id=zhou))
        session.flush()
        assert my_study.study(session, lin, batch_id, now=NOW).looks is Looker.ORGANISER
        assert (waits(zhou), waits(county)) == (0, 1)
        with pytest.raises(NotAllowed):
            study_claims.claim(session, zhou, of_lin, now=NOW)
        with pytest.raises(NotAllowed):
            study_claims.decide(session, zhou, of_lin, True, now=NOW)
        lead = studying.appointed(session, "班主任", Role.CLASS_TEACHER, batch_id)
        assert my_study.study(session, lin, batch_id, now=NOW).looks is Looker.CLASS_TEACHER
        assert (waits(zhou), waits(lead), waits(county)) == (0, 1, 0)
        own = studying.appointed(session, "导", Role.TUTOR, batch_id)
        unit = session.get_one(Registration, mine).unit_id_at
        session.add(TutorUnit(batch_id=batch_id, unit_id=unit, tutor_id=own))
        session.flush()
        assert my_study.study(session, lin, batch_id, now=NOW).looks is Looker.TUTOR
        assert (waits(own), waits(lead)) == (1, 0)
        study_claims.decide(session, own, of_lin, True, now=NOW)

    await database.write(says)


@pytest.mark.parametrize("accepted", [True, False])
async def test_what_is_settled_leaves_the_card_with_the_next_import(
    database: Database, accepted: bool
) -> None:
    def says(session: Session) -> None:
        batch_id, lin, mine = lin_studies(session)
        tutor = studying.appointed(session, "导", Role.TUTOR, batch_id)
        said = at(11, 21)
        claim = study_claims.say(session, lin, batch_id, text="看完了", now=said).claim_id
        study_claims.decide(session, tutor, claim, accepted, "未见", now=at(11, 22))
        assert my_study.study(session, lin, batch_id, now=at(11, 23)).claim is not None
        of = studying.reported(session, batch_id, at(11, 27))
        progress = session.exec(select(Progress).where(Progress.registration_id == mine)).one()
        progress.import_id, progress.as_of = of, at(11, 27)
        session.flush()
        assert my_study.study(session, lin, batch_id, now=at(11, 28)).claim is None

    await database.write(says)


async def test_refusing_needs_a_word_why_and_nobody_decides_their_own(database: Database) -> None:
    def says(session: Session) -> str:
        batch_id, lin, _mine = lin_studies(session)
        tutor = studying.appointed(session, "导", Role.TUTOR, batch_id)
        classes.joins(session, batch_id, tutor)
        of_lin = study_claims.say(session, lin, batch_id, text="看完了", now=NOW).claim_id
        own = study_claims.say(session, tutor, batch_id, text="看完了", now=NOW).claim_id
        with pytest.raises(NoAnswer):
            study_claims.decide(session, tutor, of_lin, False, now=NOW)
        with pytest.raises(OwnCase):
            study_claims.decide(session, tutor, own, True, now=NOW)
        with pytest.raises(NotAllowed):
            study_claims.decide(session, lin, of_lin, True, now=NOW)
        with pytest.raises(NotAllowed):
            study_claims.claim(session, lin, of_lin, now=NOW)
        waiting = study_claims.waiting(session, tutor, now=NOW)
        assert (waiting.total, waiting.own) == (1, 1)
        return study_claims.decide(session, tutor, of_lin, False, "截图是上期的", now=NOW).answer

    assert await database.write(says) == "截图是上期的"


async def test_the_school_hears_once_what_holds_somebody_up(database: Database) -> None:
    def says(session: Session) -> tuple[list[int], int, ObstacleReason]:
        batch_id, lin, mine = lin_studies(session)
        school = make.school(session)
        own = studying.appointed(session, "罗佳宁", Role.SCHOOL_COORDINATOR, school)
        other = make.school(session, "柳岸中心小学")
        studying.appointed(session, "别校", Role.SCHOOL_COORDINATOR, other)
        told = [
            obstacles.say(session, lin, batch_id, reason, now=NOW)
            for reason in (
                ObstacleReason.NO_NETWORK,
                ObstacleReason.NO_NETWORK,
                ObstacleReason.ACCOUNT,
            )
        ]
        heard = session.exec(select(News)).all()
        assert {(one.teacher_id, one.subject_id) for one in heard} == {(own, mine)}
        reason = session.exec(select(Obstacle)).one().reason
        obstacles.clear(session, lin, batch_id, now=NOW)
        assert my_study.study(session, lin, batch_id, now=NOW).obstacle is None
        return told, len(heard), reason

    assert await database.write(says) == ([1, 0, 1], 1, ObstacleReason.ACCOUNT)


async def test_a_stranger_says_nothing_of_a_class(database: Database) -> None:
    def says(session: Session, now: datetime) -> None:
        batch_id, _lin, _mine = lin_studies(session)
        who = make.teacher(session, "外人")
        with pytest.raises(NotFound):
            study_claims.say(session, who, batch_id, text="看完了", now=now)
        with pytest.raises(NotFound):
            obstacles.say(session, who, batch_id, ObstacleReason.OTHER, now=now)

    await database.write(says, NOW)
