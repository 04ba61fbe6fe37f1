"""What can still be undone is found on the desk, also when the card that offered it is gone."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from handlers.undoing import kinds_of_deeds, undo_card
from storage import deeds, undoing
from storage.database import Database
from tests import make
from tests.make import NOW

DAY = timedelta(days=1)


def test_every_kind_of_deed_has_a_name() -> None:
    assert kinds_of_deeds("en").keys() == undoing.UNDO.keys()


async def test_the_newest_comes_first_and_what_is_over_or_undone_is_left_out(
    database: Database,
) -> None:
    def play(session: Session) -> tuple[list[str], list[str]]:
        who, other = make.teacher(session), make.teacher(session)
        deeds.done(session, "roster", who, {}, now=NOW, undo_for=DAY)
        deeds.done(session, "marks", who, {}, now=NOW)
        deeds.done(session, "allot", other, {}, now=NOW)
        gone = deeds.done(session, "plan", who, {}, now=NOW, undo_for=DAY)
        deeds.take_back(session, who, gone, now=NOW)
        return (
            [each.kind for each in deeds.undoable(session, who, now=NOW)],
            [each.kind for each in deeds.undoable(session, who, now=NOW + timedelta(hours=1))],
        )

    assert await database.write(play) == (["marks", "roster"], ["roster"])


def test_an_empty_list_says_so() -> None:
    from zoneinfo import ZoneInfo

    card = undo_card((), "en", ZoneInfo("Asia/Shanghai"), NOW)
    assert "nothing to undo" in card.text
