"""Icons of an app's own: uploading one, taking it away, and giving it to a browser."""

from __future__ import annotations

import hashlib

from vestibule.directory.admins import Permission
from vestibule.directory.app_icons import clean_png
from vestibule.directory.apps import App
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.managing_apps import found_app, record_app
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import NotFound
from vestibule.kernel.text import printable
from vestibule.storage import app_icons, registrations

_DIGEST_CHARACTERS = 32


def upload_icon(runtime: Runtime, caller: AdminCaller, app_id: str, untrusted: bytes) -> App:
    """Give an app the picture of an uploaded file. Raises IconRefused, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_APPS)
    png = clean_png(untrusted)
    digest = hashlib.sha256(png).hexdigest()[:_DIGEST_CHARACTERS]
    with runtime.database.transaction() as tx:
        app = found_app(tx, caller, app_id)
        app_icons.save_icon(tx, app, digest, png)
        registrations.end_registration(tx, app.id)
        record_app(tx, runtime, caller, "app.icon_uploaded", app)
        return app


def remove_icon(runtime: Runtime, caller: AdminCaller, app_id: str) -> App:
    """Take an app's own picture away. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_APPS)
    with runtime.database.transaction() as tx:
        app = found_app(tx, caller, app_id)
        if app.icon_digest is not None:
            app_icons.delete_icon(tx, app)
            registrations.end_registration(tx, app.id)
            record_app(tx, runtime, caller, "app.icon_removed", app)
        return app


def read_icon(runtime: Runtime, app_id: str, digest: str) -> bytes:
    """Return the picture that pages name by app and digest, both untrusted here. Raises NotFound."""
    with runtime.database.reading() as tx:
        found = app_icons.find_icon(tx, app_id, digest)
    if found is None:
        raise NotFound(f"icon of {printable(app_id, 40)}")
    return found
