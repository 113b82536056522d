"""`vestibule doctor`: each thing that is wrong is found, named, and comes with what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Commands
from tests.support.house import SECRET, House, TestClock, furnish, make_runtime
from tests.support.mail import smtp_server
from tests.support.people import CERTIFICATE, connect
from vestibule.directory.connections import IdpValues
from vestibule.flows import jwt_keys, saml_keys
from vestibule.flows.parts.callers import operator
from vestibule.storage import connections, identity_providers, metadata_readings

URL = "http://127.0.0.1:9"


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Commands:
    return Commands(monkeypatch, capsys, tmp_path)


@pytest.fixture
def house(database_url: str, clock: TestClock) -> Iterator[House]:
    runtime = make_runtime(database_url, clock, URL)
    yield furnish(runtime, clock)
    runtime.database.close()


def look(command: Commands, url: str, **settings: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run the doctor; return its exit status and the findings by name."""
    base = {"VESTIBULE_PUBLIC_URL": URL, "VESTIBULE_SECRET_KEY": SECRET, "VESTIBULE_DATABASE_URL": url}
    done = command("doctor", "--json", **{**base, **settings})
    assert SECRET not in done.stdout + done.stderr
    return done.returncode, {one["name"]: one for one in json.loads(done.stdout)["findings"]}


@pytest.mark.usefixtures("house")
def test_a_healthy_install_passes_though_its_server_is_not_running_yet(command: Commands, database_url: str) -> None:
    status, found = look(command, database_url)
    assert status == 0
    assert {name: one["level"] for name, one in found.items()} == {
        "configuration": "ok",
        "database": "ok",
        "clock": "ok",
        "certificates": "ok",
        "metadata": "ok",
        "keys": "ok",
        "token keys": "ok",
        "mail": "ok",
        "public URL": "warn",
    }
    assert found["public URL"]["todo"]


def test_a_configuration_that_can_not_be_read_is_the_one_finding(command: Commands, sqlite_url: str) -> None:
    status, found = look(command, sqlite_url, VESTIBULE_PUBLIC_URL="http://sso.example.com")
    assert (status, list(found)) == (1, ["configuration"])


def test_an_outdated_schema_says_which_command_helps(command: Commands, house: House, database_url: str) -> None:
    with house.runtime.database.transaction() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    status, found = look(command, database_url)
    assert (status, found["database"]["level"], found["database"]["todo"]) == (1, "fail", "Run: vestibule migrate")


def test_an_empty_database_is_a_new_install_or_the_wrong_place(command: Commands, empty_database_url: str) -> None:
    status, found = look(command, empty_database_url)
    assert (status, found["database"]["level"]) == (1, "fail")
    assert "vestibule init" in found["database"]["todo"]
    assert "migrate" not in found["database"]["todo"]


def test_a_database_that_can_be_read_but_not_written_is_found(
    command: Commands, house: House, database_url: str
) -> None:
    if house.runtime.database.is_sqlite:
        path = Path(database_url.removeprefix("sqlite:///"))
        status, found = look(command, f"sqlite:///file:{path}?mode=ro&uri=true")
    else:
        with house.runtime.database.transaction() as tx:
            name = tx.exec_driver_sql("SELECT current_database()").scalar_one()
            tx.exec_driver_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        status, found = look(command, database_url)
    assert (status, found["database"]["level"]) == (1, "fail")
    assert "read" in found["database"]["text"]
    assert "may write" in found["database"]["todo"]


def test_a_damaged_database_is_one_finding_that_asks_for_the_backup(command: Commands, sqlite_url: str) -> None:
    with Path(sqlite_url.removeprefix("sqlite:///")).open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 3000)
    status, found = look(command, sqlite_url)
    assert (status, found["database"]["level"]) == (1, "fail")
    assert "backup" in found["database"]["todo"]
    assert "init" not in found["database"]["todo"]
    assert "mail" in found


def test_a_database_of_a_newer_release_is_not_to_be_migrated(
    command: Commands, house: House, database_url: str
) -> None:
    with house.runtime.database.transaction() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    status, found = look(command, database_url)
    assert (status, found["database"]["level"]) == (1, "fail")
    assert "newer release" in found["database"]["todo"]


def test_a_database_that_does_not_answer_is_found(command: Commands) -> None:
    status, found = look(command, "postgresql://bo:hunter2@127.0.0.1:1/nothing")
    assert (status, found["database"]["level"]) == (1, "fail")
    assert "hunter2" not in repr(found)


def test_a_clock_behind_what_was_recorded_is_found(command: Commands, house: House, database_url: str) -> None:
    house.clock.advance(hours=2)
    furnish(house.runtime, house.clock, ("STAGING",), name="Later")
    status, found = look(command, database_url)
    assert (status, found["clock"]["level"]) == (1, "fail")
    assert "future" in found["clock"]["text"]


def test_a_certificate_near_its_end_is_a_warning_that_names_its_idp(
    command: Commands, house: House, database_url: str
) -> None:
    ends = datetime.now(UTC) + timedelta(days=20)
    connection = connect(house)
    values = IdpValues("https://idp.example", "https://idp.example/sso", None, (replace(CERTIFICATE, not_after=ends),))
    with house.runtime.database.transaction() as tx:
        identity_providers.update_idp_values(tx, connection.idp, values, None)
    status, found = look(command, database_url)
    assert (status, found["certificate"]["level"]) == (0, "warn")
    assert "Okta Dev in Northwind" in found["certificate"]["text"]
    with house.runtime.database.transaction() as tx:
        connections.set_disabled(tx, house.workspace.id, connection.id, disabled=True)
    assert "certificate" not in look(command, database_url)[1]


def test_mail_is_tried_for_real(command: Commands, sqlite_url: str) -> None:
    with smtp_server() as box:
        address = f"smtp://127.0.0.1:{box.port}?starttls=off"
        assert look(command, sqlite_url, VESTIBULE_SMTP_URL=address)[1]["mail"]["level"] == "ok"
    status, found = look(command, sqlite_url, VESTIBULE_SMTP_URL=address)
    assert (status, found["mail"]["level"]) == (1, "fail")
    assert box.mails == []


def test_a_secret_that_others_can_read_is_found(command: Commands) -> None:
    assert command("init").returncode == 0
    path = command.folder / "vestibule.toml"
    assert command("doctor").returncode == 0
    path.chmod(0o644)
    done = command("doctor")
    assert done.returncode == 1
    assert f"chmod 600 {path}" in done.stdout


def test_keys_that_another_secret_key_sealed_are_found(command: Commands, house: House, database_url: str) -> None:
    saml_keys.get_keys(house.runtime, house.owner)
    status, found = look(command, database_url)
    assert (status, found["keys"]["text"]) == (0, "2 for SAML can be opened")
    status, found = look(command, database_url, VESTIBULE_SECRET_KEY="another secret key, as long as that one was")
    assert (status, found["keys"]["level"]) == (1, "fail")
    assert "--overlap-days 0" in found["keys"]["todo"]


def test_keys_for_tokens_that_another_secret_key_sealed_are_found_and_replaced_by_what_the_doctor_says(
    command: Commands, house: House, database_url: str
) -> None:
    jwt_keys.rotate_every_environment(house.runtime, operator(), house.workspace.id)
    count = 2 * len(house.environments)
    status, found = look(command, database_url)
    assert (status, found["token keys"]["text"]) == (0, f"{count} for tokens can be opened")
    other = {"VESTIBULE_SECRET_KEY": "another secret key, as long as that one was"}
    status, found = look(command, database_url, **other)
    assert (status, found["token keys"]["level"]) == (1, "fail")
    _, _, todo = found["token keys"]["todo"].partition("run: vestibule ")
    base = {"VESTIBULE_PUBLIC_URL": URL, "VESTIBULE_DATABASE_URL": database_url}
    assert command(*todo.split(), **base, **other).returncode == 0
    assert look(command, database_url, **other)[1]["token keys"]["level"] == "ok"


def test_a_rotation_under_way_is_told(command: Commands, house: House, database_url: str) -> None:
    saml_keys.rotate_keys(house.runtime, operator(), house.workspace.id, 14)
    assert look(command, database_url)[1]["keys"]["text"] == "4 for SAML can be opened; 2 take over later"


def test_metadata_that_can_not_be_read_or_waits_for_approval_is_a_warning_that_says_which(
    command: Commands, house: House, database_url: str
) -> None:
    failing, now = connect(house), house.clock()
    values = IdpValues("https://idp.example", "https://idp.example/sso", None, (CERTIFICATE,), metadata_url=f"{URL}/md")
    with house.runtime.database.transaction() as tx:
        identity_providers.update_idp_values(tx, failing.idp, values, None)
        metadata_readings.save_reading(
            tx, house.workspace.id, failing.idp.id, now, failing_since=now, failures=1, failure="It is a web page."
        )
    status, found = look(command, database_url)
    assert (status, found["metadata"]["level"]) == (0, "warn")
    assert "Okta Dev in Northwind: can’t be read since" in found["metadata"]["text"]
    assert "It is a web page." in found["metadata"]["text"]
    with house.runtime.database.transaction() as tx:
        metadata_readings.save_reading(tx, house.workspace.id, failing.idp.id, now, failing_since=None, failures=0)
        metadata_readings.save_change(tx, house.workspace.id, failing.idp.id, "digest", values, now)
    assert "waits for approval" in look(command, database_url)[1]["metadata"]["text"]
    with house.runtime.database.transaction() as tx:
        metadata_readings.dismiss_change(tx, house.workspace.id, failing.idp.id, "digest")
    assert look(command, database_url)[1]["metadata"]["level"] == "ok"
