"""Whether this server can do its work."""

from __future__ import annotations

from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import N_
from vestibule.storage.migrate import current_revision, newest_revision, refuse_newer


class SchemaOutdated(VestibuleError):
    """The database is at another revision than this release needs."""

    code = "schema_outdated"
    public = N_("The database is not at this release’s schema. Run: vestibule migrate")


class DatabaseEmpty(SchemaOutdated):
    """There are no tables at all: a new database, or the wrong one."""

    code = "database_empty"
    public = N_(
        "The database is empty. A new install begins with: vestibule init. If this is none, check VESTIBULE_DATABASE_URL and the"
        " data folder."
    )


def check(runtime: Runtime) -> None:
    """Raise SchemaOutdated, SchemaNewer, or the database's own error, unless the database answers and is at this release's schema."""
    current, newest = current_revision(runtime.database), newest_revision()
    if current != newest:
        if current is None:
            raise DatabaseEmpty("the database is empty")
        refuse_newer(current)
        raise SchemaOutdated(f"the database is at revision {current}, this release needs {newest}")
