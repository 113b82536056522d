"""By what names an app knows a person and a session: stable, and of no use to another app."""

from __future__ import annotations

from vestibule.directory.apps import App
from vestibule.directory.resource_apis import ResourceApi
from vestibule.flows.parts.runtime import Runtime


def subject_of(runtime: Runtime, app: App, end_user_id: str) -> str:
    """Return the `sub` of a person in an app's sector: the same for ever, and unlike those of other sectors (OpenID Connect Core 8.1)."""
    return runtime.sealer.mac("subject", f"{app.environment_id} {app.sector} {end_user_id}")


def api_subject_of(runtime: Runtime, api: ResourceApi, end_user_id: str) -> str:
    """Return the `sub` of a person at an API: the same whichever app calls (RFC 9068, 5)."""
    return runtime.sealer.mac("subject", f"{api.environment_id} {api.id} {end_user_id}")


def sid_of(runtime: Runtime, app: App, session_id: str) -> str:
    """Return the `sid` by which an app knows a browser session (OpenID Connect Back-Channel Logout 1.0, 2.1)."""
    return runtime.sealer.mac("sid", f"{app.id} {session_id}")
