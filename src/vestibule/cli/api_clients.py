"""`vestibule api-client …`: programs that may ask with a token of their own."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer

from vestibule.cli.configuration import DataDir, opened
from vestibule.cli.output import AsJson, answer
from vestibule.cli.people import Chosen, chosen_workspace
from vestibule.directory.api_clients import ApiClient
from vestibule.flows import api_clients
from vestibule.flows.parts.callers import operator

api_client = typer.Typer(help="API clients: make one, list them, revoke one.", no_args_is_help=True)


@api_client.command("create")
def create(
    name: Annotated[str, typer.Option(help="What asks: a name to know it by.", show_default=False)],
    scope: Annotated[list[str], typer.Option(help="What it may do: explain:read. Several times for several.")],
    environment: Annotated[
        str | None, typer.Option(help="The key of the only environment that it may ask about.", show_default=False)
    ] = None,
    days: Annotated[int | None, typer.Option(help="How long the token works.", min=1, max=3650)] = None,
    in_workspace: Chosen = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make an API client and print its token, this once: only a hash of it is kept."""
    with opened(data_dir) as runtime:
        workspace = chosen_workspace(runtime, in_workspace)
        life = timedelta(days=days) if days else None
        made = api_clients.create_api_client(runtime, operator(), workspace.id, name, scope, environment, life)
    expires = made.client.expires_at.isoformat() if made.client.expires_at else None
    scopes = sorted(made.client.scopes)
    values = {"id": made.client.id, "token": made.token, "scopes": scopes, "expires_at": expires}
    answer(values, made.token, as_json=as_json)


@api_client.command("list")
def list_all(in_workspace: Chosen = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the API clients of a workspace."""
    with opened(data_dir) as runtime:
        found = api_clients.list_api_clients(runtime, chosen_workspace(runtime, in_workspace).id)
        now = runtime.clock()
    listed = [
        {
            "id": one.id,
            "name": one.name,
            "scopes": sorted(one.scopes),
            "environment_id": one.environment_id,
            "status": _status(one, now),
            "expires_at": one.expires_at.isoformat() if one.expires_at else None,
            "last_used_at": one.last_used_at.isoformat() if one.last_used_at else None,
        }
        for one in found
    ]
    lines = [f"{one.id}  {_status(one, now):<8}  {one.name}  ({_reach(one)}, {_last_use(one)})" for one in found]
    answer({"api_clients": listed}, "\n".join(lines) or "There is no API client yet.", as_json=as_json)


@api_client.command("revoke")
def revoke(
    client_id: Annotated[str, typer.Argument(metavar="ID", help="The API client’s id, apc_….")],
    in_workspace: Chosen = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Revoke an API client: its token stops working at once."""
    with opened(data_dir) as runtime:
        workspace = chosen_workspace(runtime, in_workspace)
        gone = api_clients.revoke_api_client(runtime, operator(), workspace.id, client_id)
    answer({"id": gone.id, "name": gone.name}, f"{gone.name} ({gone.id}) works no more.", as_json=as_json)


def _status(client: ApiClient, now: datetime) -> str:
    if client.works(now):
        return "works"
    return "revoked" if client.revoked_at else "expired"


def _reach(client: ApiClient) -> str:
    return f"{', '.join(sorted(client.scopes))} in {client.environment_id or 'every environment'}"


def _last_use(client: ApiClient) -> str:
    return f"last used {client.last_used_at:%Y-%m-%d %H:%M} UTC" if client.last_used_at else "never used"
