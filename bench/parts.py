"""The parts of a run: each measures, prints its tables as it goes, and returns how its promises fared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bench import lists, refusals, sign_ins, verification
from bench.ground import ENGINES, Ground, Where
from bench.peers import PeerMissingError, PeerRate, jackson, python3_saml, shibboleth
from bench.tables import Plan, Target, at_least, console, not_measured, table

PLACES: Final[dict[Where, str]] = {"memory": "database in memory", "disk": "database on this disk"}
MOST_STATEMENTS: Final = 8
MOST_RATIO: Final = 2.0
MOST_GROWTH: Final = 0.02
LEAST_RATIOS: Final[dict[verification.Way, float]] = {"assertion": 0.6, "both": 0.6, "encrypted": 0.7}
LEAST_PYTHON3_SAML: Final = 7
LEAST_JACKSON: Final = 5
LEAST_SHIBBOLETH: Final = 1.2
# From 30 to 300 groups, from 100 to 1,000 attributes: what 10 times as much may cost beside a floor that grows as much.
MOST_STEEPER: Final = 1.3
MOST_REFUSAL_MS: Final = 50
MOST_REFUSAL_MIB: Final = 32


def verifying(where: Ground, plan: Plan) -> list[Target]:
    """Show what verification costs beside its floor and beside python3-saml."""
    targets, ours = [], 0.0
    shown = table("Verifying one response with 30 groups, one thread, CPU", "bytes", "floor us", "ours us", "ratio")
    for way, one in verification.measure(plan.rounds):
        shown.add_row(one.name, f"{one.size:,}", f"{one.floor:.0f}", f"{one.ours:.0f}", f"{one.ratio:.2f}")
        ours = one.ours if way == "assertion" else ours
        if way in LEAST_RATIOS:
            targets.append(at_least(f"verification to floor, {one.name}", one.ratio, LEAST_RATIOS[way]))
    try:
        theirs = python3_saml.measure(where.folder, plan.rounds * 5)
        shown.add_row("python3-saml, assertion signed", "", "", f"{theirs:.0f}", f"{theirs / ours:.1f} times ours")
        targets.append(at_least("verification beside python3-saml, times", theirs / ours, LEAST_PYTHON3_SAML))
    except PeerMissingError as missing:
        targets.append(not_measured("verification beside python3-saml", missing))
    console.print(shown, "")
    return [*targets, *_growth(plan)]


def refusing(_where: Ground, plan: Plan) -> list[Target]:
    """Show what it costs to refuse each hostile message of the tests' corpus."""
    shown = table("Refusing a hostile message, CPU ms", "messages", "middle", "dearest", "which")
    measured = refusals.measure(max(3, plan.rounds // 10))
    for one in measured:
        shown.add_row(one.family, str(one.messages), f"{one.middle_ms:.2f}", f"{one.dearest_ms:.1f}", one.dearest[:40])
    console.print(shown, "")
    dearest = max(one.dearest_ms for one in measured)
    mib = refusals.most_memory() / 2**20
    return [
        Target(f"no refusal takes {MOST_REFUSAL_MS} ms of CPU", f"{dearest:.1f}", dearest < MOST_REFUSAL_MS),
        Target(f"no refusal takes {MOST_REFUSAL_MIB} MiB of Python's memory", f"{mib:.1f}", mib < MOST_REFUSAL_MIB),
    ]


def _growth(plan: Plan) -> list[Target]:
    shown = table("The same with more in it, assertion signed", "bytes", "floor us", "ours us", "ratio")
    measured = list(verification.measure_growth(plan.rounds // 3))
    for one in measured:
        shown.add_row(one.name, f"{one.size:,}", f"{one.floor:.0f}", f"{one.ours:.0f}", f"{one.ratio:.2f}")
    console.print(shown, "")
    steeper = max(few.ratio / many.ratio for few, many in zip(measured[::2], measured[1::2], strict=True))
    promise = f"ten times the groups or attributes: ratio to floor at most {MOST_STEEPER:g} times worse"
    return [Target(promise, f"{steeper:.2f}", steeper <= MOST_STEEPER)]


def acs(where: Ground, plan: Plan) -> list[Target]:
    """Show the rate of sign-ins, its floor, the peers beside it, and the statements."""
    title = f"SAML sign-ins from POST to session, one core, {sign_ins.CLIENTS} clients"
    shown = table(title, "per second", "CPU ms", "busy")
    size, ours = 0, 0.0
    for place, sentence in PLACES.items():
        for engine in ENGINES:
            console.print(f"… {engine}, {sentence}")
            rate, size = sign_ins.measure(where, engine, place, plan.sign_ins)
            shown.add_row(f"{engine}, {sentence}", f"{rate.per_second:,.0f}", f"{rate.cpu_ms:.2f}", f"{rate.busy:.0%}")
            if (engine, place) == ("PostgreSQL", "memory"):
                ours = rate.per_second
    least = sign_ins.measure_floor(where, plan.sign_ins)
    name = "floor: Starlette parses the form, sets a cookie"
    shown.add_row(name, f"{least.per_second:,.0f}", f"{least.cpu_ms:.2f}", f"{least.busy:.0%}")
    targets = []
    peers: list[tuple[str, float, Callable[[], PeerRate]]] = [
        (
            "Shibboleth SP under Apache, in memory",
            LEAST_SHIBBOLETH,
            lambda: shibboleth.measure(where, plan.sign_ins, sign_ins.CLIENTS),
        ),
        (
            "saml-jackson, PostgreSQL in memory",
            LEAST_JACKSON,
            lambda: jackson.measure(where, plan.slow_sign_ins, sign_ins.CLIENTS),
        ),
    ]
    for name, wanted, measure in peers:
        console.print(f"… {name}")
        try:
            theirs = measure()
        except PeerMissingError as missing:
            targets.append(not_measured(f"sign-ins beside {name}", missing))
            continue
        shown.add_row(name, f"{theirs.per_second:,.0f}", f"{theirs.cpu_ms:.2f}", "")
        targets.append(at_least(f"sign-ins on PostgreSQL beside {name}, times", ours / theirs.per_second, wanted))
    console.print(shown)
    console.print(
        f"Each a response of {size / 1000:.1f} kB with 30 groups, its assertion signed, by people seen before.\n"
    )
    return [*targets, *_statements(where)]


def _statements(where: Ground) -> list[Target]:
    shown = table("What a sign-in asks of the database", "statements", "of them write", "transactions")
    targets = []
    for engine in ENGINES:
        with where.database(engine, "memory") as url:
            first, later = sign_ins.count_statements(url)
        for name, counted in (("first time", first), ("later", later)):
            numbers = (len(counted.statements), counted.writes, counted.transactions)
            shown.add_row(f"{engine}, {name}", *(str(number) for number in numbers))
        promise = f"{engine}: a sign-in takes {MOST_STATEMENTS} statements or fewer, in one transaction"
        met = len(later.statements) <= MOST_STATEMENTS and later.transactions == 1
        targets.append(Target(promise, f"{len(later.statements)} in {later.transactions}", met))
    console.print(shown, "")
    return targets


def long_lists(where: Ground, plan: Plan) -> list[Target]:
    """Show the console's long lists with few people and with many, and as much that happened."""
    targets = []
    console.print(f"… {plan.many:,} people move in, on both engines")
    for engine, timings in lists.measure(where, plan.few, plan.many, plan.times):
        title = f"Long lists, {engine}, over HTTP: median of {plan.times}"
        shown = table(title, "rows shown", f"{plan.few:,} ms", f"{plan.many:,} ms", "ratio")
        for one in timings:
            rows = str(one.rows[0]) if one.rows[0] == one.rows[1] else f"{one.rows[0]} and {one.rows[1]}"
            shown.add_row(one.name, rows, f"{one.few_ms:.1f}", f"{one.many_ms:.1f}", f"{one.ratio:.2f}")
        console.print(shown, "")
        worst = max(timings, key=lambda one: one.ratio)
        promise = f"{engine}: no page of a list takes {MOST_RATIO:.0f} times as long with {plan.many:,} people"
        targets.append(Target(promise, f"{worst.ratio:.2f} ({worst.name})", worst.ratio < MOST_RATIO))
    return targets


def memory(where: Ground, plan: Plan) -> list[Target]:
    """Show what a worker keeps of many sign-ins."""
    shown = table(
        "Resident memory of one worker", "at rest, MiB", f"after {plan.warm:,} sign-ins", f"after {plan.more:,} more"
    )
    targets = []
    for engine in ENGINES:
        growth = sign_ins.measure_memory(where, engine, plan.warm, plan.more)
        shown.add_row(engine, f"{growth.at_rest_mib:.1f}", f"{growth.warm_mib:.1f}", f"{growth.end_mib:.1f}")
        more = growth.end_mib - growth.warm_mib
        promise = f"{engine}: {growth.more_sign_ins:,} more sign-ins leave a worker less than {MOST_GROWTH:.0%} larger"
        targets.append(
            Target(promise, f"{more:+.1f} MiB, {more / growth.warm_mib:+.1%}", more < MOST_GROWTH * growth.warm_mib)
        )
    console.print(shown, "")
    return targets
