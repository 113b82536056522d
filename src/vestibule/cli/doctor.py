"""`vestibule doctor`: looks at configuration, database, clock, certificates, mail and the public URL, and says what to do."""

from __future__ import annotations

import http.client
import os
import ssl
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.markup import escape

from vestibule.app import build_runtime
from vestibule.cli.configuration import DataDir, read_settings
from vestibule.cli.output import AsJson, answer, mend_database
from vestibule.flows import checkup, readiness
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import DatabaseUnreachable, VestibuleError
from vestibule.outside.mail import Mailer
from vestibule.settings import Settings, SettingsError
from vestibule.storage.migrate import SchemaNewer

CLOCK_TOLERANCE: Final = timedelta(seconds=30)
CERTIFICATE_WARNING: Final = timedelta(days=60)
_MARKS: Final = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "fail": "[red]✗[/]"}
_PATIENCE_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `todo` says what to do where it is not well."""

    name: str
    level: Literal["ok", "warn", "fail"]
    text: str
    todo: str = ""


def doctor(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Check this install and say what to do. Exit status 1 when something must be mended."""
    findings = list(_look(data_dir))
    failed = any(one.level == "fail" for one in findings)
    answer({"ok": not failed, "findings": [asdict(one) for one in findings]}, "", as_json=True) if as_json else _show(
        findings
    )
    raise typer.Exit(1 if failed else 0)


def _show(findings: list[Finding]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for one in findings:
        console.print(f"{_MARKS[one.level]} [bold]{one.name}[/]: {escape(one.text)}")
        if one.todo:
            console.print(f"    → {escape(one.todo)}")


def _look(data_dir: Path | None) -> Iterator[Finding]:
    try:
        settings = read_settings(data_dir)
    except SettingsError as error:
        yield Finding("configuration", "fail", str(error), "Everything else is looked at once this is mended.")
        return
    yield Finding("configuration", "ok", f"data folder {settings.data_dir}, public URL {settings.public_url}")
    yield from _files(settings)
    runtime = build_runtime(settings)
    try:
        yield from _database(runtime)
    except DatabaseUnreachable as error:
        yield Finding("database", "fail", f"does not answer as it should: {error.reason}", mend_database(error))
    except VestibuleError as error:
        yield Finding("database", "fail", error.reason, "Look again in a moment.")
    finally:
        runtime.database.close()
    yield from _mail(settings)
    yield _public_url(settings)


def _files(settings: Settings) -> Iterator[Finding]:
    path = settings.data_dir / "vestibule.toml"
    if path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding("secret", "fail", f"{path} can be read by other users of this machine", f"Run: chmod 600 {path}")
    if settings.database_url.startswith("sqlite") and not os.access(settings.data_dir, os.W_OK):
        yield Finding(
            "data folder", "fail", f"{settings.data_dir} can’t be written by this user", "Run the server as its owner."
        )


def _database(runtime: Runtime) -> Iterator[Finding]:
    kind = "SQLite" if runtime.database.is_sqlite else "PostgreSQL"
    try:
        readiness.check(runtime)
    except readiness.DatabaseEmpty as error:
        yield Finding("database", "fail", error.reason, str(error))
        return
    except readiness.SchemaOutdated as error:
        yield Finding("database", "fail", error.reason, "Run: vestibule migrate")
        return
    except SchemaNewer as error:
        yield Finding("database", "fail", error.reason, str(error))
        return
    checkup.try_to_write(runtime)
    yield Finding("database", "ok", f"{kind} answers, can be written, and is at this release’s schema")
    yield _clock(runtime)
    yield from _certificates(runtime)
    yield from _metadata(runtime)
    yield from _keys(runtime)
    yield _token_keys(runtime)


def _clock(runtime: Runtime) -> Finding:
    now = runtime.clock()
    databases, newest = checkup.clock_readings(runtime)
    todo = "Let this machine (and the database’s) follow a time server: assertions live for minutes only."
    if databases is not None and abs(databases - now) > CLOCK_TOLERANCE:
        return Finding(
            "clock", "fail", f"differs from the database’s by {abs(databases - now).total_seconds():.0f} seconds", todo
        )
    if newest is not None and newest - now > CLOCK_TOLERANCE:
        return Finding(
            "clock", "fail", f"the newest activity is {(newest - now).total_seconds():.0f} seconds in the future", todo
        )
    return Finding("clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _certificates(runtime: Runtime) -> Iterator[Finding]:
    now = runtime.clock()
    ending = checkup.ending_certificates(runtime, CERTIFICATE_WARNING)
    for one in ending:
        over = one.not_after <= now
        text = f"{one.idp} in {one.workspace}: {'ended' if over else 'ends'} on {one.not_after:%Y-%m-%d} ({one.fingerprint[:11]}…)"
        todo = "Get the next certificate from that identity provider and add it to its connection."
        yield Finding("certificate", "warn", text, todo)
    if not ending:
        yield Finding("certificates", "ok", f"none in use ends within {CERTIFICATE_WARNING.days} days")


def _metadata(runtime: Runtime) -> Iterator[Finding]:
    found = checkup.metadata_trouble(runtime)
    for one in found:
        what = f"can’t be read since {one.since:%Y-%m-%d %H:%M} UTC: {one.failure}"
        todo = "Open that address from this machine; the values in use stay, and what it publishes meanwhile is not known here."
        if one.failure is None:
            what = f"says something new since {one.since:%Y-%m-%d %H:%M} UTC, which waits for approval"
            todo = "An Owner or Admin approves or dismisses it on the connection’s page."
        yield Finding("metadata", "warn", f"{one.idp} in {one.workspace}: {what}", todo)
    if not found:
        yield Finding("metadata", "ok", "every metadata URL in use can be read, and nothing waits for approval")


def _keys(runtime: Runtime) -> Iterator[Finding]:
    found = checkup.our_keys(runtime, CERTIFICATE_WARNING)
    if found.unreadable:
        text = f"{found.unreadable} of {found.count} can’t be opened with this secret key"
        todo = (
            "Give the server the secret key that it had. If that is lost, run: vestibule keys rotate --overlap-days 0"
        )
        yield Finding("keys", "fail", text, todo)
    elif found.ending:
        text = f"{found.ending} in use: the certificate ends within {CERTIFICATE_WARNING.days} days"
        yield Finding("keys", "warn", text, "Run: vestibule keys rotate")
    else:
        rotating = f"; {found.waiting} take over later" if found.waiting else ""
        yield Finding("keys", "ok", f"{found.count} for SAML can be opened{rotating}")


def _token_keys(runtime: Runtime) -> Finding:
    count, unreadable = checkup.keys_for_tokens(runtime)
    if not unreadable:
        return Finding("token keys", "ok", f"{count} for tokens can be opened")
    text = f"{unreadable} of {count} can’t be opened with this secret key"
    todo = "Give the server the secret key that it had. If that is lost, run: vestibule keys rotate --kind jwt --overlap-days 0"
    return Finding("token keys", "fail", text, todo)


def _mail(settings: Settings) -> Iterator[Finding]:
    if settings.smtp_url is None:
        yield Finding("mail", "ok", "not configured: the console shows links to hand over")
        return
    try:
        Mailer(settings.smtp_url, settings.mail_from, settings.public_url).check()
    except VestibuleError as error:
        yield Finding(
            "mail", "fail", error.reason, "Check VESTIBULE_SMTP_URL; letters wait and are tried again for two days."
        )
    else:
        yield Finding("mail", "ok", "the SMTP server answers and takes our sign-in")


def _public_url(settings: Settings) -> Finding:
    """Ask for /healthz the way a browser here would. A proxy that only the outside can reach is no failure."""
    parts = urlsplit(settings.public_url)
    host, port = parts.hostname or "", parts.port
    connect: Callable[[], http.client.HTTPConnection] = (
        (
            lambda: http.client.HTTPSConnection(
                host, port, timeout=_PATIENCE_SECONDS, context=ssl.create_default_context()
            )
        )
        if settings.https
        else (lambda: http.client.HTTPConnection(host, port, timeout=_PATIENCE_SECONDS))
    )
    todo = "Start the server, or look at the name’s address, the certificate and the reverse proxy."
    try:
        connection = connect()
        connection.request("GET", "/healthz")
        answered = connection.getresponse()
        body = answered.read(100)
    except (OSError, http.client.HTTPException) as error:
        return Finding("public URL", "warn", f"{settings.public_url} can’t be reached from here: {error}", todo)
    if answered.status != 200 or body != b"ok\n":
        return Finding("public URL", "warn", f"something else answers at {settings.public_url}", todo)
    return Finding("public URL", "ok", f"{settings.public_url} reaches a server of ours")
