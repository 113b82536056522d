"""`make bench`, or `python -m bench`: measures and prints. Loopback only; ends by itself; leaves nothing behind."""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from bench import lists, sign_ins, verification
from bench.ground import ENGINES, Ground, cores, ground

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


WHOLE: Final = Plan(sign_ins=2000, warm=1000, more=10_000, few=1000, many=1_000_000, times=30, verifications=1000)
QUICK: Final = Plan(sign_ins=300, warm=300, more=600, few=1000, many=20_000, times=10, verifications=100)


def main() -> None:
    """Measure what was asked for."""
    parts: dict[str, Callable[[Ground, Plan], None]] = {
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
    with ground() as where:
        for name in chosen.only or parts:
            parts[name](where, plan)
    console.print(f"Done in {(time.monotonic() - started) / 60:.1f} minutes.")


def _pinned() -> str:
    if cores().server is None:
        return "The server shares its cores with everything else: the rates below are too low."
    return "The server has one core to itself; clients and PostgreSQL have the others."


def show_sign_ins(where: Ground, plan: Plan) -> None:
    """Show the rate of sign-ins, its floor, the statements, and what verification costs."""
    table = _table(f"SAML sign-ins, one worker on one core, {sign_ins.CLIENTS} clients", "per second", "CPU ms", "busy")
    size = 0
    for place, sentence in (("memory", "database in memory"), ("disk", "database on this disk")):
        for engine in ENGINES:
            rate, size = sign_ins.measure(where, engine, "memory" if place == "memory" else "disk", plan.sign_ins)
            _row(table, f"{engine}, {sentence}", rate)
    _row(table, "floor: Starlette parses the form, sets a cookie", sign_ins.measure_floor(where, plan.sign_ins))
    console.print(table)
    console.print(
        f"Each a response of {size / 1000:.1f} kB with 30 groups, its assertion signed, by people seen before.\n"
    )
    _show_statements(where)
    _show_verification(plan)


def _show_statements(where: Ground) -> None:
    table = _table("What a sign-in asks of the database", "statements", "of them write", "transactions")
    for engine in ENGINES:
        with where.database(engine, "memory") as url:
            for name, counted in zip(("first time", "later"), sign_ins.count_statements(url), strict=True):
                numbers = (len(counted.statements), counted.writes, counted.transactions)
                table.add_row(f"{engine}, {name}", *(str(number) for number in numbers))
    console.print(table, "")


def _show_verification(plan: Plan) -> None:
    measured = verification.measure(plan.verifications)
    table = _table("Verifying one such response, one thread", "microseconds", "per second")
    steps = ", ".join(f"{name} {microseconds:.0f}" for name, microseconds in measured.steps.items())
    for name, taken in (("form field to verified assertion", measured.whole), (f"floor: {steps}", measured.floor)):
        table.add_row(name, f"{taken:.0f}", f"{1e6 / taken:,.0f}")
    console.print(table, "")


def show_lists(where: Ground, plan: Plan) -> None:
    """Show the pages of the End users list with few people and with many."""
    for engine in ENGINES:
        title = f"End users list, {engine}, over HTTP: median of {plan.times}"
        table = _table(title, "people shown", f"{plan.few:,} ms", f"{plan.many:,} ms", "ratio")
        for one in lists.measure(where, engine, plan.few, plan.many, plan.times):
            shown = str(one.rows[0]) if one.rows[0] == one.rows[1] else f"{one.rows[0]} and {one.rows[1]}"
            table.add_row(one.name, shown, f"{one.few_ms:.1f}", f"{one.many_ms:.1f}", f"{one.ratio:.2f}")
        console.print(table, "")


def show_memory(where: Ground, plan: Plan) -> None:
    """Show what a worker keeps of many sign-ins."""
    growth = sign_ins.measure_memory(where, plan.warm, plan.more)
    table = _table("Resident memory of one worker, SQLite", "MiB")
    table.add_row("at rest", f"{growth.at_rest_mib:.1f}")
    table.add_row(f"after {growth.warm_sign_ins:,} sign-ins", f"{growth.warm_mib:.1f}")
    table.add_row(f"after {growth.more_sign_ins:,} more", f"{growth.end_mib:.1f}")
    more = growth.end_mib - growth.warm_mib
    console.print(
        table, f"Growth over the last {growth.more_sign_ins:,}: {more:+.1f} MiB, {more / growth.warm_mib:+.1%}.\n"
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _row(table: Table, name: str, rate: sign_ins.Rate) -> None:
    table.add_row(name, f"{rate.per_second:,.0f}", f"{rate.cpu_ms:.2f}", f"{rate.busy:.0%}")


if __name__ == "__main__":
    main()
