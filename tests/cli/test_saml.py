"""`vestibule saml inspect`: each form of input, against metadata or a connection, for people and for scripts; nothing is written."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.saml import forge
from tests.saml.test_captures import FIELD, HAR, PAGE, REDIRECT, deflated
from tests.support.commands import Commands, vestibule
from tests.support.metadata import idp_metadata

AT = "2026-11-23T14:18:07Z"
GOOD = forge.response(sign="assertion")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Commands:
    return Commands(monkeypatch, capsys, tmp_path)


@pytest.fixture
def offline(tmp_path: Path) -> list[str]:
    path = tmp_path / "idp.xml"
    path.write_text(idp_metadata(forge.IDP, forge.key().certificate_pem))
    return ["--metadata", str(path), "--acs-url", forge.ACS, "--entity-id", forge.SP, "--at", AT]


@pytest.mark.parametrize(
    "given",
    [
        GOOD.decode(),
        FIELD,
        deflated(GOOD),
        f"https://sp.example/?SAMLResponse={REDIRECT}",
        f"SAMLResponse={FIELD}",
        PAGE,
    ],
)
def test_a_good_response_passes_in_each_form(given: str, command: Commands, offline: list[str], tmp_path: Path) -> None:
    path = tmp_path / "captured"
    path.write_text(given)
    done = command("saml", "inspect", str(path), *offline, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (message,) = json.loads(done.stdout)["messages"]
    assert (message["verdict"], message["verified"], message["kind"]) == ("accepted", True, "Response")
    assert message["attributes"]["displayName"] == ["Ada Park"]
    piped = command("saml", "inspect", "-", *offline, typed=given)
    assert piped.returncode == 0
    assert "would be accepted" in piped.stdout


def test_a_recording_shows_every_message_and_a_process_reads_a_pipe(tmp_path: Path) -> None:
    done = vestibule("saml", "inspect", "-", "--at", AT, folder=tmp_path, typed=HAR)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 of 2: Response" in done.stdout
    assert "1: GET https://idp.example/sso" in done.stdout
    # No database was made, nothing was left.
    assert list(tmp_path.iterdir()) == []


def test_what_is_wrong_is_said_check_by_check_with_exit_status_1(command: Commands, offline: list[str]) -> None:
    wrong = forge.response(forge.Recipe(audiences=(("https://other.example",),)), sign="assertion").decode()
    done = command("saml", "inspect", "-", *offline, typed=wrong)
    assert done.returncode == 1
    assert f"expected {forge.SP}" in done.stdout
    assert "received https://other.example" in done.stdout
    later = [*offline[:-1], "2026-11-24T09:00:00Z"]
    assert "✗ Not on or after" in command("saml", "inspect", "-", *later, typed=GOOD.decode()).stdout


def test_redacted_output_names_nobody(command: Commands, offline: list[str]) -> None:
    done = command("saml", "inspect", "-", *offline, "--redact", typed=GOOD.decode())
    assert done.returncode == 0
    assert "ada@" not in done.stdout
    assert "Ada Park" not in done.stdout
    assert "SignatureValue" in done.stdout


def test_a_hostile_message_can_not_write_to_the_terminal(command: Commands) -> None:
    hostile = forge.response(
        forge.Recipe(name_id="[bold]x[/] \x85\u202eadmin", status_message="[link=https://evil.example]here[/link]"),
        sign="none",
    ).replace(b"Ada Park", "A\x9b2J\u2066da".encode())
    done = command("saml", "inspect", "-", "--at", AT, typed=hostile.decode())
    assert done.returncode == 1
    assert not {"\x1b", "\x9b", "\u202e", "\u2066", "\x85"} & set(done.stdout)
    assert "[bold]x[/]" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "typed", "status", "words"),
    [
        (["-"], "", 1, "nothing here"),
        (["-"], "hello", 1, "no SAML message"),
        (["missing.xml"], "", 1, "missing.xml"),
        (["-", "--at", "yesterday"], FIELD, 2, "--at"),
        (["-", "--connection", "con_1", "--acs-url", "x"], FIELD, 2, "--connection"),
    ],
)
def test_wrong_use_is_one_line_on_standard_error(
    arguments: list[str], typed: str, status: int, words: str, command: Commands
) -> None:
    done = command("saml", "inspect", *arguments, typed=typed)
    assert (done.returncode, done.stdout) == (status, "")
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr


def test_utf_16_from_a_shell_is_read(command: Commands, offline: list[str], tmp_path: Path) -> None:
    path = tmp_path / "captured"
    path.write_text(base64.b64encode(GOOD).decode(), encoding="utf-16")
    assert command("saml", "inspect", str(path), *offline).returncode == 0
