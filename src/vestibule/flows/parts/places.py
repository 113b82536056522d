"""Where somebody signs in: an environment and its workspace, found by the key in a public address."""

from __future__ import annotations

from dataclasses import dataclass

from vestibule.directory.workspaces import Environment, Workspace
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import NotFound
from vestibule.kernel.text import printable
from vestibule.storage import workspaces


@dataclass(frozen=True, slots=True)
class Place:
    """An environment as its end users see it: with the name of the workspace, and whom to ask."""

    environment: Environment
    workspace: Workspace


def find_place(runtime: Runtime, environment_key: str) -> Place:
    """Return the place of an untrusted key. Raises NotFound."""
    with runtime.database.reading() as tx:
        found = workspaces.find_public_environment(tx, environment_key)
    if found is None:
        raise NotFound(f"environment {printable(environment_key, 40)}")
    return Place(*found)
