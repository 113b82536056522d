"""What every change of an app by an admin needs: the app that is meant, and the record."""

from __future__ import annotations

from vestibule.directory.activity import Event, Subject
from vestibule.directory.apps import App
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import NotFound
from vestibule.kernel.text import printable
from vestibule.storage import apps
from vestibule.storage.database import Transaction


def found_app(tx: Transaction, caller: AdminCaller, app_id: str) -> App:
    """Return an app of the caller's workspace by its id (untrusted). Raises NotFound."""
    app = apps.find_app(tx, caller.workspace_id, app_id)
    if app is None:
        raise NotFound(f"app {printable(app_id, 40)}")
    return app


def record_app(tx: Transaction, runtime: Runtime, caller: AdminCaller, action: str, app: App, **details: object) -> str:
    """Put on the record what an admin did to an app; return the entry's id."""
    event = Event(action, Subject("app", app.id, app.name), environment_id=app.environment_id, details=details)
    return record(tx, runtime, caller.workspace_id, caller.actor, event)
