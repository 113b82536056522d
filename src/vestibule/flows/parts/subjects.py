"""What an app knows a person as."""

from __future__ import annotations

from vestibule.directory.apps import App
from vestibule.flows.parts.runtime import Runtime


def subject_of(runtime: Runtime, end_user_id: str, app: App) -> str:
    """Return the `sub` of a person for an app: stable, never anybody else's, and of no use in another sector (OpenID Connect Core 8.1)."""
    return runtime.sealer.mac("subject", f"{end_user_id} {app.sector}")
