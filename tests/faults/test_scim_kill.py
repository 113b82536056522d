"""Kill -9 of the server in the middle of a thousand writes of eight SCIM clients at once, three times, on both databases."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.faults.ghosts import backends, wait_until_gone
from tests.faults.invariants import State, read_state
from tests.faults.push_invariants import ids_of, picture_of, push_violations, writes_logged
from tests.faults.pushers import Pusher, Tally, push_all
from tests.support.directories import pushed_group, pushing
from tests.support.house import TestClock, furnish, make_runtime
from tests.support.served import Served
from vestibule.flows import scim_directories

WRITES = 1000
CLIENTS = 8
# After how many acknowledged writes the server dies: of the whole, not of a round.
KILLS = (150, 520, 770)


def test_a_killed_server_keeps_what_it_acknowledged_to_a_directory_and_leaves_nothing_half_pushed(
    database_url: str, tmp_path: Path
) -> None:
    served = Served(database_url, tmp_path)
    pushers = _pushers(served)
    cut = 0
    try:
        served.start()
        for kill_at in KILLS:
            ghosts = _push_until_killed(served, pushers, kill_at)
            served.start()
            wait_until_gone(database_url, ghosts)
            state = read_state(database_url)
            cut += sum(one.pending is not None for one in pushers)
            _settle(state, pushers)
            _require_whole(state, pushers)
        push_all(pushers, Tally(WRITES - _done(pushers)))
        state = read_state(database_url)
        _require_whole(state, pushers)
        assert {one.pending for one in pushers} == {None}
        assert _done(pushers) >= WRITES
        assert cut > len(KILLS), "hardly a write was cut off: the server was not killed in the middle"
    finally:
        served.stop()


def _pushers(served: Served) -> list[Pusher]:
    """Make a connection with a group that everybody pushes people into, and clients that share its token. Nothing stays open."""
    clock = TestClock()
    runtime = make_runtime(served.database_url, clock, served.base_url)
    try:
        house = furnish(runtime, clock)
        connection = pushing(house)
        scim_directories.change_stop_line(runtime, house.owner, connection.id, "100000", "100")
        token = scim_directories.make_token(runtime, house.owner, connection.id, "Push", "never")
        shared = pushed_group(house, connection, "Shared")
        return [Pusher(token.base_url, token.secret, f"c{number}", shared.id) for number in range(CLIENTS)]
    finally:
        runtime.database.close()


def _push_until_killed(served: Served, pushers: list[Pusher], kill_at: int) -> set[int]:
    """Let everybody push, kill the server at a number of acknowledged writes; return who still works for it in the database."""
    process = served.process
    assert process is not None
    tally = Tally(WRITES, kill_at - _done(pushers), lambda: process.send_signal(signal.SIGKILL))
    push_all(pushers, tally)
    served.kill()
    return backends(served.database_url)


def _settle(state: State, pushers: list[Pusher]) -> None:
    """Look up what became of the writes that nobody answered: they are done whole, or are sent again."""
    ids = ids_of(state)
    for one in pushers:
        there = picture_of(state, one.label)
        if one.pending is not None and there == one.pending.after:
            one.settle(there, ids)


def _require_whole(state: State, pushers: list[Pusher]) -> None:
    assert push_violations(state) == []
    for one in pushers:
        assert picture_of(state, one.label) == one.picture
    assert writes_logged(state) == _done(pushers)


def _done(pushers: list[Pusher]) -> int:
    return sum(one.done for one in pushers)
