"""`vestibule init`: the configuration with a fresh secret, the database, the first workspace and its Owner."""

from __future__ import annotations

import json
import os
import secrets
import sys
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from vestibule.app import build_runtime
from vestibule.cli.configuration import DataDir, read_settings, use_data_dir
from vestibule.cli.output import AsJson, answer
from vestibule.flows import admins, workspaces
from vestibule.flows.parts.callers import operator
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import Conflict
from vestibule.kernel.text import N_
from vestibule.settings import PREFIX, load_settings
from vestibule.storage.migrate import migrate

WORKSPACE: Final = "default"
ENVIRONMENTS: Final = ("DEV", "TEST", "PROD")
LOCAL_URL: Final = "http://127.0.0.1:8000"
# `.internal` is kept for private use: a first Owner without an address of their own harms nobody else's.
NOBODY: Final = "owner@vestibule.internal"


class AlreadySetUp(Conflict):
    """There is an install in this place, with an admin."""

    code = "already_set_up"
    public = N_("This install has an admin already. For a way back in, run: vestibule admin recover --email …")


def init(
    data_dir: DataDir = None,
    email: Annotated[
        str | None, typer.Option(help="The first Owner’s e-mail address; asked at a terminal.", show_default=False)
    ] = None,
    name: Annotated[str | None, typer.Option(help="The first Owner’s name.", show_default=False)] = None,
    public_url: Annotated[
        str | None,
        typer.Option(
            help=f"The address that people will type; else {PREFIX}PUBLIC_URL is written.", show_default=LOCAL_URL
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set up a new install: configuration, database, workspace, first Owner."""
    folder = Path(data_dir or os.environ.get(f"{PREFIX}DATA_DIR") or "vestibule-data").absolute()
    use_data_dir(folder)
    email = email or _ask("The first Owner’s e-mail address", NOBODY)
    name = name or _ask("Their name", "Owner")
    config = _write_configuration(folder, public_url or os.environ.get(f"{PREFIX}PUBLIC_URL") or LOCAL_URL)
    settings = read_settings(folder)
    migrate(settings.database_url)
    runtime = build_runtime(settings)
    try:
        link = _first_owner(runtime, name, email)
    finally:
        runtime.database.close()
    port = urlsplit(settings.public_url).port or 8000
    next_step = f"vestibule serve --data-dir {folder}" + (f" --port {port}" if port != 8000 else "")
    text = f"""Configuration: {config}
Start the server: {next_step}

Then {email} signs in once with this link, which works for 7 days:
{link}"""
    answer({"configuration": str(config), "email": email, "link": link, "serve": next_step}, text, as_json=as_json)


def _ask(question: str, otherwise: str) -> str:
    return typer.prompt(question) if sys.stdin.isatty() and sys.stdout.isatty() else otherwise


def _write_configuration(folder: Path, public_url: str) -> Path:
    """Write vestibule.toml, readable by this user alone, unless it is there: an interrupted init may be run again.

    Raises SettingsError, and then nothing is written: what can't be used would stand in the way of the next try.
    """
    path = folder / "vestibule.toml"
    if path.exists():
        return path
    values = {**os.environ, f"{PREFIX}PUBLIC_URL": public_url}
    lines = ["# Settings of this install. Environment variables (VESTIBULE_…) win over this file."]
    lines += [f"public_url = {json.dumps(public_url)}"]
    if not any(os.environ.get(PREFIX + key) for key in ("SECRET_KEY", "SECRET_KEY_FILE")):
        secret = values[f"{PREFIX}SECRET_KEY"] = secrets.token_urlsafe(48)
        lines += ["# Keep it secret, and keep a copy: what is sealed in the database can’t be read without it."]
        lines += [f'secret_key = "{secret}"']
    load_settings(values)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def _first_owner(runtime: Runtime, name: str, email: str) -> str:
    if admins.count_admins(runtime):
        raise AlreadySetUp("init on an install with admins")
    found = workspaces.list_workspaces(runtime)
    workspace = found[0] if found else workspaces.create_workspace(runtime, operator(), WORKSPACE, ENVIRONMENTS)
    _, link = admins.create_admin(runtime, operator(), workspace.id, name, email, "owner", None)
    return link or ""
