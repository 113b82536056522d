"""`vestibule saml inspect`: explains a captured SAML message or metadata. Nothing is sent, stored or recorded."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from vestibule.cli.configuration import DataDir, opened
from vestibule.cli.output import AsJson, UsageProblem, answer
from vestibule.flows import saml_inspection
from vestibule.kernel.clock import system_clock
from vestibule.saml.captures import MAX_BYTES, find_messages
from vestibule.saml.encoding import parse_instant
from vestibule.saml.errors import InvalidTime
from vestibule.saml.inspection import Inspection, as_data, inspect_message
from vestibule.saml.inspection_checks import Finding, Measure
from vestibule.saml.metadata import parse_idp_metadata

saml = typer.Typer(help="SAML messages: explain one.", no_args_is_help=True)
_MARKS: Final = {
    "passed": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "not_checked": "[yellow]?[/]",
    "not_reached": "[dim]·[/]",
}
_VERDICTS: Final = {
    "accepted": "[green]would be accepted[/]",
    "refused": "[red]would be refused[/]",
    "unknown": "[yellow]can’t be told without a connection[/]",
}


@saml.callback()
def about() -> None:
    """Group the commands about SAML."""


@saml.command("inspect")
def inspect(
    file: Annotated[
        str, typer.Argument(help="XML, base64, an address, a form body, a HAR file …; - for standard input.")
    ],
    connection: Annotated[
        str, typer.Option(help="Measure against this connection (con_…) of the configured database.")
    ] = "",
    metadata: Annotated[
        Path | None, typer.Option(help="Measure against this identity provider’s metadata, without a database.")
    ] = None,
    acs_url: Annotated[str, typer.Option(help="The Single sign-on URL that is expected.")] = "",
    entity_id: Annotated[str, typer.Option(help="The service provider entity ID that is expected.")] = "",
    at: Annotated[str, typer.Option(help="Judge times as of then, such as 2026-01-31T12:00:00Z.")] = "",
    redact: Annotated[
        bool, typer.Option("--redact", help="Hide NameIDs, attribute values and e-mail addresses.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Explain a captured message or metadata, check by check. Exit status 1 when a check fails."""
    given = _read(file)
    measure = _measure(connection, metadata, acs_url, entity_id, _now(at), data_dir)
    found = [inspect_message(one, measure, redact=redact) for one in find_messages(given)]
    if as_json:
        answer({"messages": [as_data(one) for one in found]}, "", as_json=True)
    else:
        for number, one in enumerate(found, start=1):
            _show(one, f"{number} of {len(found)}: " if len(found) > 1 else "")
    raise typer.Exit(1 if any(one.verdict == "refused" for one in found) else 0)


def _read(file: str) -> bytes:
    # One byte over the limit, so that it is refused for its size and not read to its end.
    if file == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with Path(file).open("rb") as source:
        return source.read(MAX_BYTES + 1)


def _now(at: str) -> datetime:
    if not at:
        return system_clock()
    try:
        return parse_instant(at, "--at").astimezone(UTC)
    except InvalidTime as error:
        raise UsageProblem("--at: give a time in UTC, such as 2026-01-31T12:00:00Z.") from error


def _measure(
    connection: str, metadata: Path | None, acs_url: str, entity_id: str, now: datetime, data_dir: Path | None
) -> Measure:
    if connection and (metadata or acs_url or entity_id):
        raise UsageProblem("Give either --connection, or --metadata with --acs-url and --entity-id.")
    if connection:
        with opened(data_dir) as runtime:
            return replace(saml_inspection.measure_for_operator(runtime, connection), now=now)
    measure = Measure(now, acs_url=acs_url or None, sp_entity_id=entity_id or None)
    if metadata is None:
        return measure
    read = parse_idp_metadata(metadata.read_bytes(), now=now)
    return replace(measure, idp_entity_id=read.entity_id, certificates=read.certificates)


def _show(one: Inspection, number: str) -> None:
    console = Console(soft_wrap=True, highlight=False)
    captured = one.captured
    console.print(f"[bold]{number}{escape(one.kind or 'Not readable')}[/] {_VERDICTS[one.verdict]}")
    where = ", ".join(part for part in (captured.place, captured.parameter, captured.carrier) if part)
    console.print(f"  {escape(where)}, {len(captured.data)} bytes")
    if one.problem:
        console.print(f"  {escape(one.problem)} {escape(one.reason)}")
    for name, value in one.facts:
        console.print(f"  {escape(name)}: {escape(value)}")
    if one.attributes:
        console.print("  Attributes" + ("" if one.verified else " as claimed, unverified") + ":")
    for name, values in one.attributes:
        console.print(f"    {escape(name)}: {escape(' | '.join(values))}")
    for check in one.findings:
        _show_check(console, check)
    for text in (one.text, one.opened_text):
        if text:
            console.print(f"\n{escape(text)}")
    print()


def _show_check(console: Console, check: Finding) -> None:
    console.print(f"{_MARKS[check.outcome]} [bold]{check.title}[/]: {check.outcome.replace('_', ' ')}")
    if check.outcome == "failed":
        console.print(f"    expected {escape(check.expected or '–')}\n    received {escape(check.received or '–')}")
    elif check.received and check.outcome != "not_reached":
        console.print(f"    {escape(check.received)}")
    if check.note:
        console.print(f"    → {check.note}")
