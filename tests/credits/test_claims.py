"""Claims for learning elsewhere, and appeals: the school's word, then the county's."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, col, select

from handlers.credits.claims_text import claim_state
from storage import undoing
from storage.audit import AuditLog
from storage.credits import appeals, claims, ledger
from storage.credits.appeals import AppealSettled
from storage.credits.claims import ClaimSettled, NotAClaim, ReasonMissing
from storage.credits.ledger import NewEntry
from storage.credits.tables import AppealState, ClaimState, CreditEntry, EntryState
from storage.database import Database
from storage.deeds import ChangedSince
from storage.messaging.tables import News
from storage.people import roles
from storage.people.tables import Role
from storage.refusals import NotAllowed, NotFound
from storage.training.deciding import SchoolDecides
from tests import make
from tests.make import NOW
from tests.training import classes
from tests.training.classes import TODAY

FIELDS = {
    "title": "阅读教学工作坊",
    "provider": "某师范大学",
    "learnt_on": "2026-10-17",
    "hours": "6.5",
    "level": "provincial",
    "category": "post_skill",
    "file_id": "F1",
}


def cast(session: Session, /) -> dict[str, int]:
    lin = make.teacher(session, "林若溪")
    return {
        "lin": lin,
        "account": make.account(session, lin),
        "luo": classes.school(session),
        "gao": classes.county(session),
        "stranger": classes.school(session, "外校", at="第二小学"),
    }


def claimed(
    session: Session, /, teacher_id: int, account_id: int, **differs: str
) -> claims.ClaimFacts:
    claims.begin(session, teacher_id, account_id, now=NOW)
    for field, text in (FIELDS | differs).items():
        claims.fill(session, account_id, field, text, now=NOW)
    return claims.send(session, teacher_id, account_id, now=NOW)


def posted(session: Session) -> list[tuple[EntryState, str, Decimal]]:
    rows = session.exec(select(CreditEntry).order_by(col(CreditEntry.id)))
    return [(row.state, row.level, row.hours) for row in rows if row.reverses_id is None]


def told(session: Session) -> list[str]:
    return list(session.exec(select(News.kind).order_by(col(News.id))))


async def test_a_claim_goes_by_way_of_the_school_to_the_county_and_is_posted_once(
    database: Database,
) -> None:
    who = await database.write(cast)
    sent = await database.write(claimed, who["lin"], who["account"])
    assert (sent.state, sent.hours) == (ClaimState.SUBMITTED, Decimal("6.5"))
    again = await database.write(claims.send, who["lin"], who["account"], now=NOW)
    assert again.claim_id == sent.claim_id  # a second tap
    assert await database.write(claims.queue, who["gao"], now=NOW) is None
    assert await database.write(claims.queue, who["stranger"], now=NOW) is None

    queued = await database.write(claims.queue, who["luo"], now=NOW)
    assert queued is not None
    assert (queued.claim.name, queued.waiting, queued.is_last_word) == ("林若溪", 1, False)
    await database.write(claims.confirm, who["luo"], sent.claim_id, now=NOW)
    await database.write(claims.confirm, who["luo"], sent.claim_id, now=NOW)
    queued = await database.write(claims.queue, who["gao"], now=NOW)
    assert queued is not None
    assert queued.is_last_word
    done = await database.write(
        claims.accept, who["gao"], sent.claim_id, now=NOW, level="city", hours=Decimal(6)
    )
    assert (done.claim.state, done.deed_id is None) == (ClaimState.ACCEPTED, False)
    assert (await database.write(claims.accept, who["gao"], sent.claim_id, now=NOW)) == done
    assert await database.read(posted) == [(EntryState.POSTED, "city", Decimal(6))]
    assert await database.read(told) == ["credit_posted"]
    with pytest.raises(ClaimSettled):
        await database.write(claims.withdraw, who["lin"], sent.claim_id, now=NOW)


async def test_what_is_put_right_is_kept_until_it_is_granted_and_granting_can_be_undone(
    database: Database,
) -> None:
    who = await database.write(cast)
    gao = who["gao"]
    account = await database.write(make.account, gao)
    sent = await database.write(claimed, who["lin"], who["account"], hours="40")
    await database.write(claims.confirm, who["luo"], sent.claim_id, now=NOW)
    right: dict[str, Any] = {"account_id": account, "now": NOW}
    await database.write(claims.put_right, gao, sent.claim_id, "hours", "６", **right)
    await database.write(claims.put_right, gao, sent.claim_id, "level", "city", **right)
    for field, text in (("hours", "0"), ("level", "moon"), ("category", "x"), ("title", "x")):
        with pytest.raises(NotAClaim):
            await database.write(claims.put_right, gao, sent.claim_id, field, text, **right)
    queued = await database.write(claims.queue, gao, account_id=account, now=NOW)
    assert queued is not None
    assert queued.to_post == claims.ToPost(Decimal(6), "city", "post_skill")
    assert queued.claim.hours == 40, "what was asked for stays"

    given: dict[str, Any] = {"hours": Decimal(6), "level": "city"}
    for _time in range(2):  # also granted once more after it was undone
        done = await database.write(claims.accept, gao, sent.claim_id, now=NOW, **given)
        assert (await database.read(posted))[-1] == (EntryState.POSTED, "city", Decimal(6))
        assert done.deed_id is not None
        assert await database.write(undoing.undo, gao, done.deed_id, now=NOW)
        assert {state for state, _, _ in await database.read(posted)} == {EntryState.REVERSED}
        assert await database.read(told) == []
        back = await database.write(claims.queue, gao, account_id=account, now=NOW)
        assert back == queued
    done = await database.write(claims.accept, gao, sent.claim_id, now=NOW, **given)
    assert done.claim.twins == ()

    def disputes(session: Session) -> None:
        last = session.exec(select(CreditEntry.id).order_by(col(CreditEntry.id).desc())).first()
        ledger.dispute(session, last or 0, "少了", actor_id=None, now=NOW)

    await database.write(disputes)
    with pytest.raises(ChangedSince):
        await database.write(undoing.undo, gao, done.deed_id or 0, now=NOW)


async def test_only_a_word_of_the_school_is_called_so(sqlite: Database) -> None:
    def prepare(session: Session) -> dict[str, int]:
        wei = make.teacher(session, "韦红", at="南塘乡中心小学")
        return {"wei": wei, "wei_account": make.account(session, wei)} | cast(session)

    who = await sqlite.write(prepare)
    account = await sqlite.write(make.account, who["luo"])
    sent = await sqlite.write(claimed, who["luo"], account)
    assert (sent.state, sent.by_school) == (ClaimState.SCHOOL_OK, False)
    assert claim_state(sent.state, "en", sent.by_school) == "with the county"
    sent = await sqlite.write(claimed, who["lin"], who["account"])
    sent = await sqlite.write(claims.confirm, who["luo"], sent.claim_id, now=NOW)
    assert claim_state(sent.state, "en", sent.by_school).startswith("confirmed by the school")
    sent = await sqlite.write(claimed, who["wei"], who["wei_account"])
    sent = await sqlite.write(claims.confirm, who["gao"], sent.claim_id, now=NOW)
    assert not sent.by_school, "the county spoke where nobody tends the school"


async def test_a_returned_claim_is_corrected_and_comes_back(database: Database) -> None:
    who = await database.write(cast)
    sent = await database.write(claimed, who["lin"], who["account"])
    with pytest.raises(ReasonMissing):
        await database.write(claims.give_back, who["luo"], sent.claim_id, " ", now=NOW)
    await database.write(claims.give_back, who["luo"], sent.claim_id, "证书看不清", now=NOW)
    assert await database.read(told) == ["claim_returned"]
    mine = await database.read(claims.mine, who["lin"])
    assert (mine.claims[0].state, mine.claims[0].answer) == (ClaimState.RETURNED, "证书看不清")
    filled = await database.write(
        claims.begin, who["lin"], who["account"], now=NOW, claim_id=sent.claim_id
    )
    assert filled.missing == ""
    await database.write(claims.fill, who["account"], "file_id", "F2", now=NOW, name="证书.pdf")
    again = await database.write(claims.send, who["lin"], who["account"], now=NOW)
    assert (again.claim_id, again.file_id, again.state) == (
        sent.claim_id,
        "F2",
        ClaimState.SUBMITTED,
    )


async def test_the_county_may_refuse_and_a_teacher_may_withdraw(sqlite: Database) -> None:
    who = await sqlite.write(cast)
    first = await sqlite.write(claimed, who["lin"], who["account"])
    second = await sqlite.write(claimed, who["lin"], who["account"], learnt_on="2026-10-18")
    await sqlite.write(claims.confirm, who["luo"], first.claim_id, now=NOW)
    await sqlite.write(claims.refuse, who["gao"], first.claim_id, "不属于继续教育", now=NOW)
    await sqlite.write(claims.withdraw, who["lin"], second.claim_id, now=NOW)
    await sqlite.write(claims.withdraw, who["lin"], second.claim_id, now=NOW)
    assert await sqlite.read(posted) == []
    assert await sqlite.read(told) == ["claim_refused"]
    assert await sqlite.write(claims.waits, who["luo"], now=NOW) == ()


async def test_what_looks_like_the_same_learning_is_said(sqlite: Database) -> None:
    who = await sqlite.write(cast)

    def earlier(session: Session) -> None:
        ledger.post(
            session,
            NewEntry(
                who["lin"],
                date(2026, 10, 17),
                "county",
                "ethics",
                Decimal("6.5"),
                "别的名称",
                "batch",
                3,
            ),
            actor_id=None,
            now=NOW,
        )

    await sqlite.write(earlier)
    first = await sqlite.write(claimed, who["lin"], who["account"])
    assert [twin.title for twin in first.twins] == ["别的名称"]
    second = await sqlite.write(claimed, who["lin"], who["account"], hours="3")
    assert [twin.title for twin in second.twins] == ["阅读教学工作坊"]
    other = await sqlite.write(claimed, who["lin"], who["account"], learnt_on="2026-10-19")
    assert other.twins == ()


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("hours", "0"),
        ("hours", "很多"),
        ("hours", "500"),
        ("learnt_on", "2027-01-01"),
        ("learnt_on", "1999-01-01"),
        ("learnt_on", "昨天"),
        ("level", "galactic"),
        ("title", "   "),
    ],
)
async def test_what_cannot_be_is_not_taken(sqlite: Database, field: str, text: str) -> None:
    who = await sqlite.write(cast)
    await sqlite.write(claims.begin, who["lin"], who["account"], now=NOW)
    with pytest.raises(NotAClaim):
        await sqlite.write(claims.fill, who["account"], field, text, now=NOW)


async def test_nobody_decides_on_others_or_on_themselves(sqlite: Database) -> None:
    who = await sqlite.write(cast)
    sent = await sqlite.write(claimed, who["lin"], who["account"])
    for actor in (who["lin"], who["stranger"]):
        for operation in (claims.confirm, claims.review):
            with pytest.raises(NotAllowed):
                await sqlite.write(operation, actor, sent.claim_id, now=NOW)
    with pytest.raises(NotAllowed):  # the school does not have the last word
        await sqlite.write(claims.accept, who["luo"], sent.claim_id, now=NOW)
    with pytest.raises(ClaimSettled):  # nor does the county have the first while a school can
        await sqlite.write(claims.accept, who["gao"], sent.claim_id, now=NOW)
    with pytest.raises(NotFound):
        await sqlite.write(claims.own, who["luo"], sent.claim_id)


async def test_a_coordinators_own_claim_goes_to_the_county(sqlite: Database) -> None:
    who = await sqlite.write(cast)
    account = await sqlite.write(make.account, who["luo"])
    sent = await sqlite.write(claimed, who["luo"], account)
    assert sent.state is ClaimState.SCHOOL_OK
    queued = await sqlite.write(claims.queue, who["gao"], now=NOW)
    assert queued is not None


async def test_where_a_school_has_nobody_the_county_gives_its_word(sqlite: Database) -> None:
    def prepare(session: Session) -> dict[str, int]:
        wei = make.teacher(session, "韦红", at="南塘乡中心小学")
        return {"wei": wei, "account": make.account(session, wei), "gao": classes.county(session)}

    who = await sqlite.write(prepare)
    sent = await sqlite.write(claimed, who["wei"], who["account"])
    queued = await sqlite.write(claims.queue, who["gao"], now=NOW)
    assert queued is not None
    assert not queued.is_last_word
    await sqlite.write(claims.confirm, who["gao"], sent.claim_id, now=NOW)
    await sqlite.write(claims.accept, who["gao"], sent.claim_id, now=NOW)

    def appoints(session: Session) -> None:
        unit_id = make.school(session, "南塘乡中心小学")
        other = make.teacher(session, "校长", at="南塘乡中心小学")
        roles.appoint(session, other, Role.PRINCIPAL, unit_id, today=TODAY, now=NOW)

    await sqlite.write(appoints)
    await sqlite.write(claimed, who["wei"], who["account"], learnt_on="2026-10-20")
    assert await sqlite.write(claims.queue, who["gao"], now=NOW) is None


# --- appeals --------------------------------------------------------------------------------------


def with_line(session: Session, /) -> dict[str, int]:
    who = cast(session)
    entry = ledger.post(
        session,
        NewEntry(
            who["lin"],
            date(2026, 10, 17),
            "county",
            "post_skill",
            Decimal(6),
            "作业设计",
            "batch",
            7,
        ),
        actor_id=None,
        now=NOW,
    )
    return who | {"entry": entry.id}


async def appealed(database: Database, **more: Any) -> tuple[dict[str, int], appeals.AppealFacts]:
    who = await database.write(with_line)
    facts = await database.write(
        appeals.open_, who["lin"], who["entry"], "应为8学时", now=NOW, **more
    )
    return who, facts


async def test_an_appeal_disputes_the_line_and_is_due_in_ten_working_days(
    database: Database,
) -> None:
    who, facts = await appealed(database)
    assert facts.due_on == date(2026, 12, 4)
    assert await database.read(posted) == [(EntryState.DISPUTED, "county", Decimal(6))]
    again = await database.write(
        appeals.open_, who["lin"], who["entry"], "又一次", now=NOW, file_id="F"
    )
    assert again.appeal_id == facts.appeal_id

    assert await database.write(appeals.queue, who["gao"], now=NOW) is None
    queued = await database.write(appeals.queue, who["luo"], now=NOW)
    assert queued is not None
    await database.write(appeals.give_view, who["luo"], facts.appeal_id, "签到完整", now=NOW)
    done = await database.write(
        appeals.accept, who["gao"], facts.appeal_id, Decimal(8), "已更正", now=NOW
    )
    assert done.state is AppealState.ACCEPTED
    await database.write(appeals.accept, who["gao"], facts.appeal_id, Decimal(9), now=NOW)
    assert await database.read(posted) == [
        (EntryState.REVERSED, "county", Decimal(6)),
        (EntryState.POSTED, "county", Decimal(8)),
    ]
    assert await database.read(told) == [
        "credit_posted",
        "credit_reversed",
        "credit_posted",
        "appeal_decided",
    ]


async def test_a_line_that_is_right_stands_with_an_answer(database: Database) -> None:
    who, facts = await appealed(database)
    await database.write(appeals.give_view, who["luo"], facts.appeal_id, "实到6学时", now=NOW)
    with pytest.raises(ReasonMissing):
        await database.write(appeals.uphold, who["gao"], facts.appeal_id, "", now=NOW)
    await database.write(appeals.uphold, who["gao"], facts.appeal_id, "按签到计", now=NOW)
    assert await database.read(posted) == [(EntryState.POSTED, "county", Decimal(6))]
    with pytest.raises(AppealSettled):
        await database.write(appeals.accept, who["gao"], facts.appeal_id, Decimal(8), now=NOW)


async def test_an_overdue_appeal_comes_first_and_without_the_schools_view(
    sqlite: Database,
) -> None:
    who, first = await appealed(sqlite)
    late = NOW + timedelta(days=15)
    other = await sqlite.write(appeals.open_, who["lin"], None, "漏登一次培训", now=late)
    assert [w.kind for w in await sqlite.write(appeals.waits, who["luo"], now=late)] == [
        "appeals_overdue",
        "appeals",
    ]
    queued = await sqlite.write(appeals.queue, who["gao"], now=late)
    assert queued is not None
    assert (queued.appeal.appeal_id, queued.overdue) == (first.appeal_id, 1)
    queued = await sqlite.write(appeals.queue, who["luo"], now=late, after=first.appeal_id)
    assert queued is not None
    assert queued.appeal.appeal_id == other.appeal_id


async def test_missing_hours_are_posted_and_an_appeal_can_be_withdrawn(sqlite: Database) -> None:
    who, first = await appealed(sqlite)
    await sqlite.write(appeals.withdraw, who["lin"], first.appeal_id, now=NOW)
    assert await sqlite.read(posted) == [(EntryState.POSTED, "county", Decimal(6))]
    other = await sqlite.write(appeals.open_, who["lin"], None, "漏登一次培训", now=NOW)
    with pytest.raises(NotAClaim):
        await sqlite.write(appeals.accept, who["gao"], other.appeal_id, Decimal(4), now=NOW)
    await sqlite.write(
        appeals.accept,
        who["gao"],
        other.appeal_id,
        Decimal(4),
        now=NOW,
        level="county",
        category="ethics",
    )
    assert (await sqlite.read(posted))[-1] == (EntryState.POSTED, "county", Decimal(4))


async def test_others_cannot_appeal_see_or_decide(sqlite: Database) -> None:
    who, facts = await appealed(sqlite)
    with pytest.raises(NotFound):
        await sqlite.write(appeals.open_, who["luo"], who["entry"], "不对", now=NOW)
    for actor in (who["lin"], who["stranger"]):
        with pytest.raises(NotAllowed):
            await sqlite.write(appeals.review, actor, facts.appeal_id, now=NOW)
        with pytest.raises(NotAllowed):
            await sqlite.write(appeals.uphold, actor, facts.appeal_id, "好", now=NOW)
    with pytest.raises(NotAllowed):
        await sqlite.write(appeals.accept, who["luo"], facts.appeal_id, Decimal(8), now=NOW)

    def seen(session: Session) -> list[str]:
        return list(session.exec(select(AuditLog.action).where(AuditLog.action == "see_appeal")))

    await sqlite.write(appeals.review, who["luo"], facts.appeal_id, now=NOW)
    assert await sqlite.read(seen) == ["see_appeal"]


async def test_a_returned_claim_is_shown_to_nobody_out_of_reach(database: Database) -> None:
    who = await database.write(cast)
    sent = await database.write(claimed, who["lin"], who["account"])
    await database.write(claims.give_back, who["luo"], sent.claim_id, "请补证明", now=NOW)
    for someone in (who["stranger"], who["lin"]):
        with pytest.raises(NotAllowed):
            await database.write(claims.give_back, someone, sent.claim_id, "x", now=NOW)
    again = await database.write(claims.give_back, who["luo"], sent.claim_id, "x", now=NOW)
    assert (again.state, again.answer) == (ClaimState.RETURNED, "请补证明")


async def test_the_county_does_not_speak_for_a_school_that_somebody_tends(
    database: Database,
) -> None:
    who = await database.write(cast)
    sent = await database.write(claimed, who["lin"], who["account"])
    opened = await database.write(appeals.open_, who["lin"], None, "少计学时", now=NOW)
    for speak in (
        lambda s: claims.confirm(s, who["gao"], sent.claim_id, now=NOW),
        lambda s: claims.give_back(s, who["gao"], sent.claim_id, "x", now=NOW),
        lambda s: claims.review(s, who["gao"], sent.claim_id, now=NOW),
        lambda s: appeals.give_view(s, who["gao"], opened.appeal_id, "x", now=NOW),
    ):
        with pytest.raises(SchoolDecides):
            await database.write(speak)

    def nobody_tends(session: Session) -> None:
        unit_id = make.school(session, classes.HOME)
        roles.dismiss(session, who["luo"], Role.SCHOOL_COORDINATOR, unit_id, today=TODAY, now=NOW)

    await database.write(nobody_tends)
    sent = await database.write(claims.confirm, who["gao"], sent.claim_id, now=NOW)
    assert sent.state is ClaimState.SCHOOL_OK
