"""`vestibule admin …` and `vestibule workspace create`: who may open the console, and further tenants."""

from __future__ import annotations

import os
import select
import stat
import sys
from typing import Annotated, Final

import typer

from vestibule.cli.configuration import DataDir, opened
from vestibule.cli.output import AsJson, UsageProblem, answer, complain
from vestibule.directory.workspaces import Workspace
from vestibule.flows import admins, environments, workspaces
from vestibule.flows.parts.callers import operator
from vestibule.flows.parts.runtime import Runtime

admin = typer.Typer(help="Workspace admins: create one, or a way back in.", no_args_is_help=True)
workspace = typer.Typer(help="Workspaces: further tenants of the same install.", no_args_is_help=True)
_PATIENCE_SECONDS: Final = 1.0

Email = Annotated[str, typer.Option(help="The admin’s e-mail address.", show_default=False)]
Chosen = Annotated[
    str | None,
    typer.Option("--workspace", help="The workspace, by name or id, if there are several.", show_default=False),
]


@admin.command("create")
def create(
    email: Email,
    name: Annotated[str, typer.Option(help="The admin’s full name.", show_default=False)],
    role: Annotated[str, typer.Option(help="owner, admin, support or auditor.")] = "owner",
    in_workspace: Chosen = None,
    link: Annotated[bool, typer.Option("--link", help="Make a one-time link; do not read standard input.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Create an admin. A password on standard input is set; else a one-time link is printed."""
    password = None if link else _piped_password()
    with opened(data_dir) as runtime:
        chosen = chosen_workspace(runtime, in_workspace)
        made, url = admins.create_admin(runtime, operator(), chosen.id, name, email, role, password)
    text = url or f"{made.name} <{made.email}> can sign in with the password."
    answer(
        {"id": made.id, "email": made.email, "role": made.role.value, "workspace": chosen.id, "link": url},
        text,
        as_json=as_json,
    )


@admin.command("recover")
def recover(email: Email, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Print a one-time console sign-in link for an admin (break-glass). It goes on the record, and works for one hour."""
    with opened(data_dir) as runtime:
        url = admins.recover_admin(runtime, operator(), email)
    answer({"link": url}, url, as_json=as_json)


@workspace.command("create")
def create_workspace(
    name: Annotated[str, typer.Option(help="The workspace’s name.", show_default=False)],
    of: Annotated[str, typer.Option("--environments", help="Its environments, separated by commas.")] = "DEV,TEST,PROD",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Create a further workspace with its environments. `vestibule admin create --workspace …` gives it an Owner."""
    names = [one for one in (part.strip() for part in of.split(",")) if one]
    if not names:
        raise UsageProblem("--environments: name one environment or more, such as DEV,TEST,PROD.")
    with opened(data_dir) as runtime:
        made = workspaces.create_workspace(runtime, operator(), name, names)
        found = environments.list_of_workspace(runtime, made.id)
    keys = {one.name: one.key for one in found}
    text = f"Workspace {made.name} ({made.id}) with " + ", ".join(f"{one} at /e/{key}/" for one, key in keys.items())
    answer({"id": made.id, "name": made.name, "environments": keys}, text, as_json=as_json)


def chosen_workspace(runtime: Runtime, wanted: str | None) -> Workspace:
    """Return the workspace that is named, or the only one. Raises UsageProblem."""
    every = workspaces.list_workspaces(runtime)
    found = [one for one in every if wanted is None or wanted in {one.id, one.name}]
    if len(found) == 1:
        return found[0]
    if not every:
        raise UsageProblem("There is no workspace yet. Run: vestibule init")
    known = ", ".join(f"{one.name} ({one.id})" for one in every[:20])
    raise UsageProblem(f"Say which workspace with --workspace and its name or id: {known}.")


def _piped_password() -> str | None:
    """Return what is piped or redirected into this command, up to the first line's end; None at a terminal or for nothing."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):
        return None
    if not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode)):
        return None
    if stat.S_ISFIFO(mode) and not select.select([sys.stdin], [], [], _PATIENCE_SECONDS)[0]:
        complain("waiting for the password on standard input; use --link for a one-time link instead.")
    return sys.stdin.readline().rstrip("\r\n") or None
