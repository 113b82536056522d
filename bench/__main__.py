"""`make bench`, or `python -m bench`: measures and prints. Loopback only; ends by itself; leaves nothing behind."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from bench import lists, sign_ins, verification
from bench.ground import ENGINES, Ground, Where, cores, ground

PLACES: Final[dict[Where, str]] = {"memory": "database in memory", "disk": "database on this disk"}
console: Final = Console(highlight=False, width=110)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    sign_ins: int
    warm: int
    more: int
    few: int
    many: int
    times: int
    verifications: int


@dataclass(frozen=True, slots=True)
class Target:
    """Something that was promised, and whether it holds here."""

    promise: str
    found: str
    met: bool


MOST_STATEMENTS: Final = 8
MOST_RATIO: Final = 2.0
MOST_GROWTH: Final = 0.03
WHOLE: Final = Plan(sign_ins=2000, warm=1000, more=10_000, few=1000, many=1_000_000, times=30, verifications=1000)
QUICK: Final = Plan(sign_ins=300, warm=300, more=600, few=1000, many=20_000, times=10, verifications=100)


def main() -> int:
    """Measure what was asked for; return 1 when a target is missed."""
    parts: dict[str, Callable[[Ground, Plan], list[Target]]] = {
        "sign-ins": show_sign_ins,
        "lists": show_lists,
        "memory": show_memory,
    }
    parser = argparse.ArgumentParser(prog="python -m bench", description="What the product costs on this machine.")
    parser.add_argument("--quick", action="store_true", help="fewer of everything: in a minute, to see that it works")
    parser.add_argument("--only", choices=parts, action="append", help="leave the rest out; may be repeated")
    chosen = parser.parse_args()
    plan, started = (QUICK if chosen.quick else WHOLE), time.monotonic()
    console.print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}. {_pinned()}")
    targets: list[Target] = []
    with ground() as where:
        for name in chosen.only or parts:
            targets += parts[name](where, plan)
    table = _table("Targets", "found", "")
    for one in targets:
        table.add_row(one.promise, one.found, "met" if one.met else "[bold red]missed[/]")
    console.print(table, f"Done in {(time.monotonic() - started) / 60:.1f} minutes.")
    return 0 if all(one.met for one in targets) else 1


def _pinned() -> str:
    if cores().server is None:
        return "The server shares its cores with everything else: the rates below are too low."
    return "The server has one core to itself; clients and PostgreSQL have the others."


def show_sign_ins(where: Ground, plan: Plan) -> list[Target]:
    """Show the rate of sign-ins, its floor, the statements, and what verification costs."""
    table = _table(f"SAML sign-ins, one worker on one core, {sign_ins.CLIENTS} clients", "per second", "CPU ms", "busy")
    size = 0
    for place, sentence in PLACES.items():
        for engine in ENGINES:
            rate, size = sign_ins.measure(where, engine, place, plan.sign_ins)
            _row(table, f"{engine}, {sentence}", rate)
    _row(table, "floor: Starlette parses the form, sets a cookie", sign_ins.measure_floor(where, plan.sign_ins))
    console.print(table)
    console.print(
        f"Each a response of {size / 1000:.1f} kB with 30 groups, its assertion signed, by people seen before.\n"
    )
    _show_verification(plan)
    return _show_statements(where)


def _show_statements(where: Ground) -> list[Target]:
    table = _table("What a sign-in asks of the database", "statements", "of them write", "transactions")
    targets = []
    for engine in ENGINES:
        with where.database(engine, "memory") as url:
            first, later = sign_ins.count_statements(url)
        for name, counted in (("first time", first), ("later", later)):
            numbers = (len(counted.statements), counted.writes, counted.transactions)
            table.add_row(f"{engine}, {name}", *(str(number) for number in numbers))
        promise = f"{engine}: a sign-in takes {MOST_STATEMENTS} statements or fewer, in one transaction"
        met = len(later.statements) <= MOST_STATEMENTS and later.transactions == 1
        targets.append(Target(promise, f"{len(later.statements)} in {later.transactions}", met))
    console.print(table, "")
    return targets


def _show_verification(plan: Plan) -> None:
    measured = verification.measure(plan.verifications)
    table = _table("Verifying one such response, one thread", "microseconds", "per second")
    steps = ", ".join(f"{name} {microseconds:.0f}" for name, microseconds in measured.steps.items())
    for name, taken in (("form field to verified assertion", measured.whole), (f"floor: {steps}", measured.floor)):
        table.add_row(name, f"{taken:.0f}", f"{1e6 / taken:,.0f}")
    console.print(table, "")


def show_lists(where: Ground, plan: Plan) -> list[Target]:
    """Show the pages of the End users list with few people and with many."""
    targets = []
    for engine in ENGINES:
        title = f"End users list, {engine}, over HTTP: median of {plan.times}"
        table = _table(title, "people shown", f"{plan.few:,} ms", f"{plan.many:,} ms", "ratio")
        timings = lists.measure(where, engine, plan.few, plan.many, plan.times)
        for one in timings:
            shown = str(one.rows[0]) if one.rows[0] == one.rows[1] else f"{one.rows[0]} and {one.rows[1]}"
            table.add_row(one.name, shown, f"{one.few_ms:.1f}", f"{one.many_ms:.1f}", f"{one.ratio:.2f}")
        console.print(table, "")
        worst = max(timings, key=lambda one: one.ratio)
        promise = f"{engine}: no page of the list takes {MOST_RATIO:.0f} times as long with {plan.many:,} people"
        targets.append(Target(promise, f"{worst.ratio:.2f} ({worst.name})", worst.ratio < MOST_RATIO))
    return targets


def show_memory(where: Ground, plan: Plan) -> list[Target]:
    """Show what a worker keeps of many sign-ins."""
    growth = sign_ins.measure_memory(where, plan.warm, plan.more)
    table = _table("Resident memory of one worker, SQLite", "MiB")
    table.add_row("at rest", f"{growth.at_rest_mib:.1f}")
    table.add_row(f"after {growth.warm_sign_ins:,} sign-ins", f"{growth.warm_mib:.1f}")
    table.add_row(f"after {growth.more_sign_ins:,} more", f"{growth.end_mib:.1f}")
    console.print(table, "")
    more = growth.end_mib - growth.warm_mib
    promise = f"{growth.more_sign_ins:,} more sign-ins leave a worker less than {MOST_GROWTH:.0%} larger"
    return [Target(promise, f"{more:+.1f} MiB, {more / growth.warm_mib:+.1%}", more < MOST_GROWTH * growth.warm_mib)]


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _row(table: Table, name: str, rate: sign_ins.Rate) -> None:
    table.add_row(name, f"{rate.per_second:,.0f}", f"{rate.cpu_ms:.2f}", f"{rate.busy:.0%}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that it cleans up after itself, then too
    sys.exit(main())
