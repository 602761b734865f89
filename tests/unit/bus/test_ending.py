"""A task ends although its cancellation was swallowed."""

import asyncio

import pytest

from touchline.bus import ending


async def stubborn(swallows: int) -> None:
    """Goes on after so many cancellations."""
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if not swallows:
                raise
            swallows -= 1


async def begun(swallows: int) -> "asyncio.Task[None]":
    task = asyncio.create_task(stubborn(swallows), name="stubborn")
    await asyncio.sleep(0)
    return task


async def test_a_swallowed_cancellation_is_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "AGAIN_S", 0.001)
    tasks = [await begun(0), await begun(3)]
    await ending.end(tasks)
    assert all(task.cancelled() for task in tasks)


async def test_a_task_that_cannot_be_ended_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "AGAIN_S", 0.001)
    task = await begun(ending.TRIES)
    with pytest.raises(TimeoutError, match="stubborn"):
        await ending.end([task])
    await ending.end([task])


async def test_what_a_task_raised_is_not_raised_by_ending_it() -> None:
    async def fails() -> None:
        raise ValueError("broken")

    task = asyncio.create_task(fails())
    await asyncio.wait([task])
    await ending.end([task])
    assert isinstance(task.exception(), ValueError)
