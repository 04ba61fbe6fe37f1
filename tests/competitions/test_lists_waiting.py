"""What waits at a venue, for whoever holds it."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from storage.competitions import lists_waiting, revealing, signing
from storage.competitions.lists_waiting import ARRANGE, DECIDE, REVEAL
from storage.competitions.tables import Round, Venue
from storage.database import Database
from tests.competitions import test_judging as judging
from tests.make import NOW


def kinds(session: Session, play: judging.Play) -> list[str]:
    return [
        each.kind
        for each in lists_waiting.items(session, play.host, now=NOW)
        if each.subject_id == play.venue_id
    ]


async def test_a_venue_waits_before_its_round_and_when_all_marks_are_in(database: Database) -> None:
    def work(session: Session) -> None:
        play = judging.final(session, judges=2, entries=2)
        round_ = session.get_one(Round, session.get_one(Venue, play.venue_id).round_id)
        round_.starts_at = NOW + timedelta(days=8)
        session.flush()
        assert kinds(session, play) == []
        round_.starts_at = NOW + timedelta(days=6)
        session.flush()
        assert kinds(session, play) == [ARRANGE]
        judging.judged(session, play)
        assert kinds(session, play) == []
        judging.hand_in(session, play, 0, (30, 40), (20, 40))
        assert kinds(session, play) == []
        judging.hand_in(session, play, 1, (30, 40), (20, 40))
        assert kinds(session, play) == [REVEAL]
        revealing.reveal(session, play.host, play.venue_id, now=NOW)
        assert kinds(session, play) == []
        signing.sign(session, play.judges[0], play.venue_id, now=NOW)
        assert kinds(session, play) == [DECIDE]

    await database.write(work)
