"""Second channels, against servers that answer as the real ones do."""

from __future__ import annotations

import asyncio
import html
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

import bot.relaying
from bot import channels
from bot.channels import Remedy
from bot.delivery import Delivery
from bot.relaying import Relaying
from handlers.cards import Card, GroupCard
from handlers.context import Channels
from handlers.messaging.voices import Said, Say, Voice
from handlers.messaging.voices_of_all import VOICES
from storage.messaging import correcting, groups, outbox, relays, releasing
from storage.messaging.correcting import What
from storage.messaging.relays import RelayKind
from storage.messaging.tables import Chat, InboxUpdate, OutboxMessage, OutboxState, Priority
from storage.people import roles
from storage.people.tables import Account, Role
from tests import make
from tests.machine.servers import (
    HOOK,
    KEY,
    SIGNS,
    TOKEN,
    MailServer,
    Robots,
    mail_server,
    robots,
)
from tests.messaging import desks
from tests.stage import Actor, Stage

NOTICE = (
    "【通知】关于开展秋季教研活动的通知\n时间：11月25日（周三）14:30\n地点：县教师发展中心 & 分会场"
)
WECOM_PAGE = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"


@pytest.fixture
async def them(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Robots]:
    async with robots(monkeypatch) as made:
        yield made


@pytest.fixture
async def mails() -> AsyncIterator[MailServer]:
    async with mail_server() as made:
        yield made


@pytest.fixture
def log() -> Iterator[list[str]]:
    """Whatever is logged, at the finest level, where the product's own log is."""
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.name} {record.getMessage()}")

    root, handler = logging.getLogger(), Lines()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


async def say(_house: Any, row: outbox.Claimed) -> Said:
    """A voice that says a public notice to groups and something personal to a person."""
    if row.chat_id is not None:
        return Say(GroupCard("<b>" + NOTICE.replace("&", "&amp;") + "</b>"))
    return Say(Card("<b>林老师</b>，您还差 3 学时。"))


async def repeat(_house: Any, row: outbox.Claimed) -> Said:
    """A voice that says to groups what it was given."""
    return Say(GroupCard(html.escape(row.facts["text"], quote=False)))


def delivery(stage: Stage, mailbox: str = "", notice: Voice | None = say) -> Delivery:
    house = stage.office.house
    voices = {**VOICES, "notice": notice or VOICES["notice"], "said": repeat}
    relaying = Relaying(house, voices, mailbox=mailbox)
    house.channels = Channels(installed=True, mailbox=bool(mailbox))
    return Delivery(stage.office.application.bot, house, voices, rate=1000, relaying=relaying)


def appoint(session: Session, teacher_id: int, school: str) -> int:
    """Make somebody the coordinator of a school; its id."""
    unit_id = make.school(session, school)
    since = make.NOW.date() - timedelta(days=9)
    roles.appoint(session, teacher_id, Role.SCHOOL_COORDINATOR, unit_id, today=since, now=make.NOW)
    return unit_id


async def coordinator(stage: Stage, school: str = "第一小学") -> tuple[Actor, int]:
    luo = await stage.teacher("罗佳宁", at=school)
    assert luo.teacher_id is not None
    return luo, await stage.database.write(appoint, luo.teacher_id, school)


async def add(stage: Stage, who: Actor, unit_id: int, *urls: str) -> list[int]:
    assert who.teacher_id is not None
    made = []
    for url in urls:
        one = await stage.database.write(
            relays.add, who.teacher_id, unit_id, url, language="en", now=stage.clock()
        )
        made.append(one.id)
    return made


async def announce(stage: Stage, unit_id: int, *texts: str) -> None:
    for text in texts:
        await stage.database.write(
            relays.announce, [unit_id], "said", {"text": text}, name=text, now=stage.clock()
        )


def copies(session: Session) -> list[tuple[OutboxState, str]]:
    rows = session.exec(
        select(OutboxMessage)
        .where(OutboxMessage.kind == outbox.COPY)
        .order_by(col(OutboxMessage.id))
    ).all()
    return [(row.state, row.fault) for row in rows]


async def test_what_a_group_is_shown_goes_to_the_robots_of_its_unit_as_text(
    stage: Stage, them: Robots
) -> None:
    luo, school = await coordinator(stage)
    urls = (f"wecombot://{KEY}/", f"dingtalk://{SIGNS}@{TOKEN}/", f"feishu://{HOOK}/")
    await add(stage, luo, school, *urls)
    group = stage.world.add_group("第一小学教师群", members=[luo.id])

    def notices(session: Session) -> None:
        chat_id = groups.bind(session, group.id, "第一小学教师群").id
        session.get_one(Chat, chat_id).unit_id = school
        session.flush()
        for name, whose in (("a", {"chat_id": chat_id}), ("b", {"teacher_id": luo.teacher_id})):
            outbox.put(
                session,
                "notice",
                **whose,
                facts={},
                priority=Priority.BULK,
                not_before=stage.clock(),
                dedupe_key=name,
                now=stage.clock(),
            )

    await stage.database.write(notices)
    await delivery(stage).drain()
    assert "3 学时" in luo.sees()
    for where in ("wecom", "dingtalk", "feishu"):
        assert them.seen(where) == [NOTICE]


async def test_a_unit_without_a_group_hears_notices_and_classes_through_its_robot(
    stage: Stage, them: Robots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(bot.relaying.EVERY, RelayKind.WECOM, 0.0)
    luo, school = await coordinator(stage)
    await stage.teacher("林若溪", at="第一小学")
    await add(stage, luo, school, f"wecombot://{KEY}/")
    sends, write, now = delivery(stage, notice=None), stage.database.write, stage.clock()
    author = luo.teacher_id or 0
    notice_id = await write(lambda session: desks.written(session, author, place="三楼"))
    await luo.says("/menu")
    await luo.sends_data(f"nto:{notice_id}:chats:0")
    await luo.taps("○ 第一小学: second channel")
    assert "✓ 第一小学: second channel" in luo.labels()
    await write(releasing.release, author, notice_id, releasing.NOW, now=now)
    await write(desks.fill_all, now)
    await sends.drain()
    (said,) = them.seen("wecom")
    assert said.startswith("[Notice] 教研安排")
    assert "林若溪" not in said
    await write(correcting.correct, author, notice_id, What.PLACE, "二楼", now=now)
    await write(correcting.withdraw, author, notice_id, "改期", now=now)
    await sends.drain()
    assert "[Withdrawn]" in them.seen("wecom")[-1]
    batch_id = await write(make.batch, programme={"owner_unit_id": school})
    await luo.sends_data(f"gcp:{batch_id}:0")
    for mark, answer in (("○", "next hour of work"), ("✓", "already")):
        await luo.taps(f"{mark} 第一小学: second channel")
        assert answer in luo.alert
    await sends.drain()
    assert "[Registration] 作业设计专题培训" in them.seen("wecom")[-1]


async def test_a_notice_reaches_by_mail_whom_telegram_does_not(
    stage: Stage, mails: MailServer
) -> None:
    luo, _school = await coordinator(stage)
    people = [await stage.teacher(name, at="第一小学") for name in ("林若溪", "石晓岚")]

    def send(session: Session) -> None:
        for who in people:
            assert who.teacher_id is not None
            url = f"mailto:t{who.teacher_id}@example.cn"
            relays.add_own(session, who.teacher_id, url, language="en", now=make.NOW)
        away = select(Account).where(Account.teacher_id == people[0].teacher_id)
        session.exec(away).one().reachable = False
        session.flush()
        assert luo.teacher_id is not None
        desks.sent(session, luo.teacher_id)

    await stage.database.write(send)
    await delivery(stage, mails.address, notice=None).drain()
    by_mail = {to: text for to, _title, text in mails.seen()}
    assert set(by_mail) == {f"t{who.teacher_id}@example.cn" for who in people}
    assert all("[Notice] 教研安排" in text for text in by_mail.values())
    assert "教研安排" in people[1].sees()


async def test_a_mailbox_gets_what_its_owner_is_told(stage: Stage, mails: MailServer) -> None:
    lin, shi = await stage.teacher("林若溪"), await stage.teacher("石晓岚")
    assert lin.teacher_id is not None
    await stage.database.write(
        relays.add_own, lin.teacher_id, "mailto:lin@example.cn", language="en", now=stage.clock()
    )
    for who in (lin, shi):
        for kind in ("notice", "link_moved"):
            await stage.database.write(
                outbox.put,
                kind,
                teacher_id=who.teacher_id,
                facts={},
                priority=Priority.BULK,
                not_before=stage.clock(),
                dedupe_key=f"{kind}:{who.id}",
                now=stage.clock(),
            )
    await delivery(stage, mails.address).drain()
    told = "林老师，您还差 3 学时。"
    assert mails.seen() == [("lin@example.cn", told, told)]


async def test_who_blocked_the_bot_still_gets_it_by_mail(stage: Stage, mails: MailServer) -> None:
    lin = await stage.teacher("林若溪")
    assert lin.teacher_id is not None
    await stage.database.write(
        relays.add_own, lin.teacher_id, "mailto:lin@example.cn", language="en", now=stage.clock()
    )
    await stage.database.write(
        outbox.put,
        "notice",
        teacher_id=lin.teacher_id,
        facts={},
        priority=Priority.BULK,
        not_before=stage.clock(),
        dedupe_key="a",
        now=stage.clock(),
    )
    stage.world.people[lin.id].blocked = True
    await delivery(stage, mails.address).drain()
    assert len(mails.seen()) == 1


@pytest.mark.parametrize(
    ("url", "where", "answer", "remedy"),
    [
        ("wecombot://no-such-key", "wecom", None, Remedy.BAD),
        (
            f"wecombot://{KEY}",
            "wecom",
            {"errcode": 45009, "errmsg": "api freq out of limit"},
            Remedy.LATER,
        ),
        (f"wecombot://{KEY}", "wecom", {"errcode": -1, "errmsg": "system busy"}, Remedy.LATER),
        ("dingtalk://nosuchtoken/", "dingtalk", None, Remedy.BAD),
        (f"dingtalk://SECwrong0000000@{TOKEN}/", "dingtalk", None, Remedy.BAD),
        (
            f"dingtalk://{TOKEN}/",
            "dingtalk",
            {"errcode": 130101, "errmsg": "发送太快"},
            Remedy.LATER,
        ),
        (
            f"dingtalk://{TOKEN}/",
            "dingtalk",
            {"errcode": 310000, "errmsg": "keywords not in content"},
            Remedy.BAD,
        ),
        ("feishu://no-such-hook/", "feishu", None, Remedy.BAD),
        ("lark://no-such-hook/", "feishu", None, Remedy.BAD),
        (f"feishu://{HOOK}/", "feishu", {"code": 11232, "msg": "frequency limited"}, Remedy.LATER),
        (f"lark://{HOOK}/", "feishu", {"code": 9499, "msg": "too many request"}, Remedy.LATER),
        (f"lark://{HOOK}/", "feishu", None, Remedy.SENT),
    ],
)
async def test_a_robot_that_answers_success_and_means_no_is_understood(
    them: Robots, url: str, where: str, answer: dict[str, object] | None, remedy: Remedy
) -> None:
    if answer is not None:
        them.answers[where] = [answer]
    outcome = await asyncio.to_thread(channels.send, url, NOTICE)
    assert outcome.remedy == remedy, outcome
    assert bool(outcome.fault) == (remedy != Remedy.SENT)


async def test_a_text_too_long_for_wecom_is_cut_at_a_line(them: Robots) -> None:
    text = "\n".join(f"第{n}条：请各校按时报送。" for n in range(200))
    outcome = await asyncio.to_thread(channels.send, f"wecombot://{KEY}/", text)
    assert outcome.remedy is Remedy.SENT
    (shown,) = them.seen("wecom")
    assert shown.endswith("。…")
    assert text.startswith(shown[:-1])


async def test_a_mail_server_is_understood(mails: MailServer) -> None:
    async def send(url: str) -> Remedy:
        return (await asyncio.to_thread(channels.send, url, "一\n二", mailbox=mails.address)).remedy

    mails.nobody = {"nobody@example.cn"}
    own = mails.address.replace("127.0.0.1", "localhost") + "&to=lin@example.cn"
    assert await send("mailto:nobody@example.cn") is Remedy.BAD
    assert await send("mailto:lin@example.cn") is Remedy.SENT
    assert await send(own) is Remedy.SENT
    mails.knows_login = False
    assert await send("mailto:lin@example.cn") is Remedy.LATER  # the office's fault
    assert await send(own) is Remedy.BAD
    assert (
        await send("mailto://a:b@127.0.0.1:9/?from=a@example.cn&to=lin@example.cn") is Remedy.LATER
    )
    assert channels.send("mailto:lin@example.cn", "一").remedy is Remedy.LATER


async def test_a_robot_that_is_shut_out_is_switched_off_and_its_coordinator_told(
    stage: Stage, them: Robots
) -> None:
    luo, school = await coordinator(stage)
    await add(stage, luo, school, "wecombot://gone-since")
    await announce(stage, school, NOTICE)
    sends = delivery(stage)
    await sends.drain()
    await sends.drain()
    assert "does not work" in luo.sees()
    assert "93000" in luo.sees()
    assert "gone-since" not in luo.sees()
    await luo.taps("Look at it")
    assert "off, because it did not work" in luo.sees()


async def test_what_a_robot_cannot_take_now_comes_later(
    stage: Stage, them: Robots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(bot.relaying.EVERY, RelayKind.WECOM, 0.0)
    luo, school = await coordinator(stage)
    await add(stage, luo, school, f"wecombot://{KEY}/")
    await announce(stage, school, NOTICE)
    them.answers["wecom"] = [{"errcode": 45009, "errmsg": "api freq out of limit"}]
    sends = delivery(stage)
    await sends.drain()
    assert them.seen("wecom") == []
    stage.clock.advance(timedelta(minutes=3))
    await announce(stage, school, "又一条")
    await sends.drain()
    assert sorted(them.seen("wecom")) == sorted([NOTICE, "又一条"])


async def test_each_robot_is_spoken_to_at_its_own_pace(
    stage: Stage, them: Robots, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 60 / bot.relaying.EVERY[RelayKind.WECOM] <= 20
    assert 60 / bot.relaying.EVERY[RelayKind.DINGTALK] <= 20
    assert 60 / bot.relaying.EVERY[RelayKind.FEISHU] <= 100
    assert 1 / bot.relaying.EVERY[RelayKind.FEISHU] <= 5
    monkeypatch.setitem(bot.relaying.EVERY, RelayKind.WECOM, 7.25)
    monkeypatch.setitem(bot.relaying.EVERY, RelayKind.FEISHU, 3.125)
    waits = [n * every for every in (7.25, 3.125) for n in (1, 2, 3)]
    waited: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float, *more: Any) -> None:
        if seconds in waits:
            waited.append(seconds)
        await sleep(0 if seconds in waits else seconds, *more)

    monkeypatch.setattr("bot.relaying.time.monotonic", lambda: 0.0)  # all at the same moment
    monkeypatch.setattr("bot.relaying.asyncio.sleep", note)
    luo, school = await coordinator(stage)
    await add(stage, luo, school, f"wecombot://{KEY}/", f"feishu://{HOOK}/")
    await announce(stage, school, *(f"第{n}条" for n in range(4)))
    await delivery(stage).drain()
    assert sorted(waited) == sorted(waits)
    assert [place for place, _, _ in them.texts].count("wecom") == 4


async def test_a_channel_is_set_up_in_the_chat_and_its_address_is_never_seen_again(
    stage: Stage, them: Robots, log: list[str]
) -> None:
    stage.office.house.channels = Channels(installed=True)
    luo, _ = await coordinator(stage)
    await luo.says("/desk")
    await luo.taps("Group robots")
    await luo.taps("第一小学")
    assert "Nothing about a single person" in luo.sees()
    await luo.taps("Add a channel")
    await luo.says(WECOM_PAGE)
    assert "WeCom robot …ey-1" in luo.sees()
    assert not any(KEY in message.text for message in luo.messages())
    await luo.taps("Send a test")
    await luo.taps("Send a test")  # once a minute is enough
    await stage.office.delivery.drain()
    assert them.seen("wecom") == [
        "This is a test. What concerns this group comes here from now on."
    ]
    await luo.taps("Switch off")
    assert "is off" in luo.sees()
    await luo.taps("Back")
    assert "off" in luo.sees()
    await luo.taps("WeCom robot")
    await luo.taps("Remove")
    await luo.taps("Remove")
    assert "WeCom" not in "".join(luo.labels())

    def kept(session: Session) -> str:
        return "".join(session.exec(select(InboxUpdate.raw)).all())

    raw = await stage.database.read(kept)
    assert KEY not in raw
    assert log
    assert KEY not in "".join(log)


async def test_what_is_no_channel_is_refused_in_words(stage: Stage) -> None:
    stage.office.house.channels = Channels(installed=True)
    luo, school = await coordinator(stage)
    await luo.says("/settings")
    await luo.taps("Second channel")
    await luo.taps("Add a channel")
    await luo.says("https://example.cn/hook")
    assert "I cannot send to this" in luo.sees()
    await luo.says("/settings")
    await luo.taps("Second channel")
    await luo.taps("Add a channel")
    await luo.says("luo@example.cn")
    assert "no outgoing mailbox" in luo.sees()
    stranger = await stage.teacher("石晓岚", at="第二小学")
    await stranger.says("/settings")
    await stranger.sends_data(f"rls:{school}")
    await stranger.sends_data(f"rla:{school}")
    assert "WeCom" not in stranger.sees()


async def test_without_the_extra_part_everything_else_works_and_it_says_so(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "is_installed", lambda: False)
    lin = await stage.teacher("林若溪")
    sends = delivery(stage)
    stage.office.house.channels = Channels()
    await stage.database.write(
        outbox.put,
        "link_moved",
        teacher_id=lin.teacher_id,
        facts={},
        priority=Priority.OFFER,
        not_before=stage.clock(),
        dedupe_key="a",
        now=stage.clock(),
    )
    await sends.drain()
    assert lin.sees()
    await lin.says("/settings")
    await lin.taps("Second channel")
    assert "not installed here" in lin.sees()
    assert "Add a channel" not in lin.labels()
