"""Making an entry together, and being put forward: who is meant says yes first."""

from __future__ import annotations

from sqlmodel import Session, select

from storage.competitions.tables import CompetingState, Entry, EntryAuthor
from storage.people.tables import TeacherFact
from tests import make
from tests.competitions.test_entering_talk import a_competition, a_coordinator, begun
from tests.stage import Stage


async def entries(stage: Stage) -> list[tuple[int, CompetingState, bool]]:
    def read(session: Session) -> list[tuple[int, CompetingState, bool]]:
        rows = session.exec(select(Entry)).all()
        return [(row.teacher_id, row.state, row.agreed_at is not None) for row in rows]

    return await stage.database.read(read)


async def test_a_colleague_joins_with_their_own_yes(stage: Stage) -> None:
    await a_competition(stage, team_most=2)
    lin, shi = await stage.teacher("林若溪"), await stage.teacher("石晓岚")
    await begun(stage, lin)
    assert "you make it alone" in await lin.taps("With whom")
    await lin.taps("Ask a colleague")
    assert "Nobody of exactly this name" in await lin.says("石晓")
    assert "Whom do you mean" in await lin.says("石晓岚")
    assert "石晓岚, 澄禾县实验小学: asked" in await lin.taps("石晓岚")
    assert "Ask a colleague" not in lin.labels()
    await stage.deliver()
    assert "林若溪 would like to make an entry together with you" in shi.sees()
    assert "You make this entry together" in await shi.taps("Together")
    assert "Entrant: 林若溪" in shi.sees()
    assert "Leave competition" not in shi.labels()
    await lin.taps("Back")
    assert "takes part" in await lin.taps("With whom")
    assert "alone" in await lin.taps("Without 石晓岚")
    assert await stage.database.read(lambda s: s.exec(select(EntryAuthor)).all()) == []


async def test_who_was_not_asked_cannot_join(stage: Stage) -> None:
    await a_competition(stage, team_most=3)
    lin, shi = await stage.teacher("林若溪"), await stage.teacher("石晓岚")
    han = await stage.teacher("韩静仪")
    await begun(stage, lin)
    await lin.taps("With whom")
    await lin.taps("Ask a colleague")
    await lin.says("石晓岚")
    await lin.taps("石晓岚")
    await stage.deliver()
    await han.starts("menu")
    assert "settled" in await han.sends_data("kbiy:1:1")
    await lin.taps("Without 石晓岚")
    await shi.taps("Together")
    assert "settled" in shi.alert
    assert await stage.database.read(lambda s: s.exec(select(EntryAuthor)).all()) == []


async def test_the_head_of_the_group_puts_a_colleague_forward(stage: Stage) -> None:
    await a_competition(stage)
    han, lin = await stage.teacher("韩静仪"), await stage.teacher("林若溪")

    def lead(session: Session) -> None:
        assert han.teacher_id is not None
        session.add(TeacherFact(teacher_id=han.teacher_id, key="duty", value="group_head"))

    await stage.database.write(lead)
    await han.starts("menu")
    await han.taps("Competitions")
    await han.taps("课堂教学大赛")
    assert "林若溪" in await han.taps("Put forward")
    assert "林若溪: asked, no answer yet" in await han.taps("林若溪")
    await stage.deliver()
    assert "韩静仪 would like to put you forward" in lin.sees()
    assert await entries(stage) == [(lin.teacher_id, CompetingState.DRAFT, False)]
    assert "The entry is yours now" in await lin.taps("I enter")
    assert await entries(stage) == [(lin.teacher_id, CompetingState.DRAFT, True)]


async def test_who_says_no_is_out_of_it_without_a_reason(stage: Stage) -> None:
    await a_competition(stage)
    luo, lin = await a_coordinator(stage), await stage.teacher("林若溪")
    await luo.starts("menu")
    await luo.taps("Competitions")
    await luo.taps("课堂教学大赛")
    await luo.taps("Put forward")
    await luo.taps("林若溪")
    await stage.deliver()
    await lin.taps("Not this time")
    assert "Nothing is entered" in lin.alert
    await stage.deliver()
    assert "林若溪 does not enter" in luo.sees()
    assert await entries(stage) == [(lin.teacher_id, CompetingState.WITHDRAWN, False)]
    # It can still be thought over, by oneself.
    await lin.taps("课堂教学大赛")
    assert "is begun" in await lin.taps("Enter")


async def test_the_desk_says_for_what_colleagues_can_be_put_forward(stage: Stage) -> None:
    await a_competition(stage)
    luo, lin = await a_coordinator(stage), await stage.teacher("林若溪")
    await luo.says("/desk")
    assert "课堂教学大赛: entries by " in await luo.taps("Competitions")
    await luo.taps("Put forward: 课堂教学大赛")
    await luo.taps("林若溪")
    assert await entries(stage) == [(lin.teacher_id, CompetingState.DRAFT, False)]
    await stage.passes(days=30)
    await luo.says("/desk")
    assert "课堂教学大赛" not in await luo.taps("Competitions")


async def test_a_colleague_is_found_by_a_part_of_the_name(stage: Stage) -> None:
    await a_competition(stage)
    luo, lin = await a_coordinator(stage), await stage.teacher("林若溪")
    for n in range(9):
        await stage.database.write(make.teacher, f"教师{n}")
    await luo.says("/desk")
    await luo.taps("Competitions")
    assert "You can also type a name" in await luo.taps("Put forward: 课堂教学大赛")
    assert "Nobody in this list is called so" in await luo.says("钱")
    assert [each for each in luo.labels() if "Back" not in each] == []
    await luo.says("若溪")
    await luo.taps("1. 林若溪")
    assert await entries(stage) == [(lin.teacher_id, CompetingState.DRAFT, False)]


async def test_being_put_forward_can_be_taken_back_before_the_answer(stage: Stage) -> None:
    await a_competition(stage)
    luo, lin = await a_coordinator(stage), await stage.teacher("林若溪")
    await luo.starts("menu")
    await luo.taps("Competitions")
    await luo.taps("课堂教学大赛")
    await luo.taps("Put forward")
    await luo.taps("林若溪")
    await stage.deliver()
    await luo.taps("Take back: 林若溪")
    await lin.taps("I enter")
    assert "answered already" in lin.alert
    assert await entries(stage) == [(lin.teacher_id, CompetingState.WITHDRAWN, False)]
