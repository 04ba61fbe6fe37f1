from datetime import timedelta, datetime, UTC
import pytest
from sqlmodel import select, col
from tests import make
from tests.make import NOW
from tests.stage import Actor, Stage, stage_on, StillClock, Wire, TOKEN
from storage.people.tables import Account
from storage.people import linking
from storage.messaging import groups
from storage.messaging.tables import ChatPurpose, OutboxMessage, InboxUpdate, Reminder
from storage.training import schedule
from storage.training.tables import Registration, SeatOffer

async def outs(stage):
    return await stage.database.read(lambda s: s.exec(select(OutboxMessage.id, OutboxMessage.kind, OutboxMessage.state, OutboxMessage.fault, OutboxMessage.not_before)).all())

async def test_jump_40(stage: Stage):
    lin = await stage.teacher("林若溪")
    for n in range(8):
        b = await stage.database.write(make.batch, f"朗读{n}", starts_at=NOW+timedelta(days=10+n*5), ends_at=NOW+timedelta(days=11+n*5), reg_close=NOW+timedelta(days=5))
        await stage.database.write(schedule.plan_deadlines, b, now=NOW)
        await lin.starts(f"p{b}"); await lin.taps("Register")
    n0 = len(lin.messages())
    await stage.passes(days=40)
    print([m.text for m in lin.messages()][n0:])
    for _ in range(100):
        await stage.passes(hours=1)
    print(await outs(stage))
    print([m.text for m in lin.messages()][n0:])
    assert not stage.office.inbox.faulty

async def test_interest_and_open(stage: Stage):
    lin = await stage.teacher("林若溪")
    b = await stage.database.write(make.batch, "朗读", reg_open=NOW+timedelta(days=3), reg_close=NOW+timedelta(days=9))
    await stage.database.write(schedule.plan_deadlines, b, now=NOW)
    await lin.starts(f"p{b}")
    await lin.taps("Remind me")
    for _ in range(9*24):
        n = len(lin.messages())
        await stage.passes(hours=1)
        if len(lin.messages()) > n: print(stage.clock(), lin.sees(), lin.labels())
    print(await outs(stage))
    print(lin.labels())
    for key in list(lin.labels()):
        await lin.taps(key); print(key, "->", lin.alert, "|", lin.sees()[:100])

async def test_answers_count(stage: Stage):
    import collections
    n = collections.Counter()
    from bot.sandbox import methods
    run = stage.sandbox.run
    async def counted(call):
        if call.method == "answerCallbackQuery": n[call.text("callback_query_id")] += 1
        return await run(call)
    stage.sandbox.run = counted
    b = await stage.database.write(make.batch, "朗读", seats=1)
    lin, shi = await stage.teacher("林若溪"), await stage.teacher("石晓岚")
    await lin.starts(f"p{b}"); await lin.taps("Register")
    await shi.starts(f"p{b}"); await shi.taps("Join the waiting list")
    await lin.taps("Withdraw"); await lin.taps("Yes, withdraw")
    await stage.deliver()
    await shi.taps("Accept")
    await shi.taps("Why?")
    print(n, {t.id: t.data for t in stage.world.taps.values()})

async def test_restart_mid_dialogue(sqlite):
    async with stage_on(sqlite) as stage:
        b = await stage.database.write(make.batch)
        lin = await stage.teacher("林若溪")
        await lin.starts(f"p{b}")
        await lin.taps("Register")
        stage.clock.advance(timedelta(days=11))
        await lin.starts(f"p{b}")
        await lin.taps("Ask to withdraw")
        await lin.taps("Yes, withdraw")
        stage.world.say(lin.id, lin.id, "家中老人住院")
        ups = await stage.world.updates.poll(0, 100, 0)
        from storage.messaging import inbox
        import json
        await sqlite.write(inbox.keep, [inbox.Arrival(u["update_id"], json.dumps(u)) for u in ups], now=stage.clock())
        # restart
        from bot.office import Office
        office = Office(stage.office.settings, TOKEN, sqlite, stage.clock, bot_api="http://sandbox", request=Wire(stage.sandbox))
        async with office.open():
            print(await office.inbox.recover()); await office.inbox.drained()
            print(await office.inbox.recover()); await office.inbox.drained()
        print(lin.sees(), await sqlite.read(lambda s: s.exec(select(Registration.leave_request)).all()))

async def test_lang_switch_and_topic(stage: Stage):
    lin = await stage.teacher("林若溪", "zh-hans")
    b = await stage.database.write(make.batch, "朗读", seats=1)
    await lin.starts(f"p{b}")
    old = [m for m in lin.messages() if not m.mine][-1]
    await lin.says("/settings")
    await lin.sends_data("lang:zh_Hant")
    for c in ("/menu","/programmes","/hours","/due","/mine","/privacy","/help","/unlink"):
        print(c, (await lin.says(c))[:60].replace("\n"," "))
    await lin.sends_data("hpic")
    await lin.sends_data(f"reg:{b}"); print(lin.alert)

async def test_menu_in_group_of_linked_blocked(stage: Stage):
    lin = await stage.teacher("林若溪")
    g = stage.world.add_group("g", members=[lin.id])
    stage.world.block(lin.id)
    await stage.settle()
    for c in ("/hours", "/mydata", "/start", "/start@qinglan_bot p1"):
        print(c, await lin.says(c, at=g.id))
