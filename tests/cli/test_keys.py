"""`vestibule keys rotate`: new keys, printed by their fingerprints; refusals in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Commands
from tests.support.house import SECRET, House, TestClock, furnish, make_runtime
from vestibule.directory.apps import SigningAlgorithm
from vestibule.flows import saml_keys
from vestibule.flows.parts.jwt_keys import jwk_set, key_to_sign, usable_jwt_keys

URL = "http://127.0.0.1:9"


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Commands:
    return Commands(monkeypatch, capsys, tmp_path)


@pytest.fixture
def house(database_url: str, clock: TestClock) -> Iterator[House]:
    runtime = make_runtime(database_url, clock, URL)
    yield furnish(runtime, clock)
    runtime.database.close()


@pytest.fixture
def settings(database_url: str) -> dict[str, str]:
    return {
        "VESTIBULE_PUBLIC_URL": URL,
        "VESTIBULE_SECRET_KEY": SECRET,
        "VESTIBULE_DATABASE_URL": database_url,
    }


def test_new_keys_are_made_and_told_by_their_fingerprints(
    command: Commands, house: House, settings: dict[str, str]
) -> None:
    done = command("keys", "rotate", "--kind", "saml", "--json", **settings)
    assert done.returncode == 0, done.stderr
    told = {one["fingerprint"] for one in json.loads(done.stdout)["keys"]}
    keys = saml_keys.get_keys(house.runtime, house.owner).keys
    assert told == {one.certificate.fingerprint for one in keys if one.state == "next"}
    assert "PRIVATE" not in done.stdout + done.stderr
    again = command("keys", "rotate", **settings)
    assert again.returncode == 1
    assert "A rotation is under way" in again.stderr
    at_once = command("keys", "rotate", "--overlap-days", "0", **settings)
    assert at_once.returncode == 0
    assert "in use now" in at_once.stdout


def test_new_keys_for_tokens_are_published_first_and_sign_after_a_day(
    command: Commands, house: House, settings: dict[str, str]
) -> None:
    before = {one.id for one in usable_jwt_keys(house.runtime, house.environments["dev"])}
    done = command("keys", "rotate", "--kind", "jwt", "--json", **settings)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["keys"]
    assert {one["environment"] for one in told} == {"dev", "test", "prod"}
    assert "PRIVATE" not in done.stdout + done.stderr
    new = {one["kid"] for one in told if one["environment"] == "dev"}
    assert published(house) == before | new
    assert signing(house) <= before
    house.clock.advance(hours=24)
    assert published(house) == before | new
    assert signing(house) == new
    house.clock.advance(hours=24)
    assert published(house) == new


def test_after_a_theft_the_old_keys_for_tokens_are_worthless_at_once(
    command: Commands, house: House, settings: dict[str, str]
) -> None:
    before = {one.id for one in usable_jwt_keys(house.runtime, house.environments["dev"])}
    done = command("keys", "rotate", "--kind", "jwt", "--overlap-days", "0", **settings)
    assert done.returncode == 0, done.stderr
    assert "worthless" in done.stdout
    assert not published(house) & before
    assert signing(house) == published(house)


def test_keys_for_tokens_that_do_not_open_are_replaced_at_once_or_not_at_all(
    command: Commands, house: House, settings: dict[str, str]
) -> None:
    before = {one.id for one in usable_jwt_keys(house.runtime, house.environments["dev"])}
    other = {**settings, "VESTIBULE_SECRET_KEY": "another secret key for tests, 0123456789"}
    refused = command("keys", "rotate", "--kind", "jwt", **other)
    assert refused.returncode == 1
    assert "--overlap-days 0" in refused.stderr
    assert published(house) == before
    assert command("keys", "rotate", "--kind", "jwt", "--overlap-days", "0", **other).returncode == 0
    assert not published(house) & before
    assert command("keys", "rotate", "--kind", "jwt", **other).returncode == 0


def test_saml_keys_that_do_not_open_are_replaced_at_once_or_not_at_all(
    command: Commands, house: House, settings: dict[str, str]
) -> None:
    before = {one.certificate.fingerprint for one in saml_keys.get_keys(house.runtime, house.owner).keys}
    other = {**settings, "VESTIBULE_SECRET_KEY": "another secret key for tests, 0123456789"}
    refused = command("keys", "rotate", **other)
    assert refused.returncode == 1
    assert "can’t be opened with this server’s secret key" in refused.stderr
    assert "overlap of 0 days" in refused.stderr
    assert {one.certificate.fingerprint for one in saml_keys.get_keys(house.runtime, house.owner).keys} == before
    at_once = command("keys", "rotate", "--overlap-days", "0", **other)
    assert at_once.returncode == 0
    assert "need the SP metadata again at once" in at_once.stdout
    assert command("keys", "rotate", **other).returncode == 0


def published(house: House) -> set[str]:
    return {one["kid"] for one in jwk_set(usable_jwt_keys(house.runtime, house.environments["dev"]))["keys"]}


def signing(house: House) -> set[str]:
    keys = usable_jwt_keys(house.runtime, house.environments["dev"])
    return {key_to_sign(house.runtime, keys, alg).kid for alg in SigningAlgorithm}


@pytest.mark.usefixtures("house")
def test_keys_of_other_kinds_there_are_none(command: Commands, settings: dict[str, str]) -> None:
    assert command("keys", "rotate", "--kind", "pgp", **settings).returncode == 2
    assert command("keys", "rotate", "--overlap-days", "91", **settings).returncode == 2
