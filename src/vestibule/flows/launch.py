"""What the launch page shows to somebody who is signed in: the apps that their groups allow."""

from __future__ import annotations

from dataclasses import dataclass

from vestibule.directory.apps import App
from vestibule.directory.entry import may_enter
from vestibule.directory.groups import Membership
from vestibule.directory.sessions import Session
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.text import fold
from vestibule.storage import access, apps
from vestibule.storage.standings import find_standing


@dataclass(frozen=True, slots=True)
class Tile:
    """One app that a person may use, and where it is opened."""

    app: App
    url: str


@dataclass(frozen=True, slots=True)
class Launch:
    """What somebody signed in sees first. `groups` leave out Everyone, in which they are by being here; `count` is of all tiles."""

    place: Place
    session: Session
    groups: tuple[Membership, ...]
    tiles: tuple[Tile, ...]
    count: int


def launch(runtime: Runtime, session: Session, words: str = "") -> Launch:
    """Return what the launch page shows; with untrusted words only the apps whose names have them all."""
    place, person = find_place(runtime, session.environment.key), session.end_user
    with runtime.database.reading() as tx:
        groups = access.memberships_of(tx, session.workspace_id, person.id, session.environment.id)
        standing = find_standing(tx, session.environment, person.id)
        listed = apps.list_usable_apps(tx, session.workspace_id, session.environment.id, person.id)
    # The database has narrowed the list; the rule that every door asks has the last word.
    usable = tuple(app for app in listed if standing is not None and may_enter(standing, app).allowed)
    tiles = tuple(Tile(app, url) for app in usable if (url := _address(app)))
    wanted = fold(words).split()
    found = tuple(tile for tile in tiles if all(word in fold(tile.app.name) for word in wanted))
    return Launch(place, session, groups, found, len(tiles))


def _address(app: App) -> str:
    """Return where an app is opened: its own address, or that of the host that the proxy serves it under."""
    if app.launch_url:
        return app.launch_url
    return f"https://{app.hosts[0]}/" if app.hosts else ""
