"""`vestibule keys rotate`: new keys of ours, with an overlap or at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from vestibule.cli.configuration import DataDir, opened
from vestibule.cli.output import AsJson, UsageProblem, answer
from vestibule.cli.people import Chosen, chosen_workspace
from vestibule.directory.saml_keys import MAX_OVERLAP_DAYS, OVERLAP_DAYS
from vestibule.flows import jwt_keys, saml_keys
from vestibule.flows.parts.callers import operator

keys = typer.Typer(help="Our own keys: put new ones in their place.", no_args_is_help=True)
_KINDS: Final = ("saml", "jwt")


@keys.callback()
def about() -> None:
    """Keep `rotate` a command of its own."""


@keys.command("rotate")
def rotate(
    kind: Annotated[str, typer.Option(help="saml: signing and encryption; jwt: what tokens are signed with.")] = "saml",
    overlap_days: Annotated[
        int, typer.Option(min=0, max=MAX_OVERLAP_DAYS, help="Days before the new keys take over; 0 replaces at once.")
    ] = OVERLAP_DAYS,
    in_workspace: Chosen = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Publish new keys; they take over after the overlap (for jwt a day), and the old ones end after as long again."""
    if kind not in _KINDS:
        raise UsageProblem("--kind: choose saml or jwt.")
    if kind == "jwt":
        _rotate_jwt(overlap_days == 0, in_workspace, data_dir, as_json=as_json)
        return
    with opened(data_dir) as runtime:
        workspace = chosen_workspace(runtime, in_workspace)
        made = saml_keys.rotate_keys(runtime, operator(), workspace.id, overlap_days)
    lines = [f"{workspace.name}: new {one.use} key {one.certificate.fingerprint}" for one in made]
    lines.append(
        f"They are in the SP metadata now, and take over on {made[0].active_at:%Y-%m-%d %H:%M} UTC."
        if overlap_days
        else "They are in use now; the old ones have ended. Identity providers need the SP metadata again at once."
    )
    found = [
        {"use": one.use, "fingerprint": one.certificate.fingerprint, "active_at": one.active_at.isoformat()}
        for one in made
    ]
    answer({"workspace": workspace.id, "keys": found}, "\n".join(lines), as_json=as_json)


def _rotate_jwt(at_once: bool, in_workspace: str | None, data_dir: Path | None, *, as_json: bool) -> None:
    with opened(data_dir) as runtime:
        workspace = chosen_workspace(runtime, in_workspace)
        made = jwt_keys.rotate_every_environment(runtime, operator(), workspace.id, at_once=at_once)
    lines = [f"{key}: new {one.alg} key {one.id}" for key, keys in made.items() for one in keys]
    lines.append(
        "They sign now; tokens of the old keys are worthless."
        if at_once
        else "They are in the JWK Set now, and sign from tomorrow; the old ones end a day later."
    )
    found = [
        {"environment": key, "alg": one.alg, "kid": one.id, "active_at": one.active_at.isoformat()}
        for key, keys in made.items()
        for one in keys
    ]
    answer({"workspace": workspace.id, "keys": found}, "\n".join(lines), as_json=as_json)
