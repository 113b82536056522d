"""What a worker thread does comes back to whoever waits for it: results, errors, and the context that it runs in."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from tests.support.loops import run
from vestibule.web.threads import THREADS, in_thread

WORD: ContextVar[str] = ContextVar("word", default="nothing")


def test_a_function_runs_in_another_thread_and_its_result_comes_back() -> None:
    def add(number: int, *, more: int) -> tuple[int, int]:
        return number + more, threading.get_ident()

    total, where = run(in_thread(add, 2, more=3))
    assert total == 5
    assert where != threading.get_ident()
    assert run(in_thread(divmod, 7, 2)) == (3, 1)


def test_what_a_function_raises_is_raised_where_it_is_waited_for() -> None:
    def fail() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        run(in_thread(fail))


def test_a_function_sees_the_context_of_whoever_asked_and_can_not_change_it() -> None:
    def look() -> str:
        found = WORD.get()
        WORD.set("changed")
        return found

    async def ask(word: str) -> tuple[str, str]:
        WORD.set(word)
        return await in_thread(look), WORD.get()

    async def two() -> list[tuple[str, str]]:
        return list(await asyncio.gather(ask("one"), ask("two")))

    assert run(two()) == [("one", "one"), ("two", "two")]


@pytest.mark.parametrize("fails", [False, True])
def test_nobody_minds_when_whoever_waited_has_gone(fails: bool) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait(30)
        if fails:
            raise LookupError("gone")

    async def give_up() -> list[object]:
        told: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: told.append(what))
        waiting = asyncio.ensure_future(in_thread(work))
        assert await asyncio.to_thread(begun.wait, 30)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        go_on.set()
        assert await in_thread(lambda: "next") == "next"
        await asyncio.sleep(0.05)
        return told

    assert run(give_up()) == []


def test_what_has_not_begun_when_nobody_waits_any_more_is_not_begun() -> None:
    go_on, begun = threading.Event(), list[str]()

    async def give_up() -> None:
        busy = [asyncio.ensure_future(in_thread(go_on.wait, 30)) for _ in range(THREADS)]
        late = asyncio.ensure_future(in_thread(begun.append, "late"))
        await asyncio.sleep(0.05)
        late.cancel()
        go_on.set()
        await asyncio.gather(*busy)
        await in_thread(begun.append, "next")

    run(give_up())
    assert begun == ["next"]


def test_as_many_work_at_once_as_there_are_threads() -> None:
    together = threading.Barrier(THREADS)

    async def everybody() -> list[int]:
        return await asyncio.gather(*(in_thread(together.wait, 60) for _ in range(THREADS)))

    assert sorted(run(everybody())) == list(range(THREADS))
