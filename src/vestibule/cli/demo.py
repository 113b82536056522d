"""`vestibule demo`: the whole product in one process on an embedded database in a temporary folder. Loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn
from rich.console import Console

from vestibule.app import build_app, build_runtime
from vestibule.cli.demo_house import House, furnish
from vestibule.cli.output import AsJson
from vestibule.kernel.clock import system_clock
from vestibule.outside.logs import set_up_logs
from vestibule.practice.app import PracticeApp
from vestibule.practice.directories import DIRECTORY_PEOPLE
from vestibule.practice.idp import PracticeIdp
from vestibule.practice.people import PEOPLE, STRANGER
from vestibule.practice.server import base_url_of, listen_on_loopback, practice_config
from vestibule.settings import Settings
from vestibule.storage.migrate import migrate

PORT: Final = 8080
_SHUTDOWN_SECONDS: Final = 3


class _Server(uvicorn.Server):
    """A server that says when it is ready, and leaves Ctrl-C to the one who runs several."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signal."""
        yield


@dataclass(frozen=True, slots=True)
class _Doors:
    """The sockets, bound before anything is built so that the addresses are certain."""

    console: socket.socket
    idp: socket.socket
    app: socket.socket


def demo(
    port: Annotated[
        int,
        typer.Option(
            help="Vestibule’s port, or the next free one; then come the practice IdP’s and the practice app’s."
        ),
    ] = PORT,
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colours.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try the whole product on this machine: an embedded database, three environments, a practice identity provider, an app, people."""
    set_up_logs("warning")
    folder = Path(tempfile.mkdtemp(prefix="vestibule-demo-"))
    try:
        with _doors(port) as doors:
            asyncio.run(
                _run(folder, doors, Console(no_color=no_color, highlight=False, soft_wrap=True), as_json=as_json)
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _doors(port: int) -> Iterator[_Doors]:
    with contextlib.ExitStack() as bound:
        found: list[socket.socket] = []
        for _ in range(3):
            listener = _listen(found[-1].getsockname()[1] + 1 if found else port)
            bound.callback(listener.close)
            found.append(listener)
        yield _Doors(*found)


def _listen(port: int) -> socket.socket:
    """Listen on loopback, on this port or one soon after, else on any free one."""
    for candidate in (*range(port, min(port + 20, 65536)), 0):
        with contextlib.suppress(OSError):
            return listen_on_loopback(candidate)
    raise OSError("no free port on 127.0.0.1")


async def _run(folder: Path, doors: _Doors, console: Console, *, as_json: bool) -> None:
    public_url, idp_url, app_url = (base_url_of(one) for one in (doors.console, doors.idp, doors.app))
    settings = Settings(
        public_url=public_url,
        database_url=f"sqlite:///{folder / 'vestibule.db'}",
        secret_key=secrets.token_urlsafe(48),
        data_dir=folder,
        metadata_allow_http=True,  # the practice IdP has no https, and is on this machine
        metadata_allow_private=True,
        apps_allow_http=True,  # and so is whatever somebody tries the demo with
        apps_allow_private=True,
    )
    migrate(settings.database_url)
    runtime = build_runtime(settings)
    idp = PracticeIdp(idp_url, (*PEOPLE, *DIRECTORY_PEOPLE), system_clock)
    practice_app = PracticeApp(app_url, f"{public_url}/e/dev", system_clock)
    house = furnish(runtime, idp, practice_app)
    app = build_app(settings, runtime, with_worker=True)
    # All with the practice side's settings, which refuse any socket but a loopback one.
    served = ((app, doors.console), (idp.app, doors.idp), (practice_app.app, doors.app))
    configs = [practice_config(*one) for one in served]
    configs[0].lifespan = "on"  # ours has a worker to start and to stop
    servers = [_Server(config) for config in configs]

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    ends = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # a window that is closed ends it, but not under nohup
        ends.append(signal.SIGHUP)
    for number in ends:
        asyncio.get_running_loop().add_signal_handler(number, stop)
    for config in configs:
        config.timeout_graceful_shutdown = _SHUTDOWN_SECONDS
    try:
        async with asyncio.TaskGroup() as serving:
            for server, (_, listener) in zip(servers, served, strict=True):
                serving.create_task(server.serve(sockets=[listener]))
            for server in servers:
                await server.ready.wait()
            _tell(console, public_url, idp_url, app_url, house, as_json=as_json)
    finally:
        runtime.database.close()


def _tell(console: Console, public_url: str, idp_url: str, app_url: str, house: House, *, as_json: bool) -> None:
    sign_in = f"{public_url}/e/{house.environment_key}/sign-in"
    if as_json:
        people = [one.email for one in PEOPLE]
        values = {"console": house.link, "sign_in": sign_in, "practice_idp": idp_url, "practice_app": app_url}
        print(json.dumps({**values, "people": people, "stranger": STRANGER.email}), flush=True)
        return
    in_group = {house.member: f"  (in the group {house.group})"}
    lines = "\n".join(f"     {one.name:<12} {one.email}{in_group.get(one.email, '')}" for one in PEOPLE)
    console.print(
        f"""
[bold]Vestibule is open[/] on this machine, with everything in a folder that goes when you stop it.

[bold]1. The console[/]: this link signs you in once, as the Owner
     [cyan]{house.link}[/]
     DEV is connected to a practice identity provider. TEST is empty: use that one there, too, or set it up
     as a new one, kept apart, with the metadata URL [cyan]{idp_url}/metadata[/]

[bold]2. Come in as an end user[/] of DEV, best in a private window
     [cyan]{sign_in}[/]
{lines}

[bold]3. Open an app[/]: the launch page has a tile for the Practice app, at [cyan]{app_url}[/]
     It signs you in without another password. Now take the person’s access to DEV away in the console,
     under End users, and watch the app: within a second it says that you are signed out.

[bold]4. See a refusal[/]: sign in as {STRANGER.name} ({STRANGER.email}), whom nobody has added.
     Then look at End users → Waiting, and add {STRANGER.name} with one click.
     The practice identity provider can also misbehave: choose how on its page, then read the Activity.

[bold]5. Let a directory push people[/] into PROD, as Okta, Entra ID, OneLogin or JumpCloud does
     [cyan]{idp_url}/directory[/]
     Create, rename, move, deactivate, rehire, and watch End users and the live list of PROD’s connection.

Ctrl-C stops everything and leaves nothing behind.
"""
    )
    console.file.flush()
