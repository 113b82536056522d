"""Okta's SPEC test and Microsoft's collection against the running server on both engines; `.ci/scim_conformance` runs this.

The data are the vendors', so they are not part of the project: the first argument is where they are, the second is newman.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.support.conformance import MICROSOFT_ALLOWED, microsoft_collection, okta_spec
from tests.support.databases import ENGINES, Databases, end_run
from tests.support.directories import Directory, directory, pushing
from tests.support.house import Server, TestClock, serving
from vestibule.flows import scim_directories
from vestibule.outside.logs import set_up_logs


def main() -> int:
    """Run both on both engines; exit status 1 when anything fails that is not among those that contradict the RFC."""
    set_up_logs("warning")
    data, newman = Path(sys.argv[1]), sys.argv[2]
    run_folder = Path(tempfile.mkdtemp(prefix="vestibule-scim-"))
    databases = Databases(run_folder, os.getpid(), "main")
    failures: list[str] = []
    try:
        for engine in ENGINES:
            with databases.migrated(engine, run_folder) as url, serving(url, TestClock()) as server:
                failures += [f"{engine}: {one}" for one in judge(server, data, newman, run_folder)]
    finally:
        databases.close()
        end_run(run_folder, os.getpid())
    for one in failures:
        sys.stderr.write(f"{one}\n")
    return 1 if failures else 0


def judge(server: Server, data: Path, newman: str, folder: Path) -> list[str]:
    """Return what is wrong, one line each."""
    found: list[str] = []
    asserted, failed = microsoft_collection(tried(server, "dev", "Entra"), data, newman, folder)
    sys.stdout.write(
        f"Microsoft: {asserted - len(failed)} of {asserted}; against the RFC or our decision: {len(failed & MICROSOFT_ALLOWED)}\n"
    )
    found += [f"Microsoft: {request}: {name}" for request, name in sorted(failed - MICROSOFT_ALLOWED)]
    status, said = okta_spec(tried(server, "test", "Okta"), data)
    sys.stdout.write(f"Okta: {said.strip().splitlines()[-1]}\n")
    return found + ([f"Okta: {said}"] if status or "52 passed, 0 failed" not in said else [])


def tried(server: Server, key: str, name: str) -> Directory:
    """Give a fresh connection whose stop line is out of the way."""
    house, connection = server.house, pushing(server.house, key, name)
    scim_directories.change_stop_line(house.runtime, house.owner, connection.id, "100000", "100")
    return directory(server, connection)


if __name__ == "__main__":
    sys.exit(main())
