"""已学未更新: what nobody looks at is not left."""

from __future__ import annotations

from sqlmodel import Session, col, select

from storage.database import Database
from storage.messaging.tables import News
from storage.people.tables import Role
from storage.training.remote import study_claims
from storage.training.tables import Batch, Programme
from tests import make
from tests.training import classes
from tests.training.remote import studying
from tests.training.remote.studying import at


def above(session: Session, batch_id: int) -> int:
    """The county, where a centre of it owns the class."""
    county = make.county(session)
    batch = session.get_one(Batch, batch_id)
    programme = session.get_one(Programme, batch.programme_id)
    programme.owner_unit_id = make.school(session, "教师发展中心", parent_id=county)
    session.flush()
    return county


async def test_what_nobody_looks_at_is_told_again_and_then_the_organiser_once_each(
    database: Database,
) -> None:
    def work(session: Session) -> None:
        make.office(session)
        batch_id = studying.course(session)
        tutor = studying.appointed(session, "周明远", Role.TUTOR, batch_id)
        county = studying.appointed(
            session, "顾岩", Role.COUNTY_COORDINATOR, above(session, batch_id)
        )

        def says(name: str, day: int) -> int:
            who = make.teacher(session, name)
            classes.joins(session, batch_id, who)
            said = study_claims.say(session, who, batch_id, text="看完了", now=at(11, day))
            return said.claim_id

        says("石晓岚", 18)
        second = says("林若溪", 19)

        def told(day: int) -> list[tuple[str, int]]:
            study_claims.pass_on(session, now=at(11, day))
            study_claims.pass_on(session, now=at(11, day, 11))
            again = col(News.kind).in_([study_claims.NEWS_AGAIN, study_claims.NEWS_LEFT])
            rows = session.exec(select(News).where(again, col(News.told_at).is_(None))).all()
            found = sorted((row.kind, row.teacher_id) for row in rows)
            for row in rows:
                row.told_at = at(11, day)
            session.flush()
            return found

        # It was said on Wednesday and Thursday; the weekend does not count.
        assert told(19) == []
        assert told(20) == [("study_claims_again", tutor)]
        assert told(23) == [("study_claims_again", tutor)]
        assert told(24) == [("study_claims_left", county)]
        study_claims.decide(session, tutor, second, True, now=at(11, 24, 12))
        assert told(25) == []

    await database.write(work)
