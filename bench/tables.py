"""What the figures are printed with, and the promises that they are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

console: Final = Console(highlight=False, width=110)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    sign_ins: int
    slow_sign_ins: int
    warm: int
    more: int
    few: int
    many: int
    times: int
    rounds: int
    pushed: int
    groups: int
    asked: int


@dataclass(frozen=True, slots=True)
class Target:
    """Something that was promised, and whether it holds here; `met` is None where it could not be measured."""

    promise: str
    found: str
    met: bool | None


def at_least(promise: str, found: float, wanted: float) -> Target:
    """Return the target of a ratio."""
    return Target(f"{promise}: {wanted:g} or more", f"{found:.2f}", found >= wanted)


def not_measured(promise: str, why: Exception) -> Target:
    """Return the target of something that can't be measured here, and say why."""
    console.print(f"[bold]Not measured:[/] {promise}: {why}")
    return Target(promise, "the peer is not here", None)


def table(title: str, *columns: str) -> Table:
    """Return a table with a column of names before these."""
    made = Table(title=title, title_justify="left", title_style="bold")
    made.add_column("")
    for column in columns:
        made.add_column(column, justify="right")
    return made


def show_targets(targets: list[Target]) -> None:
    """Print every promise with what was found."""
    words = {True: "met", False: "[bold red]missed[/]", None: "[bold]not measured[/]"}
    shown = table("Targets", "found", "")
    for one in targets:
        shown.add_row(one.promise, one.found, words[one.met])
    console.print(shown)
