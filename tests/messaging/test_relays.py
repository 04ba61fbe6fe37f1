"""Second channels: whose they are, what is kept of an address, and what is copied to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from storage.audit import AuditLog
from storage.database import Database
from storage.messaging import groups, outbox, relays
from storage.messaging.relays import AlreadyAChannel, NotAChannel, RelayKind, TooManyChannels
from storage.messaging.tables import Chat, OutboxMessage, OutboxState, Priority, Relay
from storage.people import roles
from storage.people.tables import Role
from storage.refusals import NotAllowed
from tests import make

NOW = make.NOW  # Friday, 9:00
LEASE = timedelta(minutes=2)
WECOM = "wecombot://693a91f6-7aoc-4bc4-97a0-0ec2sifa5aaa/"


@pytest.mark.parametrize(
    ("pasted", "kept", "kind", "shown"),
    [
        ("Lin.R@Example.cn", "mailto:lin.r@example.cn", RelayKind.MAIL, "l***@example.cn"),
        ("mailto:lin@example.cn", "mailto:lin@example.cn", RelayKind.MAIL, "l***@example.cn"),
        (
            "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7aoc-4bc4-97a0-0ec2",
            "wecombot://693a91f6-7aoc-4bc4-97a0-0ec2/",
            RelayKind.WECOM,
            "…0ec2",
        ),
        ("wecombot://693a91f6-7aoc", "wecombot://693a91f6-7aoc/", RelayKind.WECOM, "…7aoc"),
        (
            "https://oapi.dingtalk.com/robot/send?access_token=9fe1f0b2d17c\nSEC2a8f90b1c7d6e5",
            "dingtalk://SEC2a8f90b1c7d6e5@9fe1f0b2d17c/",
            RelayKind.DINGTALK,
            "…d17c",
        ),
        (
            " https://oapi.dingtalk.com/robot/send?access_token=9fe1f0b2d17c ",
            "dingtalk://9fe1f0b2d17c/",
            RelayKind.DINGTALK,
            "…d17c",
        ),
        (
            "https://open.feishu.cn/open-apis/bot/v2/hook/c4b1f7e2-08aa-4a77-8f0b",
            "feishu://c4b1f7e2-08aa-4a77-8f0b/",
            RelayKind.FEISHU,
            "…8f0b",
        ),
        (
            "https://open.larksuite.com/open-apis/bot/v2/hook/c4b1f7e2-08aa/",
            "lark://c4b1f7e2-08aa/",
            RelayKind.FEISHU,
            "…08aa",
        ),
        (
            "mailtos://lin%40qq.com:p%2Fw@smtp.qq.com:465?mode=ssl",
            "mailtos://lin%40qq.com:p%2Fw@smtp.qq.com:465/?mode=ssl",
            RelayKind.MAILBOX,
            "l***@smtp.qq.com",
        ),
    ],
)
def test_what_is_pasted_is_understood_and_shown_masked(
    pasted: str, kept: str, kind: RelayKind, shown: str
) -> None:
    url = relays.understood(pasted)
    assert (url, relays.kind_of(url), relays.masked(url)) == (kept, kind, shown)
    assert relays.understood(url) == url


@pytest.mark.parametrize(
    "pasted",
    [
        "收到",
        "https://example.cn/hook/12345678",
        "http://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7aoc",
        "https://qyapi.weixin.qq.com.evil.cn/cgi-bin/webhook/send?key=693a91f6-7aoc",
        "json://127.0.0.1/",
        "file:///etc/passwd",
        "exec://rm",
        "mailto://office:pw@127.0.0.1:25",
        "mailtos://office:pw@mail.internal",
        "mailtos://office:pw@example.cn:22",
        "mailtos://office:pw@example.cn?smtp=10.0.0.5",
        "mailtos://office:pw@example.cn?pgpkey=/etc/passwd",
        "mailtos://example.cn",
        "mailtos://a:b@[::1",
    ],
)
def test_nothing_else_is_taken(pasted: str) -> None:
    with pytest.raises(NotAChannel):
        relays.understood(pasted)


def school_coordinator(session: Session, at: str = "第一小学") -> tuple[int, int]:
    """The coordinator of a school, and the school."""
    teacher_id = make.teacher(session, "罗佳宁", at=at)
    make.account(session, teacher_id)
    unit_id = make.school(session, at)
    roles.appoint(
        session,
        teacher_id,
        Role.SCHOOL_COORDINATOR,
        unit_id,
        today=NOW.date() - timedelta(days=9),
        now=NOW,
    )
    return teacher_id, unit_id


async def test_a_person_has_mailboxes_and_no_robot(database: Database) -> None:
    def play(session: Session) -> None:
        lin = make.teacher(session)
        with pytest.raises(NotAChannel):
            relays.add_own(session, lin, WECOM, language="en", now=NOW)
        made = relays.add_own(session, lin, "mailto:a@example.cn", language="en", now=NOW)
        assert relays.own(session, lin) == (made,)
        with pytest.raises(AlreadyAChannel):
            relays.add_own(session, lin, "mailto:a@example.cn", language="en", now=NOW)
        for name in "bc":
            relays.add_own(session, lin, f"mailto:{name}@example.cn", language="en", now=NOW)
        with pytest.raises(TooManyChannels):
            relays.add_own(session, lin, "mailto:d@example.cn", language="en", now=NOW)
        other = make.teacher(session, "石晓岚")
        with pytest.raises(NotAllowed):
            relays.switch(session, other, made.id, on=False, now=NOW)
        assert not relays.switch(session, lin, made.id, on=False, now=NOW).active
        relays.remove(session, lin, made.id, now=NOW)
        relays.remove(session, lin, made.id, now=NOW)
        assert len(relays.own(session, lin)) == 2

    await database.write(play)


async def test_the_log_says_who_and_what_but_not_the_address(database: Database) -> None:
    def play(session: Session) -> list[str]:
        luo, school = school_coordinator(session)
        made = relays.add(session, luo, school, WECOM, language="en", now=NOW)
        relays.switch(session, luo, made.id, on=False, now=NOW)
        relays.remove(session, luo, made.id, now=NOW)
        rows = session.exec(select(AuditLog).where(col(AuditLog.thing).like("relay:%"))).all()
        assert not any("693a91f6" in str(row.model_dump()) for row in rows)
        return [row.action for row in rows]

    assert await database.write(play) == ["add_channel", "channel_off", "remove_channel"]


def public_text(text: str) -> dict[str, Any]:
    return {"kind": "said", "facts": {"text": text}, "name": text, "now": NOW}


def sent_to(session: Session) -> dict[int, list[str]]:
    """What waits for each channel."""
    found: dict[int, list[str]] = {}
    for row in session.exec(select(OutboxMessage).order_by(col(OutboxMessage.id))).all():
        if row.relay_id is not None:
            found.setdefault(row.relay_id, []).append(row.facts["text"])
    return found


async def test_a_robot_gets_what_its_group_sees_and_never_what_a_person_is_told(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        luo, school = school_coordinator(session)
        lin = make.teacher(session, at="第一小学")
        make.account(session, lin)
        other = make.school(session, "第二小学")
        robot = relays.add(session, luo, school, WECOM, language="en", now=NOW).id
        mailbox = relays.add_own(session, lin, "mailto:a@example.cn", language="en", now=NOW).id
        there, elsewhere = (
            groups.bind(session, number, "群", unit_id=unit_id).id
            for number, unit_id in ((-100, school), (-200, other))
        )
        session.flush()
        for chat_id, unit_id in ((there, school), (elsewhere, other)):
            session.get_one(Chat, chat_id).unit_id = unit_id
        session.flush()
        about: Any = {"facts": {}, "priority": Priority.CARD, "not_before": NOW, "now": NOW}
        private = outbox.put(session, "notice", teacher_id=lin, dedupe_key="a", **about)
        public = outbox.put(session, "notice", chat_id=there, dedupe_key="b", **about)
        foreign = outbox.put(session, "notice", chat_id=elsewhere, dedupe_key="c", **about)
        assert private
        assert public
        assert foreign
        relays.copy(session, private, "您还差 3 学时", now=NOW)
        relays.copy(session, public, "【通知】", now=NOW)
        relays.copy(session, public, "【通知】", now=NOW)
        relays.copy(session, foreign, "【别校】", now=NOW)
        assert sent_to(session) == {mailbox: ["您还差 3 学时"], robot: ["【通知】"]}
        relays.announce(session, [school, other], **public_text("【县通知】"))
        assert sent_to(session)[robot] == ["【通知】", "【县通知】"]

    await database.write(play)


async def test_channels_take_turns_and_telegram_does_not_see_them(database: Database) -> None:
    def play(session: Session) -> None:
        luo, school = school_coordinator(session)
        one = relays.add(session, luo, school, WECOM, language="en", now=NOW).id
        two = relays.add(session, luo, school, "feishu://c4b1f7e2/", language="en", now=NOW).id
        for n in range(3):
            relays.announce(session, [school], **public_text(f"第{n}条"))
        assert outbox.claim(session, now=NOW, lease=LEASE, limit=9) == []
        first = relays.claim(session, now=NOW, lease=LEASE, limit=9)
        assert sorted(row.relay_id for row in first) == [one, two]
        assert {row.text for row in first} == {"第0条"}
        (next_one,) = relays.claim(session, now=NOW, lease=LEASE, limit=9, busy=[two])
        assert (next_one.relay_id, next_one.text) == (one, "第1条")
        assert "693a91f6" not in repr(first)
        relays.switch(session, luo, two, on=False, now=NOW)
        (last,) = relays.claim(session, now=NOW, lease=LEASE, limit=9)
        assert (last.relay_id, last.text) == (one, "第2条")
        late = NOW + timedelta(days=2)
        relays.switch(session, luo, two, on=True, now=NOW)
        assert relays.claim(session, now=late, lease=LEASE, limit=9) == []

    await database.write(play)


async def test_a_channel_that_does_not_work_is_off_and_its_owner_is_told_once(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        luo, school = school_coordinator(session)
        relays.add(session, luo, school, WECOM, language="en", now=NOW)
        relays.announce(session, [school], **public_text("一"))
        relays.announce(session, [school], **public_text("二"))
        (row,) = relays.claim(session, now=NOW, lease=LEASE, limit=9)
        (second,) = relays.claim(session, now=NOW, lease=LEASE, limit=9)
        for one in (row, second):
            relays.settle_bad(session, one.id, fault="93000 invalid webhook url", now=NOW)
        (channel,) = relays.of_unit(session, luo, school, now=NOW)
        assert (channel.active, channel.fault) == (False, "93000 invalid webhook url")
        told = session.exec(select(OutboxMessage).where(OutboxMessage.kind == "relay_broken")).all()
        assert [one.teacher_id for one in told] == [luo]

    await database.write(play)


async def test_a_channel_that_is_away_for_long_costs_the_message_and_not_the_channel(
    database: Database,
) -> None:
    def play(session: Session) -> tuple[OutboxState, bool]:
        luo, school = school_coordinator(session)
        relays.add(session, luo, school, WECOM, language="en", now=NOW)
        relays.announce(session, [school], **public_text("一"))
        for _ in range(relays.TRIES):
            (row,) = relays.claim(session, now=NOW, lease=LEASE, limit=9)
            relays.try_later(session, row.id, NOW, fault="the network failed")
        assert relays.claim(session, now=NOW, lease=LEASE, limit=9) == []
        state = session.exec(
            select(OutboxMessage.state).where(OutboxMessage.kind == outbox.COPY)
        ).one()
        return OutboxState(state), session.exec(select(Relay.active)).one()

    assert await database.write(play) == (OutboxState.BROKEN, True)


async def test_what_was_in_hand_at_a_kill_goes_out_again(database: Database) -> None:
    def play(session: Session) -> None:
        luo, school = school_coordinator(session)
        relays.add(session, luo, school, WECOM, language="en", now=NOW)
        relays.announce(session, [school], **public_text("一"))
        relays.claim(session, now=NOW, lease=LEASE, limit=9)
        assert outbox.recover(session, now=NOW + LEASE) == outbox.Recovered(1, 0)
        assert len(relays.claim(session, now=NOW + LEASE, lease=LEASE, limit=9)) == 1

    await database.write(play)
