"""The part `scim` of a run: what each kind of request costs, here and at two peers, and the push of a whole company."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Final

from bench import directories
from bench.ground import ENGINES, Engine, Ground
from bench.peers import PeerMissingError, scim2
from bench.peers.jackson import directory
from bench.scim_requests import OPERATIONS, Asked, Cost, Endpoint, measure
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
_OURS: Final[Mapping[Engine, str]] = {engine: f"Vestibule, {engine}" for engine in ENGINES}
_IN_MEMORY: Final = "scim2-server in memory"
_PEERS: Final[
    tuple[tuple[str, Callable[[Ground, int], AbstractContextManager[Endpoint]], Mapping[str, float]], ...]
] = (
    (_IN_MEMORY, scim2.serving, LEAST_IN_MEMORY),
    ("saml-jackson, PostgreSQL", directory.serving, LEAST_JACKSON),
)
MOST_SLOW_DOWN: Final = 1.3


def scim(where: Ground, plan: Plan) -> list[Target]:
    """Show what a directory's requests cost beside the peers, and how a push of everybody goes."""
    people = min(PEOPLE, plan.pushed)
    targets: list[Target] = []
    with ExitStack() as running:
        servers: dict[str, Asked] = {}
        for engine in ENGINES:
            endpoint = running.enter_context(directories.serving(where, engine, people))
            servers[_OURS[engine]] = Asked(endpoint, dict.fromkeys(OPERATIONS, plan.asked))
        for name, serving, wanted in _PEERS:
            console.print(f"… {name} with {people:,} users")
            try:
                endpoint = running.enter_context(serving(where, people))
            except PeerMissingError as missing:
                console.print(f"[bold]Not measured:[/] SCIM beside {name}: {missing}")
                targets.append(Target(f"SCIM beside {name}", "the peer is not here", None))
                continue
            numbers = {one: _FEW if name == _IN_MEMORY and one in _SLOW else plan.asked for one in wanted}
            servers[name] = Asked(endpoint, numbers)
        console.print("… all of them in turns")
        costs = measure(servers, warm=_FEW)
    for name, _, wanted in _PEERS:
        if name in costs:
            engines = ENGINES if name == _IN_MEMORY else ("PostgreSQL",)
            targets += [
                one for engine in engines for one in _held(engine, costs[_OURS[engine]], name, costs[name], wanted)
            ]
    _show(costs, people)
    return [*targets, *_push(where, plan)]


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
