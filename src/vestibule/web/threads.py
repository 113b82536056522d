"""Worker threads: where all that is synchronous runs, so that the event loop never waits for a database.

`asyncio.to_thread` does the same by two futures, and looks each time whether the function is a coroutine, which for a short
answer costs as much as looking it up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

# Requests that are worked on at once; the others wait, as they would for one of the database's connections.
THREADS: Final = 40
_workers: Final = ThreadPoolExecutor(THREADS, "request")


async def in_thread(function: Callable[_Given, _Result], *given: _Given.args, **named: _Given.kwargs) -> _Result:
    """Run a function in a worker thread, in a copy of this context (language, request id); return or raise what it does."""
    loop, context = asyncio.get_running_loop(), copy_context()
    done: asyncio.Future[_Result] = loop.create_future()

    def run() -> None:
        if done.cancelled():
            return  # nobody waits any more, as when the server stops: what has not begun is not begun
        try:
            result = context.run(function, *given, **named)
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            loop.call_soon_threadsafe(_fail, done, error)
        else:
            loop.call_soon_threadsafe(_succeed, done, result)

    _workers.submit(run)
    return await done


# Whoever waited may have been cancelled meanwhile.
def _succeed(done: asyncio.Future[_Result], result: _Result) -> None:
    if not done.done():
        done.set_result(result)


def _fail(done: asyncio.Future[_Result], error: BaseException) -> None:
    if not done.done():
        done.set_exception(error)
