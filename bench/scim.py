"""The part `scim` of a run: what each kind of request costs, here and at two peers, and the push of a whole company."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Final

from bench import directories
from bench.ground import ENGINES, Engine, Ground
from bench.peers import PeerMissingError, scim2
from bench.peers.jackson import directory
from bench.scim_requests import OPERATIONS, Cost, Endpoint, measure
from bench.tables import Plan, Target, at_least, console, table

PEOPLE: Final = 10_000
# Ratios of CPU per request, the peer's to ours. scim2-server keeps nothing; saml-jackson is on PostgreSQL, as we are then.
LEAST_IN_MEMORY: Final[Mapping[str, float]] = {
    "create": 1,
    "get": 1,
    "filter userName": 1,
    "list 100": 10,
    "PATCH active": 1,
    "remove a member": 200,
    "add a member": 200,
    "group without members": 100,
}
LEAST_JACKSON: Final[Mapping[str, float]] = {"create": 2, "get": 2, "filter userName": 2, "PATCH active": 2}
# What takes scim2-server a good part of a second is asked a few times only.
_SLOW: Final = frozenset(name for name, ratio in LEAST_IN_MEMORY.items() if ratio > 1)
_FEW: Final = 10
MOST_SLOW_DOWN: Final = 1.3


def scim(where: Ground, plan: Plan) -> list[Target]:
    """Show what a directory's requests cost beside the peers, and how a push of everybody goes."""
    people = min(PEOPLE, plan.pushed)
    ours = {engine: _measured(f"Vestibule, {engine}", _ours(where, engine, people), plan) for engine in ENGINES}
    targets: list[Target] = []
    peers: list[tuple[str, Callable[[], AbstractContextManager[Endpoint]], Mapping[str, float]]] = [
        ("scim2-server in memory", lambda: scim2.serving(where, people), LEAST_IN_MEMORY),
        ("saml-jackson, PostgreSQL", lambda: directory.serving(where, people), LEAST_JACKSON),
    ]
    columns: dict[str, Mapping[str, Cost]] = {f"Vestibule, {engine}": costs for engine, costs in ours.items()}
    for name, serving, wanted in peers:
        try:
            theirs = _measured(name, serving, plan, wanted)
        except PeerMissingError as missing:
            console.print(f"[bold]Not measured:[/] SCIM beside {name}: {missing}")
            targets.append(Target(f"SCIM beside {name}", "the peer is not here", None))
            continue
        columns[name] = theirs
        engines = ENGINES if wanted is LEAST_IN_MEMORY else ("PostgreSQL",)
        targets += [one for engine in engines for one in _held(engine, ours[engine], name, theirs, wanted)]
    _show(columns, people)
    return [*targets, *_push(where, plan)]


def _ours(where: Ground, engine: Engine, people: int) -> Callable[[], AbstractContextManager[Endpoint]]:
    return lambda: directories.serving(where, engine, people)


def _measured(
    name: str,
    serving: Callable[[], AbstractContextManager[Endpoint]],
    plan: Plan,
    wanted: Iterable[str] = OPERATIONS,
) -> dict[str, Cost]:
    console.print(f"… {name}")
    few = name.startswith("scim2")
    numbers = {one: _FEW if few and one in _SLOW else plan.asked for one in wanted}
    with serving() as endpoint:
        return measure(endpoint, numbers, warm=_FEW)


def _held(
    engine: str, ours: Mapping[str, Cost], name: str, theirs: Mapping[str, Cost], wanted: Mapping[str, float]
) -> Iterator[Target]:
    for what, least in wanted.items():
        yield at_least(f"{what}, {engine} beside {name}, times", theirs[what].cpu_ms / ours[what].cpu_ms, least)


def _show(columns: Mapping[str, Mapping[str, Cost]], people: int) -> None:
    figures: tuple[tuple[str, Callable[[Cost], str]], ...] = (
        ("CPU ms of the server for each", lambda one: f"{one.cpu_ms:.2f}"),
        ("CPU ms of the database for each", lambda one: f"{one.database_ms:.2f}" if one.database_ms else ""),
        ("requests a second", lambda one: f"{one.per_second:,.0f}"),
    )
    for title, figure in figures:
        shown = table(f"SCIM with {people:,} users, one sequential client: {title}", *columns)
        for what in OPERATIONS:
            shown.add_row(what, *(figure(costs[what]) if what in costs else "" for costs in columns.values()))
        console.print(shown, "")


def _push(where: Ground, plan: Plan) -> list[Target]:
    title = f"{plan.pushed:,} users and {plan.groups:,} groups of 100, {directories.CLIENTS} clients, one worker"
    shown = table(title, "users a second", "CPU ms, first tenth", "last tenth", "ratio", "groups a second", "CPU ms")
    targets = []
    for engine in ENGINES:
        console.print(f"… a push into {engine}")
        found = directories.push(where, engine, plan.pushed, plan.groups)
        first, last = found.users[0], found.users[-1]
        rate = len(found.users) / sum(1 / one.per_second for one in found.users)
        figures = (first.cpu_ms, last.cpu_ms, found.slow_down, found.groups.per_second, found.groups.cpu_ms)
        shown.add_row(engine, f"{rate:,.0f}", *(f"{one:.2f}" for one in figures))
        promise = f"{engine}: the last tenth of a push takes at most {MOST_SLOW_DOWN:g} times the CPU of the first"
        targets.append(Target(promise, f"{found.slow_down:.2f}", found.slow_down <= MOST_SLOW_DOWN))
    console.print(shown, "")
    return targets
