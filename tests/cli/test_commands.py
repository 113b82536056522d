"""The commands that set up an install: what they write, print and refuse, and with which exit status."""

from __future__ import annotations

import json
import socket
import stat
import tomllib
from pathlib import Path

import pytest

from tests.support.commands import Commands, Done, vestibule
from tests.support.house import SECRET
from vestibule.flows import admin_sign_in, environments, workspaces
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.runtime import Runtime
from vestibule.settings import load_settings

VISITOR = Visitor("192.0.2.9", "a test", "request-1")
URL = "http://127.0.0.1:8000"


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Commands:
    return Commands(monkeypatch, capsys, tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def on(url: str) -> dict[str, str]:
    """Return the environment of an install that is configured by it alone."""
    return {"VESTIBULE_PUBLIC_URL": URL, "VESTIBULE_SECRET_KEY": SECRET, "VESTIBULE_DATABASE_URL": url}


def assert_refused(done: Done, status: int, *words: str) -> None:
    assert done.returncode == status, done
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("vestibule: ")
    for word in words:
        assert word in lines[0]


def test_init_writes_a_configuration_that_only_its_owner_reads_and_prints_a_link_that_signs_in(folder: Path) -> None:
    done = vestibule("init", "--json", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    path = folder / "vestibule.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(tomllib.loads(path.read_text())["secret_key"]) >= 43
    assert answer["link"].startswith(f"{URL}/admin/link/")
    assert load_settings({"VESTIBULE_DATA_DIR": str(folder)}).public_url == URL


def test_two_installs_never_share_a_secret(command: Commands, folder: Path) -> None:
    secrets = set()
    for name in ("one", "two"):
        command("init", "--data-dir", str(folder / name))
        secrets.add(tomllib.loads((folder / name / "vestibule.toml").read_text())["secret_key"])
    assert len(secrets) == 2


def test_init_on_both_databases_makes_the_default_workspace_and_an_owner(
    empty_database_url: str, command: Commands, folder: Path
) -> None:
    settings = {"VESTIBULE_DATABASE_URL": empty_database_url}
    done = command("init", "--email", "ines@example.com", "--name", "Ines Duarte", "--json", **settings)
    assert done.returncode == 0, done.stderr
    token = json.loads(done.stdout)["link"].rpartition("/")[2]
    from vestibule.app import build_runtime  # noqa: PLC0415 - the product is loaded where a test looks inside

    runtime = build_runtime(load_settings({"VESTIBULE_DATA_DIR": str(folder), **settings}))
    try:
        (workspace,) = workspaces.list_workspaces(runtime)
        assert workspace.name == "default"
        assert [one.name for one in environments.list_of_workspace(runtime, workspace.id)] == ["DEV", "TEST", "PROD"]
        admin, _ = admin_sign_in.look_at_link(runtime, VISITOR, token)
        assert (admin.email, admin.name, admin.role) == ("ines@example.com", "Ines Duarte", "owner")
    finally:
        runtime.database.close()


def test_init_a_second_time_changes_nothing_and_names_the_way_back_in(command: Commands, folder: Path) -> None:
    assert command("init").returncode == 0
    before = (folder / "vestibule.toml").read_text()
    assert_refused(command("init"), 1, "vestibule admin recover")
    assert (folder / "vestibule.toml").read_text() == before


def test_an_init_that_was_interrupted_can_be_run_again(command: Commands, folder: Path) -> None:
    command("init")
    (folder / "vestibule.db").unlink()
    assert command("init").returncode == 0


def test_the_embedded_database_is_for_its_owner_alone_whoever_may_enter_the_folder(
    command: Commands, folder: Path
) -> None:
    place = folder / "data"
    place.mkdir(mode=0o755)
    assert command("init", "--data-dir", str(place)).returncode == 0
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {
        "vestibule.toml": 0o600,
        "vestibule.db": 0o600,
    }


def test_init_writes_the_public_url_that_the_environment_names(command: Commands, folder: Path) -> None:
    done = command("init", "--json", VESTIBULE_PUBLIC_URL="https://sso.example.com")
    assert json.loads(done.stdout)["link"].startswith("https://sso.example.com/admin/link/")
    assert tomllib.loads((folder / "vestibule.toml").read_text())["public_url"] == "https://sso.example.com"


@pytest.mark.parametrize(
    ("options", "settings", "word"),
    [
        (["--public-url", "sso.example.com"], {}, "VESTIBULE_PUBLIC_URL"),
        ([], {"VESTIBULE_SECRET_KEY": "short"}, "VESTIBULE_SECRET_KEY"),
    ],
)
def test_an_init_with_a_wrong_setting_does_not_stand_in_the_way_of_the_next(
    command: Commands, folder: Path, options: list[str], settings: dict[str, str], word: str
) -> None:
    assert_refused(command("init", *options, **settings), 1, word)
    assert not (folder / "vestibule.toml").exists()
    done = command("init", "--public-url", "https://sso.example.com")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_secret_from_the_environment_is_not_written_beside_another(command: Commands, folder: Path) -> None:
    done = command("init", VESTIBULE_SECRET_KEY=SECRET)
    assert done.returncode == 0, done.stderr
    assert "secret_key" not in tomllib.loads((folder / "vestibule.toml").read_text())


def test_migrate_brings_an_empty_database_to_this_release_and_may_be_repeated(
    empty_database_url: str, command: Commands
) -> None:
    first = json.loads(command("migrate", "--json", **on(empty_database_url)).stdout)
    again = json.loads(command("migrate", "--json", **on(empty_database_url)).stdout)
    assert first["before"] is None
    assert first["after"] == again["before"] == again["after"]


def test_an_admin_is_created_with_the_password_that_is_piped_in(
    runtime: Runtime, database_url: str, command: Commands
) -> None:
    command("workspace", "create", "--name", "Northwind", **on(database_url))
    create = ("admin", "create", "--email", "bo@example.com", "--name", "Bo", "--role", "auditor", "--json")
    done = command(*create, typed="a long sentence for Bo\n", **on(database_url))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["link"] is None
    assert "a long sentence" not in done.stdout + done.stderr
    signed_in = admin_sign_in.sign_in_with_password(runtime, VISITOR, "bo@example.com", "a long sentence for Bo")
    assert signed_in.session.admin.role == "auditor"


def test_an_admin_without_a_password_gets_a_link_on_standard_output(
    runtime: Runtime, database_url: str, command: Commands
) -> None:
    command("workspace", "create", "--name", "Northwind", **on(database_url))
    done = command("admin", "create", "--email", "bo@example.com", "--name", "Bo", **on(database_url))
    link = done.stdout.strip()
    assert link.startswith(f"{URL}/admin/link/")
    admin, _ = admin_sign_in.look_at_link(runtime, VISITOR, link.rpartition("/")[2])
    assert admin.role == "owner"


def test_recover_prints_a_link_once_and_puts_it_on_the_record(
    runtime: Runtime, database_url: str, command: Commands
) -> None:
    command("workspace", "create", "--name", "Northwind", **on(database_url))
    command("admin", "create", "--email", "bo@example.com", "--name", "Bo", "--link", **on(database_url))
    link = command("admin", "recover", "--email", "BO@example.com", **on(database_url)).stdout.strip()
    signed_in = admin_sign_in.sign_in_with_link(runtime, VISITOR, link.rpartition("/")[2], None)
    assert signed_in.session.admin.email == "bo@example.com"
    with pytest.raises(admin_sign_in.LinkUsedUp):
        admin_sign_in.look_at_link(runtime, VISITOR, link.rpartition("/")[2])


def test_several_workspaces_make_an_admin_say_which(database_url: str, command: Commands) -> None:
    made = [
        json.loads(command("workspace", "create", "--name", name, "--json", **on(database_url)).stdout)
        for name in ("Northwind", "Südwind")
    ]
    assert made[0]["environments"] == {"DEV": "dev", "TEST": "test", "PROD": "prod"}
    assert made[1]["environments"]["DEV"].endswith("-dev")
    create = ("admin", "create", "--email", "bo@example.com", "--name", "Bo", "--link")
    assert_refused(command(*create, **on(database_url)), 2, "--workspace", "Northwind", "Südwind")
    done = command(*create, "--workspace", "Südwind", "--json", **on(database_url))
    assert json.loads(done.stdout)["workspace"] == made[1]["id"]


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (("nonsense",), 2, "nonsense"),
        (("admin", "create", "--name", "Bo"), 2, "--email"),
        (("serve", "--port", "many"), 2, "--port"),
        (("serve", "--workers", "0"), 2, "--workers"),
        (("workspace", "create", "--name", "N", "--environments", " , "), 2, "--environments"),
        (("workspace", "create", "--name", "  "), 1, "name"),
        (("admin", "recover", "--email", "nobody@example.com"), 1, "vestibule admin create"),
        (("admin", "create", "--email", "nonsense", "--name", "Bo", "--role", "king", "--link"), 2, "vestibule init"),
    ],
)
def test_wrong_usage_is_one_line_that_says_what_is_wrong(
    arguments: tuple[str, ...], status: int, word: str, sqlite_url: str, command: Commands
) -> None:
    assert_refused(command(*arguments, **on(sqlite_url)), status, word)


def test_every_wrong_value_is_named_by_its_option(sqlite_url: str, command: Commands) -> None:
    command("workspace", "create", "--name", "Northwind", **on(sqlite_url))
    done = command("admin", "create", "--email", "x", "--name", "", "--role", "king", "--link", **on(sqlite_url))
    assert_refused(done, 1, "--email:", "--name:", "--role:")
    weak = command("admin", "create", "--email", "b@example.com", "--name", "Bo", typed="short\n", **on(sqlite_url))
    assert_refused(weak, 1, "--password:")


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"VESTIBULE_PUBLIC_URL": "http://sso.example.com"}, "https://"),
        ({"VESTIBULE_PUBLIC_URL": ""}, "VESTIBULE_PUBLIC_URL"),
        ({"VESTIBULE_SECRET_KEY": ""}, "VESTIBULE_SECRET_KEY"),
        ({"VESTIBULE_SECRET_KEY": "x" * 64}, "random"),
        ({"VESTIBULE_SECRT_KEY": "typo"}, "VESTIBULE_SECRT_KEY"),
        ({"VESTIBULE_SMTP_URL": "http://mail.example"}, "VESTIBULE_SMTP_URL"),
        ({"VESTIBULE_DATABASE_URL": "sqlite:////nonexistent/folder/x.db"}, "database"),
    ],
)
def test_serve_refuses_a_configuration_that_is_not_safe(
    settings: dict[str, str], word: str, sqlite_url: str, command: Commands
) -> None:
    good = {"VESTIBULE_PUBLIC_URL": URL, "VESTIBULE_SECRET_KEY": SECRET, "VESTIBULE_DATABASE_URL": sqlite_url}
    done = command("serve", "--port", "0", **{**good, **settings})
    assert_refused(done, 1, word)
    assert SECRET not in done.stderr


def test_serve_on_a_port_that_is_taken_fails_with_the_status_of_a_failure(sqlite_url: str, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = vestibule("serve", "--port", str(port), folder=folder, **on(sqlite_url))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"vestibule: the server did not start on 127.0.0.1:{port}")


def test_serve_refuses_an_outdated_schema(runtime: Runtime, database_url: str, command: Commands) -> None:
    with runtime.database.transaction() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert_refused(command("serve", "--port", "0", **on(database_url)), 1, "vestibule migrate")


def test_an_empty_database_is_not_taken_for_an_outdated_one(empty_database_url: str, command: Commands) -> None:
    for arguments in (("serve", "--port", "0"), ("admin", "recover", "--email", "ada@example.com")):
        assert_refused(command(*arguments, **on(empty_database_url)), 1, "empty", "vestibule init")


@pytest.mark.parametrize("arguments", [("serve",), ("migrate",), ("keys", "rotate")])
def test_a_damaged_database_asks_for_the_backup_and_not_for_a_new_install(
    arguments: tuple[str, ...], sqlite_url: str, command: Commands
) -> None:
    with Path(sqlite_url.removeprefix("sqlite:///")).open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 3000)
    done = command(*arguments, **on(sqlite_url))
    assert_refused(done, 1, "malformed", "last backup")
    assert "init" not in done.stderr


def test_a_command_without_its_data_folder_is_told_how_to_name_it(
    command: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recover = ("admin", "recover", "--email", "ada@example.com", "--data-dir", "elsewhere")
    for settings in ({}, {"VESTIBULE_PUBLIC_URL": URL}):
        assert_refused(command(*recover, **settings), 1, "--data-dir", str(tmp_path / "elsewhere" / "vestibule.toml"))


def test_a_database_of_a_newer_release_is_told_apart_from_an_outdated_one(
    runtime: Runtime, database_url: str, command: Commands
) -> None:
    with runtime.database.transaction() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for arguments in (("serve", "--port", "0"), ("migrate",)):
        assert_refused(command(*arguments, **on(database_url)), 1, "newer release")


@pytest.mark.parametrize("arguments", [("serve",), ("migrate",), ("admin", "recover", "--email", "ada@example.com")])
def test_a_database_that_does_not_answer_is_told_with_its_reason_and_what_to_look_at(
    arguments: tuple[str, ...], command: Commands
) -> None:
    done = command(*arguments, **on("sqlite:////nonexistent/folder/x.db"))
    assert_refused(done, 1, "unable to open database file", "VESTIBULE_DATABASE_URL", "vestibule init")


def test_a_database_password_is_in_no_error(command: Commands) -> None:
    url = "postgresql://vestibule:hunter2-hunter2@127.0.0.1:1/nothing"
    done = command("serve", **on(url))
    assert done.returncode == 1
    assert "hunter2" not in done.stdout + done.stderr


def test_help_names_every_command(command: Commands) -> None:
    text = command("--help").stdout
    for name in ("demo", "init", "serve", "migrate", "doctor", "admin", "workspace"):
        assert name in text
    assert command("--version").stdout.startswith("vestibule ")


def test_an_api_client_is_made_listed_and_revoked_and_its_token_is_shown_once(folder: Path) -> None:
    assert vestibule("init", folder=folder).returncode == 0
    made = vestibule(
        "api-client", "create", "--name", "Desk", "--scope", "explain:read", "--environment", "dev", folder=folder
    )
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.startswith("vapi_")
    listed = vestibule("api-client", "list", "--json", folder=folder)
    assert made.stdout.strip() not in listed.stdout
    (client,) = json.loads(listed.stdout)["api_clients"]
    assert (client["name"], client["status"]) == ("Desk", "works")
    assert vestibule("api-client", "revoke", client["id"], folder=folder).returncode == 0
    assert "revoked" in vestibule("api-client", "list", folder=folder).stdout
    assert_refused(vestibule("api-client", "revoke", client["id"], folder=folder), 1, "does not exist")
    for options in (("--scope", "everything"), ("--scope", "explain:read", "--environment", "moon")):
        assert_refused(vestibule("api-client", "create", "--name", "Desk", *options, folder=folder), 1)
