"""`vestibule keys rotate`: new keys of ours, with an overlap or at once."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from vestibule.cli.configuration import DataDir, opened
from vestibule.cli.output import AsJson, UsageProblem, answer, complain
from vestibule.cli.people import Chosen, chosen_workspace
from vestibule.directory.saml_keys import MAX_OVERLAP_DAYS, OVERLAP_DAYS
from vestibule.flows import saml_keys
from vestibule.flows.parts.callers import operator

keys = typer.Typer(help="Our own keys: put new ones in their place.", no_args_is_help=True)
_KINDS: Final = ("saml", "jwt")


@keys.callback()
def about() -> None:
    """Keep `rotate` a command of its own."""


@keys.command("rotate")
def rotate(
    kind: Annotated[str, typer.Option(help="saml: signing and encryption.")] = "saml",
    overlap_days: Annotated[
        int, typer.Option(min=0, max=MAX_OVERLAP_DAYS, help="Days before the new keys take over; 0 replaces at once.")
    ] = OVERLAP_DAYS,
    in_workspace: Chosen = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Publish new keys in the SP metadata; they take over after the overlap, and the old ones end after as long again."""
    if kind not in _KINDS:
        raise UsageProblem("--kind: choose saml or jwt.")
    if kind == "jwt":
        complain("this release has no JWT keys: they come with apps. Nothing was changed.")
        raise typer.Exit(1)
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
