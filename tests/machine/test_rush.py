"""Answers come first, and what waits for them is never forgotten."""

import asyncio

from handlers.rush import Rush


class Work:
    """Counts what runs, together and in all."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.done = self.at_once = self.most = 0
        self._seconds = seconds

    def __call__(self) -> "asyncio.Task[None]":
        return asyncio.get_running_loop().create_task(self._do())

    async def _do(self) -> None:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(self._seconds)
        self.at_once -= 1
        self.done += 1


async def test_nothing_is_done_while_somebody_waits_for_an_answer() -> None:
    rush, work = Rush(breath=0.01), Work()
    with rush.owing():
        with rush.owing():
            rush.afterwards(work)
        await asyncio.sleep(0.05)
        assert work.done == 0
    await asyncio.wait_for(rush.caught_up(), 1)
    assert work.done == 1


async def test_between_two_batches_it_only_looks_calm() -> None:
    rush, work = Rush(breath=0.05), Work()
    for _ in range(10):
        with rush.owing():
            rush.afterwards(work)
        await asyncio.sleep(0.005)
    assert work.done == 0
    await asyncio.wait_for(rush.caught_up(), 1)
    assert work.done == 10


async def test_a_few_are_done_at_a_time() -> None:
    rush, work = Rush(at_once=3, breath=0.001), Work(0.005)
    for _ in range(20):
        rush.afterwards(work)
    await asyncio.wait_for(rush.caught_up(), 2)
    assert (work.done, work.most) == (20, 3)


async def test_nothing_waits_for_ever_however_many_keep_tapping() -> None:
    rush, work = Rush(longest=0.05, breath=0.001), Work()
    with rush.owing():
        rush.afterwards(work)
        rush.afterwards(work)
        await asyncio.wait_for(rush.caught_up(), 1)
    assert work.done == 2
    with rush.owing():  # and again, when the first wait is over
        rush.afterwards(work)
        await asyncio.wait_for(rush.caught_up(), 1)
    assert work.done == 3


async def test_what_fails_holds_up_nothing() -> None:
    rush, work = Rush(at_once=1, breath=0.001), Work()

    async def fail() -> None:
        raise ValueError

    failed: list[asyncio.Task[None]] = []

    def failing() -> "asyncio.Task[None]":
        failed.append(asyncio.get_running_loop().create_task(fail()))
        return failed[0]

    rush.afterwards(failing)
    rush.afterwards(work)
    await asyncio.wait_for(rush.caught_up(), 1)
    assert work.done == 1
    assert isinstance(failed[0].exception(), ValueError)


async def test_at_a_stop_what_has_not_begun_is_left_undone() -> None:
    rush, work = Rush(breath=0.001), Work()
    with rush.owing():
        rush.afterwards(work)
        rush.give_up()
        await asyncio.wait_for(rush.caught_up(), 1)
    await asyncio.sleep(0.01)
    assert work.done == 0
