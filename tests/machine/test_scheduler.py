"""The scheduler: a sweep that fails comes again, and one that has stopped is noticed."""

from datetime import timedelta

import pytest

from bot.scheduler import Ticks


async def test_a_sweep_that_fails_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[str] = []

    async def fail() -> None:
        raise RuntimeError

    async def work() -> None:
        done.append("work")

    ticks = Ticks()
    ticks.every(timedelta(seconds=5), "failing", fail)
    ticks.every(timedelta(seconds=5), "working", work)
    await ticks.run_all()
    await ticks.run_all()
    assert done == ["work", "work"]
    assert "failing" in caplog.text


async def test_a_sweep_that_has_stopped_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = 0.0
    monkeypatch.setattr("bot.scheduler.time.monotonic", lambda: passed)

    async def work() -> None: ...

    ticks = Ticks()
    ticks.every(timedelta(seconds=30), "reminders", work)
    await ticks.run("reminders")
    passed = 200.0
    assert ticks.late() == []
    passed = 211.0
    assert ticks.late() == ["reminders"]
    await ticks.run("reminders")
    assert ticks.late() == []
