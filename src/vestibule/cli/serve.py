"""`vestibule serve` and `vestibule migrate`: the server, and bringing its database to this release."""

from __future__ import annotations

from typing import Annotated, Final

import typer
import uvicorn

from vestibule.cli.configuration import DataDir, opened, read_settings
from vestibule.cli.output import AsJson, answer, complain
from vestibule.outside.logs import set_up_logs
from vestibule.outside.mail import Mailer
from vestibule.settings import Settings
from vestibule.storage.database import Database
from vestibule.storage.migrate import current_revision, migrate, newest_revision
from vestibule.web.wire import CarefulProtocol

SHUTDOWN_SECONDS: Final = 20
# Longer than the idle time of common load balancers: the side that closes first must be theirs, else requests are lost.
KEEP_ALIVE_SECONDS: Final = 75
# A process that says nothing for so long is replaced, also one that still loads the product: after uvicorn's own 5 seconds a busy
# machine would kill each one before it listens, for ever.
SILENCE_SECONDS: Final = 30


def serve(
    host: Annotated[
        str, typer.Option(help="The address to listen on; a reverse proxy stands before it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="How many processes; one per core is a good start.", min=1, max=256)] = 1,
    data_dir: DataDir = None,
) -> None:
    """Run the server. Refuses an outdated schema, a missing secret, and a public URL without https (loopback excepted)."""
    settings = read_settings(data_dir)
    Mailer(settings.smtp_url, settings.mail_from, settings.public_url)  # refuses what it could never send through
    with opened(data_dir):
        pass
    set_up_logs(settings.log_level)
    if settings.database_url.startswith("sqlite") and workers > 1:
        complain(
            "several workers share one SQLite file: it works, but one writes at a time. PostgreSQL scales further."
        )
    try:
        _run(settings, host, port, workers)
    except SystemExit as error:
        if not error.code:
            raise
        complain(f"the server did not start on {host}:{port}: the log above says why.")
        raise typer.Exit(1) from error


def _run(settings: Settings, host: str, port: int, workers: int) -> None:
    uvicorn.run(
        "vestibule.app:create_app",
        factory=True,
        http=CarefulProtocol,
        host=host,
        port=port,
        workers=workers,
        log_config=None,  # outside/logs.py
        log_level=settings.log_level,
        access_log=False,  # our middleware writes one line a request, without secrets
        proxy_headers=False,  # our middleware reads them, from trusted proxies only
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        timeout_worker_healthcheck=SILENCE_SECONDS,
    )


def bring_to_release(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Bring the database to this release. Safe to run again, and before the new server starts."""
    settings = read_settings(data_dir)
    database = Database(settings.database_url, pool_size=1)
    try:
        before = current_revision(database)
    finally:
        database.close()
    migrate(settings.database_url)
    after = newest_revision()
    moved = f"went from revision {before or 'empty'} to {after}"
    text = f"The database {moved if before != after else f'is at revision {after} already'}."
    answer({"before": before, "after": after}, text, as_json=as_json)
