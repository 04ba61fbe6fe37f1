"""The last mile in conversation: figures for the county, names for the school, bars for groups."""

from __future__ import annotations

from sqlmodel import Session

from storage.messaging import deadlines, groups
from storage.messaging.tables import ChatPurpose
from storage.training.remote import obstacles
from storage.training.remote.tables import ObstacleReason
from storage.training.tables import Batch
from tests import make
from tests.make import NOW
from tests.stage import Actor, Stage
from tests.training import classes
from tests.training.desk import appoint_at_school, appoint_in_county
from tests.training.remote import studies

HOME, TOWN = "澄禾县实验小学", "青崖镇中心小学"


async def _actors(stage: Stage) -> tuple[Actor, Actor, Actor, int]:
    """The county's coordinator, a school's, one of its teachers, and a class of two schools."""
    zhou, luo = await stage.teacher("周县"), await stage.teacher("罗佳宁")
    lin = await stage.teacher("林若溪")

    def arrange(session: Session) -> int:
        assert zhou.teacher_id
        assert luo.teacher_id
        assert lin.teacher_id
        appoint_in_county(session, zhou.teacher_id)
        appoint_at_school(session, luo.teacher_id)
        batch_id = studies.remote_class(session)
        late = classes.joins(session, batch_id, lin.teacher_id)
        done = classes.people_in(session, batch_id, 5, at=HOME)
        others = classes.people_in(session, batch_id, 5, at=TOWN)
        figures = {late: 20.0} | dict.fromkeys(done, 100.0)
        figures |= dict.fromkeys(others[:4], 100.0) | {others[4]: 0.0}
        studies.imported(session, batch_id, zhou.teacher_id, figures)
        batch = session.get_one(Batch, batch_id)
        deadlines.set_deadline(
            session, "remote_end", batch_id, batch.ends_at, now=NOW, preset="T-1"
        )
        return batch_id

    return zhou, luo, lin, await stage.database.write(arrange)


async def _group(stage: Stage, batch: int, member: Actor) -> int:
    """A group of the class in English."""
    group = stage.world.add_group("学习群", members=[member.id])

    def bind(session: Session) -> None:
        groups.bind(
            session,
            group.id,
            "学习群",
            purpose=ChatPurpose.PROGRAMME,
            programme_id=session.get_one(Batch, batch).programme_id,
            language="en",
        )

    await stage.database.write(bind)
    return group.id


async def test_the_county_sees_rates_gaps_in_persons_and_schools(stage: Stage) -> None:
    zhou, _luo, _lin, batch = await _actors(stage)

    await zhou.starts(f"run{batch}")
    shown = await zhou.taps("Last mile")
    assert "Figures as of Fri 20 Nov, 09:00" in shown
    assert "Due: 11, exempt: 0" in shown
    assert "Taking part: 90.9% (10 of 11), 1 more person to 100%" in shown
    assert "Study finished: 81.8% (9 of 11)" in shown
    assert "For 98% to pass, 1 more has to finish." in shown
    assert "Not finished: not started 1, behind the pace 1" in shown
    assert "At today's pace, on Fri 4 Dec: finished about 9, begun" in shown
    assert "林若溪" not in shown

    shown = await zhou.taps("School by school")
    assert "▰▰▰▰▰▰▰▰▱▱ 5 of 6" in shown
    assert "林若溪" not in shown
    shown = await zhou.taps(f"{HOME} · 1")
    assert "1 person has not finished" in shown
    shown = await zhou.taps("林若溪")
    assert "What holds them up" not in shown
    assert "no network" not in zhou.labels()
    await zhou.taps("Back")
    assert "School by school" not in zhou.labels()
    assert "Study finished, school by school:" in await zhou.taps("Back")
    await zhou.taps("Back")
    assert "Passed: of those who take part" in await zhou.taps("How it is counted")


async def test_a_school_notes_what_holds_its_people_up_and_asks_once_more(stage: Stage) -> None:
    _zhou, luo, lin, batch = await _actors(stage)

    await luo.starts(f"mile{batch}")
    assert "The figures are those of your own people." in luo.sees()
    assert TOWN not in luo.sees()
    shown = await luo.taps("Not finished · 1")
    assert "林若溪 · behind the pace · 20%" in shown
    shown = await luo.taps("林若溪")
    assert "Only your school sees it." in shown
    await luo.taps("no network")
    assert "✓ no network" in luo.labels()
    await luo.taps("✓ no network")
    assert "✓ no network" not in luo.labels()
    await luo.taps("forgot")
    await luo.taps("Back")
    assert "Held up: forgot 1" in luo.sees()

    await luo.taps("Remind · 1")
    assert luo.alert == "1 person will read it in their next brief."
    assert "Remind" not in " ".join(luo.labels())
    assert "Nobody can be reminded now:\n1 person will read it in their next brief." in luo.sees()
    assert "with their next brief" in await luo.taps("林若溪")
    await stage.passes(hours=8)
    assert "全员岗位远程培训" in lin.sees()
    before = len(lin.messages())
    await luo.starts(f"mile{batch}")
    shown = await luo.taps("Not finished · 1")
    assert "Last reminded: Fri 20 Nov" in shown
    assert "1 has been reminded within a week already." in shown
    shown = await luo.taps("林若溪")
    assert "Last reminded: Fri 20 Nov" in shown
    assert "reminded within a week, so not again yet" in shown
    assert "Remind once" not in luo.labels()
    await luo.taps("Mark as contacted")
    assert "✓ Spoken with" in luo.labels()
    await luo.taps("Back")
    assert "✓ 林若溪" in luo.labels()
    await stage.passes(hours=1)
    assert len(lin.messages()) == before


async def test_an_old_key_cannot_show_or_ask_people_of_another_school(stage: Stage) -> None:
    _zhou, luo, lin, batch = await _actors(stage)
    other = await stage.database.read(lambda session: make.school(session, TOWN))
    await luo.starts(f"mile{batch}")
    for data in (f"lmp:{batch}:{other}:0", f"lmn:{batch}:{other}:0:0"):
        assert "right" in await luo.sends_data(data)
    assert "right" in await luo.sends_data(f"lmb:{batch}")
    await lin.says("/menu")
    assert "right" in await lin.sends_data(f"lm:{batch}")


async def test_a_bulletin_stands_in_the_group_without_anybodys_name(stage: Stage) -> None:
    zhou, _luo, _lin, batch = await _actors(stage)
    await zhou.starts(f"mile{batch}")
    assert "No group of this class is connected yet" in await zhou.taps("Bulletin")
    assert "To all staff" not in zhou.labels()
    assert "To connect a group" in await zhou.taps("Connect a group")
    group = await _group(stage, batch, zhou)
    await zhou.starts(f"mile{batch}")
    shown = await zhou.taps("Bulletin")
    assert "This would stand in 1 group" in shown
    await zhou.taps("Post it")
    assert zhou.alert == "The bulletin goes to 1 group."
    assert "has been posted" in zhou.sees()
    await stage.passes(minutes=5)
    said = zhou.sees(at=group)
    assert "[Progress bulletin] 全员岗位远程培训, no. 1" in said
    assert "Due: 11; taking part 90.9%; study finished 81.8%." in said
    assert f"At 100% taking part (1 school): {HOME}" in said
    assert f"▰▰▰▰▰▰▰▰▱▱ 83.3% {HOME}" in said
    assert "林若溪" not in said


async def test_a_class_without_a_group_has_its_bulletin_among_all_staff(stage: Stage) -> None:
    zhou, luo, _lin, batch = await _actors(stage)
    group = stage.world.add_group("全体教师", members=[zhou.id])

    def bind(session: Session) -> None:
        groups.bind(
            session,
            group.id,
            "全体教师",
            purpose=ChatPurpose.ALL_STAFF,
            unit_id=make.county(session),
            language="en",
        )

    await stage.database.write(bind)
    await zhou.starts(f"mile{batch}")
    assert "in your group of all staff" in await zhou.taps("Bulletin")
    assert "Post it" not in zhou.labels()
    await zhou.taps("To all staff")
    assert zhou.alert == "The bulletin goes to 1 group."
    await stage.passes(minutes=5)
    assert "[Progress bulletin] 全员岗位远程培训, no. 1" in zhou.sees(at=group.id)

    def goes_on(session: Session) -> int:
        assert zhou.teacher_id
        everybody = studies.registrations(session, batch)
        figures = dict.fromkeys(everybody, 100.0)
        return studies.imported(session, batch, zhou.teacher_id, figures, as_of=stage.clock())

    # What was chosen holds for the figures that come, and for the next one.
    await stage.database.write(goes_on)
    await stage.passes(minutes=5)
    assert "study finished 100.0%" in zhou.sees(at=group.id)
    await stage.passes(days=3)
    newest = await stage.database.write(goes_on)
    await zhou.starts(f"mile{batch}")
    assert "This would stand in 1 group" in await zhou.taps("Bulletin")
    assert "To all staff" not in zhou.labels()
    await luo.says("/menu")
    assert "right" in await luo.sends_data(f"lmy:{batch}:{newest}")


async def test_a_week_before_the_end_the_group_reads_how_far_its_schools_are(
    stage: Stage,
) -> None:
    zhou, _luo, _lin, batch = await _actors(stage)
    group = await _group(stage, batch, zhou)

    def usual(session: Session) -> None:
        ends_at = session.get_one(Batch, batch).ends_at
        deadlines.set_deadline(session, "remote_end", batch, ends_at, now=NOW)

    await stage.database.write(usual)
    await stage.passes(days=5, hours=1)
    said = zhou.sees(at=group)
    assert "[Progress bulletin] 全员岗位远程培训\n" in said
    assert "Remote training ends Fri 4 Dec" in said
    assert f"▰▰▰▰▰▰▰▰▱▱ 83.3% {HOME}" in said


async def test_what_was_asked_by_hand_stands_among_the_reminders(stage: Stage) -> None:
    zhou, luo, _lin, batch = await _actors(stage)
    await luo.starts(f"mile{batch}")
    await luo.taps("Not finished · 1")
    await luo.taps("林若溪")
    await luo.taps("Remind once")
    assert "1 person will read it" in luo.alert
    await zhou.starts(f"run{batch}")
    await zhou.taps("Reminders")
    assert "· by hand, Fri 20 Nov" in await zhou.taps("1. remote training ends")


async def test_who_says_that_something_holds_them_up_is_one_tap_away_for_their_school(
    stage: Stage,
) -> None:
    _zhou, luo, lin, batch = await _actors(stage)
    assert lin.teacher_id
    await stage.database.write(
        obstacles.say, lin.teacher_id, batch, ObstacleReason.NO_NETWORK, "宿舍没有信号", now=NOW
    )
    await stage.passes(hours=8)
    await luo.taps("Last mile")
    await luo.taps("Not finished · 1")
    assert "They say: 宿舍没有信号" in await luo.taps("林若溪")
    assert "✓ no network" in luo.labels()


async def test_a_class_without_platform_says_so_and_old_figures_are_called_old(
    stage: Stage,
) -> None:
    zhou, _luo, _lin, batch = await _actors(stage)
    await stage.passes(days=9)
    await zhou.starts(f"mile{batch}")
    assert "they are old, please import new ones" in zhou.sees()
    assert "At today's pace" not in zhou.sees()
    assert "nothing to report" in (await zhou.taps("Bulletin")) + zhou.alert
    other = await stage.database.write(make.batch)
    await zhou.starts(f"mile{other}")
    assert "set up as remote training" in zhou.sees()


async def test_after_the_end_a_school_reads_that_nobody_can_be_reminded(stage: Stage) -> None:
    _zhou, luo, _lin, batch = await _actors(stage)
    await stage.passes(days=15)
    await luo.starts(f"mile{batch}")
    said = "This class is over or its dates are not planned"
    assert said in await luo.taps("Not finished · 1")
    assert said in await luo.taps("林若溪")


async def test_a_school_reads_of_when_its_own_figures_are(stage: Stage) -> None:
    zhou, luo, _lin, batch = await _actors(stage)
    await stage.passes(hours=1)

    def of_the_other_school(session: Session) -> None:
        assert zhou.teacher_id
        town = studies.registrations(session, batch, make.school(session, TOWN))
        now = stage.clock()
        studies.imported(session, batch, zhou.teacher_id, dict.fromkeys(town, 50.0), as_of=now)

    await stage.database.write(of_the_other_school)
    await luo.starts(f"mile{batch}")
    assert "Figures as of Fri 20 Nov, 09:00" in luo.sees()
    assert "Figures as of Fri 20 Nov, 09:00" in await luo.taps("Not finished · 1")
    await zhou.starts(f"mile{batch}")
    assert "Figures as of Fri 20 Nov, 10:00" in zhou.sees()
