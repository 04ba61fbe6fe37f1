from datetime import timedelta, datetime, UTC
import pytest
from sqlmodel import select, col
from tests import make
from tests.make import NOW
from tests.stage import Actor, Stage, stage_on
from storage.people.tables import Account, Posting, TeacherFact, Teacher
from storage.people import linking
from storage.messaging import groups
from storage.messaging.tables import ChatPurpose, OutboxMessage, InboxUpdate
from storage.training import schedule
from storage.training.tables import Registration, SeatOffer
import sqlalchemy as sa

async def outs(stage):
    return await stage.database.read(lambda s: s.exec(select(OutboxMessage.id, OutboxMessage.kind, OutboxMessage.state, OutboxMessage.fault, OutboxMessage.not_before)).all())

async def test_unlink_with_offer_and_stale_buttons(stage: Stage):
    b = await stage.database.write(make.batch, "朗读", seats=1)
    lin, shi = await stage.teacher("林若溪"), await stage.teacher("石晓岚")
    await lin.starts(f"p{b}"); await lin.taps("Register")
    await shi.starts(f"p{b}"); await shi.taps("Join the waiting list")
    await lin.taps("Withdraw"); await lin.taps("Yes, withdraw")
    await shi.says("/unlink")
    await shi.taps("Unlink"); 
    await stage.deliver()
    print("SHI", [m.text[:60] for m in shi.messages()])
    for d in ("oa:1", f"reg:{b}", f"p:{b}", "hours", "hpic", "data", "due:0", "ics", "set", "lang:en", "quiet:1080:480", "brief:500", f"wd:{b}:1", f"why:{b}", "rd:1", "rl:1", "rm:1", "rc:done", "rc:", "home", "unlink:1", "unlink:0", "priv", f"nom:{b}:1", f"int:{b}:1", "mine:0", "ps:0", "hlines:0", "hwhy:1:0", "hcaps", "hhow", "gr:1", "gd:1", "code", "phone", "wrong", "help"):
        await shi.sends_data(d)
        print(d, "|", shi.alert[:80], "|", shi.sees()[:50].replace("\n", " "))
    print(await outs(stage))

@pytest.mark.parametrize("who", ["none", "teacher_no_posting"])
async def test_teacher_without_posting(stage: Stage, who):
    b = await stage.database.write(make.batch, "朗读", seats=1)
    lin = await stage.teacher("林若溪")
    def strip(s):
        s.exec(sa.delete(Posting)); s.exec(sa.delete(TeacherFact))
    await stage.database.write(strip)
    for c in ("/menu", "/programmes", "/mine", "/due", "/hours", "/mydata", "/privacy", "/settings"):
        t = await lin.says(c); print(c, t[:70])
    await lin.starts(f"p{b}")
    print(lin.labels(), lin.sees())
    await lin.sends_data(f"reg:{b}"); print(lin.alert)
    await lin.sends_data("hpic")

@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Apia", "Europe/Berlin", "UTC"])
@pytest.mark.parametrize("now", [datetime(2026,11,1,1,0,tzinfo=UTC), datetime(2027,3,14,1,0,tzinfo=UTC)])
async def test_zone(sqlite, zone, now):
    await sqlite.write(make.office, timezone=zone)
    async with stage_on(sqlite, now) as stage:
        from zoneinfo import ZoneInfo
        stage.office.house.zone = ZoneInfo(zone)
        b = await sqlite.write(make.batch, "朗读", starts_at=now+timedelta(days=5), ends_at=now+timedelta(days=5,hours=3), reg_open=now-timedelta(days=1), reg_close=now+timedelta(days=3))
        await sqlite.write(schedule.plan_deadlines, b, now=now)
        lin = await stage.teacher("林若溪")
        await lin.starts(f"p{b}"); await lin.taps("Register")
        for _ in range(60):
            n = len(lin.messages())
            await stage.passes(hours=2)
            if len(lin.messages()) > n:
                local = stage.clock().astimezone(ZoneInfo(zone))
                print(zone, local, lin.sees()[:60].replace("\n"," "))
                assert 7 <= local.hour < 21
        assert not stage.office.inbox.faulty

async def test_jump_40(stage: Stage):
    lin = await stage.teacher("林若溪")
    for n in range(6):
        b = await stage.database.write(make.batch, f"朗读{n}", starts_at=NOW+timedelta(days=10+n*6), ends_at=NOW+timedelta(days=11+n*6), reg_close=NOW+timedelta(days=5))
        await stage.database.write(schedule.plan_deadlines, b, now=NOW)
        await lin.starts(f"p{b}"); await lin.taps("Register")
    n0 = len(lin.messages())
    await stage.passes(days=40)
    print([m.text for m in lin.messages()][n0:])
    for _ in range(12):
        await stage.passes(hours=2)
    print(await outs(stage))
    print([m.text for m in lin.messages()][n0:])

async def test_blocked_offer(stage: Stage):
    b = await stage.database.write(make.batch, "朗读", seats=1)
    lin, shi, ding = await stage.teacher("林若溪"), await stage.teacher("石晓岚"), await stage.teacher("丁广田")
    await lin.starts(f"p{b}"); await lin.taps("Register")
    for w in (shi, ding):
        await w.starts(f"p{b}"); await w.taps("Join the waiting list")
    stage.world.block(shi.id); await stage.settle()
    await lin.taps("Withdraw"); await lin.taps("Yes, withdraw")
    await stage.deliver()
    print(await outs(stage))
    print(await stage.database.read(lambda s: s.exec(select(Registration.teacher_id, Registration.state)).all()))
    # comes back
    stage.world.press_start(shi.id); await stage.settle(); await stage.deliver()
    print("back:", shi.sees()[:200], shi.labels())
    await shi.says("/due"); print(shi.sees())

async def test_cancelled_between_card_and_tap(stage: Stage):
    b = await stage.database.write(make.batch, "朗读", seats=1)
    lin = await stage.teacher("林若溪"); shi = await stage.teacher("石")
    await lin.starts(f"p{b}")
    await shi.starts(f"p{b}"); await shi.taps("Register")
    await stage.database.write(schedule.cancel, 1, now=stage.clock(), reason="x")
    await lin.taps("Register"); print(lin.alert); print(lin.sees())
    await shi.sends_data(f"wd:{b}:1"); print("SHI", shi.alert, shi.sees())
    await stage.deliver()
    print(shi.sees())
    for c in ("/mine", "/due", "/menu"): print(await shi.says(c))

async def test_two_accounts(stage: Stage):
    lin = await stage.teacher("林若溪")
    c1 = await stage.database.write(linking.issue_code, lin.teacher_id, now=stage.clock()-timedelta(hours=1))
    new = stage.newcomer("贼", language="en")
    await new.starts()
    print(await new.says(c1))
    stage.clock.advance(timedelta(hours=1))
    c2 = await stage.database.write(linking.issue_code, lin.teacher_id, now=stage.clock())
    print(await new.says(c2))
    await stage.deliver()
    print("old:", lin.sees()[:300], lin.labels())
    print(await lin.says("/hours"))

async def test_deleted_card(stage: Stage):
    lin = await stage.teacher("林若溪")
    await lin.says("/menu")
    m = stage.world.chat(lin.id).messages
    for x in list(m.values()):
        if x.sender_id == stage.world.bot_id: 
            q = stage.world.tap(lin.id, lin.id, x.id, "hours"); stage.world.remove(x)
    await stage.settle()
    print(lin.sees()[:50]); 
    await lin.says("/hours")
    await lin.taps("As a picture"); await lin.taps("Back"); print(len([m for m in lin.messages() if not m.mine]), lin.sees()[:30])

async def test_blocked_mid(stage: Stage):
    lin = await stage.teacher("林若溪")
    await lin.says("/menu")
    stage.world.say(lin.id, lin.id, "/hours")
    m = [x for x in lin.messages() if not x.mine][-1]
    stage.world.tap(lin.id, lin.id, m.id, "home", forged=True)
    stage.world.tap(lin.id, lin.id, m.id, "data", forged=True)
    stage.world.tap(lin.id, lin.id, m.id, "hpic", forged=True)
    stage.world.block(lin.id)
    await stage.settle()
    assert all(t.answer for t in stage.world.taps.values())

async def test_settings_extremes(stage: Stage):
    lin = await stage.teacher("林若溪")
    await lin.says("/settings")
    for d in ("quiet:1439:0", "quiet:1:0", "quiet:1260:450", "quiet:451:450", "quiet:510:450", "brief:0", "brief:1439", "brief:-5", "quiet:-1:5", "lang:xx", "lang:zh_Hant", "brief:-1", "quiet:-1:-1", "quiet:450:1200", "lang:"):
        await lin.sends_data(d); print(d, "|", lin.alert, "|", lin.sees().replace("\n", " / ")[:140])
