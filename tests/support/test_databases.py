"""The ground under the other tests: databases are real, fresh, migrated and apart from each other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, inspect, make_url, text

from tests.support.databases import ENGINES, Databases, end_run
from tests.support.tools import ROOT
from vestibule.storage.database import Database
from vestibule.storage.migrate import current_revision, newest_revision


def tables(url: str) -> set[str]:
    engine = create_engine(make_url(url).set(drivername="sqlite" if url.startswith("sqlite") else "postgresql+psycopg"))
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_a_fresh_database_is_at_this_release(database_url: str) -> None:
    database = Database(database_url)
    try:
        assert current_revision(database) == newest_revision()
    finally:
        database.close()


def test_an_empty_database_has_no_table(empty_database_url: str) -> None:
    assert tables(empty_database_url) == set()


@pytest.mark.parametrize("engine", ENGINES)
def test_what_one_test_writes_no_other_sees(engine: str, databases: Databases, tmp_path: Path) -> None:
    with databases.migrated(engine, tmp_path) as first, databases.migrated(engine, tmp_path) as second:
        database = Database(first)
        try:
            with database.transaction() as tx:
                tx.execute(text("CREATE TABLE left_behind (id INTEGER)"))
        finally:
            database.close()
        assert "left_behind" in tables(first)
        assert "left_behind" not in tables(second)


def test_a_database_goes_even_when_a_test_left_a_connection_open(databases: Databases, tmp_path: Path) -> None:
    with databases.migrated("postgresql", tmp_path) as url:
        forgotten = psycopg.connect(url)
    try:
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
    finally:
        forgotten.close()


def test_the_server_is_a_real_postgresql_that_does_not_think_in_utc(postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url) as connection:
        (version,) = connection.execute("SHOW server_version_num").fetchone() or ("",)
        assert int(version) >= 140000
        if "VESTIBULE_TEST_POSTGRES_URL" not in os.environ:
            assert connection.execute("SHOW timezone").fetchone() == ("Asia/Kathmandu",)


def test_a_killed_test_run_takes_its_server_with_it(database_folder: Path) -> None:
    database_folder.chmod(0o711)  # for root the server is `nobody`, who has to pass through
    folder = database_folder / "server"
    folder.mkdir()
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.support.postgres_keeper", str(folder), str(owner.pid)], cwd=ROOT
    )
    try:
        _wait_for(folder / "url", there=True)
        with psycopg.connect((folder / "url").read_text()) as connection:
            (data,) = connection.execute("SHOW data_directory").fetchone() or ("",)
        postmaster = int((Path(data) / "postmaster.pid").read_text().split()[0])
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        assert keeper.wait(timeout=60) == 0
        assert not folder.exists()
        assert not Path(data).exists()
        with pytest.raises(ProcessLookupError):
            os.kill(postmaster, 0)
    finally:
        for process in (owner, keeper):
            process.kill()
            process.wait()


def test_a_run_that_ends_takes_its_folder_with_it(tmp_path: Path) -> None:
    run_folder = tmp_path / "run"
    run_folder.mkdir()
    databases = Databases(run_folder, os.getpid(), "inner")
    with databases.migrated("sqlite", tmp_path) as url:
        assert "workspaces" in tables(url)
    databases.close()
    end_run(run_folder, os.getpid())
    assert not run_folder.exists()


def _wait_for(path: Path, *, there: bool) -> None:
    end = time.monotonic() + 60
    while path.exists() != there:
        assert time.monotonic() < end, f"{path} did not change"
        time.sleep(0.05)
