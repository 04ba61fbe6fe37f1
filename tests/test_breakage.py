"""probe"""
import json
from datetime import timedelta
import pytest
import sqlalchemy as sa
from sqlmodel import select, col
from tests import make
from tests.make import NOW
from tests.stage import Actor, Stage, stage_on
from storage.people.tables import Account
from storage.people import linking
from storage.messaging import groups
from storage.messaging.tables import ChatPurpose, OutboxMessage, InboxUpdate
from storage.training.tables import Registration

async def test_keep_place_then_text(stage: Stage):
    batch_id = await stage.database.write(make.batch)
    lin = await stage.teacher("林若溪")
    await lin.starts(f"p{batch_id}")
    await lin.taps("Register")
    stage.clock.advance(timedelta(days=11))
    await lin.starts(f"p{batch_id}")
    await lin.taps("Ask to withdraw")
    await lin.taps("Yes, withdraw")
    await lin.taps("Keep my place")
    t = await lin.says("谢谢")
    req = await stage.database.read(lambda s: s.exec(select(Registration.leave_request)).one())
    assert not req, (req, t)

async def test_menu_then_text(stage: Stage):
    batch_id = await stage.database.write(make.batch)
    lin = await stage.teacher("林若溪")
    await lin.starts(f"p{batch_id}")
    await lin.taps("Register")
    stage.clock.advance(timedelta(days=11))
    await lin.starts(f"p{batch_id}")
    await lin.taps("Ask to withdraw")
    await lin.taps("Yes, withdraw")
    await lin.says("/menu")
    t = await lin.says("谢谢")
    req = await stage.database.read(lambda s: s.exec(select(Registration.leave_request)).one())
    assert not req, (req, t)

async def test_start_L_unknown(stage: Stage):
    new = stage.newcomer(language="en")
    assert await new.starts("Lost")

async def test_newcomer_hours_in_group(stage: Stage):
    new = stage.newcomer(language="en")
    g = stage.world.add_group("g", members=[new.id])
    for c in ("/hours", "/due", "/mine", "/menu", "/programmes", "/settings", "/privacy", "/mydata", "/unlink", "/help", "/start", "/link"):
        n = len(new.messages(at=g.id))
        await new.says(c + "@qinglan_bot", at=g.id)
        got = [m.text for m in new.messages(at=g.id)[n+1:]]
        print(c, got)

async def test_cancel_key_counts_as_code(stage: Stage):
    new = stage.newcomer(language="en")
    await new.starts()
    await new.taps("Enter link code")
    await new.taps("Use my phone")
    t = await new.says("Cancel")
    assert "not known" not in t, t

async def test_old_taps(stage: Stage):
    new = stage.newcomer(language="en")
    await new.starts()
    lin = await stage.teacher("林若溪")
    g = stage.world.add_group("g", members=[new.id, lin.id])
    b = await stage.database.write(make.batch)
    chat = await stage.database.write(groups.bind, g.id, "g", purpose=ChatPurpose.ALL_STAFF, language="en")
    await stage.database.write(groups.post_card, chat.id, b)
    await stage.deliver()
    card = lin.messages(at=g.id)[-1]
    stage.world.tap(new.id, g.id, card.id, f"gr:{b}")
    stage.world.tap(lin.id, g.id, card.id, f"gr:{b}")
    stage.world.tap(lin.id, g.id, card.id, f"gd:{b}")
    stage.world.tap(new.id, g.id, card.id, f"gd:{b}")
    for d in ("phone", "code", "home", "hpic", "data", "unlink:0"):
        stage.world.tap(new.id, new.id, new.messages()[-1].id, d, forged=True)
    stage.clock.advance(timedelta(minutes=30))
    await stage.settle()
    print(stage.office.inbox.faulty)
    assert not stage.office.inbox.faulty

@pytest.mark.parametrize("bad", ["\ud800", "\x00", "a\x00b"])
async def test_surrogates(stage: Stage, bad):
    lin = await stage.teacher("林若溪")
    await lin.says("/menu")
    stage.world.inject({"message": {"message_id": 1, "date": 1, "chat": {"id": lin.id, "type": "private", "first_name": "x"}, "from": {"id": lin.id, "is_bot": False, "first_name": "x"}, "text": bad}})
    stage.world.say(lin.id, lin.id, "/hours")
    await stage.settle()
    print(lin.sees())
    print(stage.office.inbox.faulty)
    assert "hours" in lin.sees().lower()

async def test_huge_update_id(stage: Stage):
    lin = await stage.teacher("林若溪")
    await lin.says("/menu")
    await stage.office.inbox.take([{"update_id": 2**70, "message": {}}, {"update_id": 5, "x": 1}])
    await stage.office.inbox.take([{"update_id": True, "message": {}}])
    await stage.office.inbox.drained()

WEIRD = ['<b>&"', "😀" * 200, "‮مرحبا‏", "x" * 4096, "a" * 300 + "<i>", "  ", "&lt;b&gt;", "/hours@otherbot", "/hours@qinglan_bot", "/start " + "a" * 64, "/start " + "L" * 64, "/start p999999999999999999", "/start p1" , "/start -1", "/start p", "/", "//", "/\u202e", "\u200b", "K7MP 2RXD", "\ufeffhi", "/hours 1 2 3", "/link x", "/unlink now"]

async def test_weird_texts(stage: Stage):
    lin = await stage.teacher('<b>&"丁')
    new = stage.newcomer("<i>", language="en")
    await new.starts()
    for who in (lin, new):
        for t in WEIRD:
            try:
                got = await who.says(t)
            except Exception as e:
                print("EXC", repr(t[:20]), repr(e)); continue
            print(who.name, repr(t[:20]), repr(got[:60]))
            assert not stage.office.inbox.faulty, (t, stage.office.inbox.faulty)

LONG = ['<b>&"作业', "😀" * 100, "作业设计" * 40, "‮مرحبا‏" * 10]

@pytest.mark.parametrize("n", range(4))
@pytest.mark.parametrize("ephemeral", [True, False])
async def test_weird_titles(stage: Stage, n, ephemeral):
    title = LONG[n]
    stage.world.ephemeral_supported = ephemeral
    ids = [await stage.database.write(make.batch, title + str(n), place=title * 3, seats=1) for n in range(8)]
    lin = await stage.teacher(title, at=title)
    shi = await stage.teacher("石")
    g = stage.world.add_group(title[:100], members=[lin.id, shi.id])
    chat = await stage.database.write(groups.bind, g.id, "g", purpose=ChatPurpose.ALL_STAFF, language="en")
    await stage.database.write(groups.post_card, chat.id, ids[0])
    await stage.deliver()
    for who in (lin, shi):
        await who.taps("Register", at=g.id)
        print(who.alert)
        await who.sends_data(f"gd:{ids[0]}", at=g.id)
        for c in ("/menu", "/programmes", "/mine", "/due", "/hours", "/mydata"):
            await who.says(c)
        await who.starts(f"p{ids[0]}")
        for i in ids:
            await who.sends_data(f"reg:{i}")
        for c in ("/menu", "/programmes", "/mine", "/due", "/hours", "/mydata"):
            await who.says(c)
        await who.says("/hours")
        await who.taps("As a picture")
        await who.says("/due")
        await who.sends_data("ics")
        await who.sends_data(f"why:{ids[0]}")
    await lin.sends_data(f"wd:{ids[0]}:1")
    await stage.deliver()
    for _ in range(20):
        await stage.passes(days=1)
    print([m.text[:80] for m in shi.messages()][-4:])
    broken = await stage.database.read(lambda s: s.exec(select(OutboxMessage.kind, OutboxMessage.state, OutboxMessage.fault)).all())
    print(broken)
    assert not [r for r in broken if r[1] == "broken"]
