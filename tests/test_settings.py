"""What the operator may write, and the sentence for what can't be used."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.settings import Settings, SettingsError, load_settings

SECRET = "a secret key for tests alone, 0123456789"
GOOD = {"VESTIBULE_PUBLIC_URL": "https://sso.example.com", "VESTIBULE_SECRET_KEY": SECRET}


def load(folder: Path, **changes: str) -> Settings:
    named = {f"VESTIBULE_{key}": value for key, value in changes.items()}
    return load_settings({**GOOD, "VESTIBULE_DATA_DIR": str(folder), **named})


def test_two_settings_suffice_and_the_rest_is_safe(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.public_url == "https://sso.example.com"
    assert settings.https
    assert settings.database_url == f"sqlite:///{tmp_path / 'vestibule.db'}"
    assert (settings.trusted_proxies, settings.smtp_url) == ((), None)
    assert not settings.metadata_allow_http
    assert not settings.metadata_allow_private
    assert not settings.apps_allow_http
    assert not settings.apps_allow_private


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("https://sso.example.com/", "https://sso.example.com"),
        ("HTTPS://SSO.Example.com", "https://sso.example.com"),
        # Browsers leave the default port out of Origin, which is compared with this.
        ("https://sso.example.com:443", "https://sso.example.com"),
        ("https://sso.example.com:8443", "https://sso.example.com:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://[2001:DB8::0:1]", "https://[2001:db8::1]"),
        ("https://intranet", "https://intranet"),
        ("https://büro.example", "https://xn--bro-hoa.example"),
    ],
)
def test_the_public_url_becomes_the_origin_that_browsers_send(tmp_path: Path, typed: str, origin: str) -> None:
    assert load(tmp_path, PUBLIC_URL=typed).public_url == origin


@pytest.mark.parametrize(
    "typed",
    [
        "sso.example.com",
        "ftp://sso.example.com",
        "https://",
        "https:///x",
        "https://sso.example.com/vestibule",
        "https://sso.example.com?x=1",
        "https://sso.example.com?",
        "https://sso.example.com#top",
        "https://ada@sso.example.com",
        "https://@sso.example.com",
        "https://sso.example.com:99999",
        "https://sso.example.com:0",
        "https://sso.example.com:",
        "https://sso.example.com:x",
        "https://[::1",
        "https://sso example.com",
        "https://sso.example.com\\x",
        "https://-sso.example.com",
        "http://sso.example.com",
        "http://127.0.0.1.example.com",
    ],
)
def test_a_public_url_that_is_no_origin_is_refused(tmp_path: Path, typed: str) -> None:
    with pytest.raises(SettingsError, match="VESTIBULE_PUBLIC_URL must"):
        load(tmp_path, PUBLIC_URL=typed)


@given(st.text(max_size=40).map("https://".__add__) | st.text(max_size=40))
def test_any_public_url_is_used_or_refused_with_a_sentence(typed: str) -> None:
    try:
        settings = load(Path("/nonexistent"), PUBLIC_URL=typed)
    except SettingsError:
        return
    assert load(Path("/nonexistent"), PUBLIC_URL=settings.public_url).public_url == settings.public_url
    assert settings.public_url.isascii()


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("PUBLIC_URL", "", "Set VESTIBULE_PUBLIC_URL"),
        ("SECRET_KEY", "", "Set VESTIBULE_SECRET_KEY"),
        ("SECRET_KEY", "short", "32 random characters"),
        ("SECRET_KEY", "a" * 64, "32 random characters"),
        ("DATABASE_URL", "mysql://localhost/x", "sqlite:/// or postgresql://"),
        ("DATABASE_URL", "sqlite://", "sqlite:/// or postgresql://"),
        ("DATABASE_URL", "sqlite:///", "must name a file"),
        ("DATABASE_URL", "postgresql://ada:half@half:word@db/x", "can't be read"),
        ("DATABASE_URL", "postgresql://ada:hidden@db/x?ssl=true", "sslmode=require"),
        ("DATABASE_URL", "sqlite:///:memory:", "must name a file"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "addresses or networks"),
        ("TRUSTED_PROXIES", "proxy.example.com", "addresses or networks"),
        ("LOG_LEVEL", "loud", "debug, info, warning or error"),
        ("METADATA_ALLOW_HTTP", "maybe", "must be true or false"),
        ("METADATA_ALLOW_PRIVATE", "2", "must be true or false"),
        ("SECRET_KEYS", "x", "Unknown setting VESTIBULE_SECRET_KEYS"),
    ],
)
def test_what_can_not_be_used_is_refused_with_a_sentence_for_the_operator(
    tmp_path: Path, key: str, value: str, sentence: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, **{key: value})
    assert sentence in str(caught.value)
    assert SECRET not in str(caught.value)


def test_there_is_no_default_secret(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="VESTIBULE_SECRET_KEY"):
        load_settings({"VESTIBULE_PUBLIC_URL": "https://sso.example.com", "VESTIBULE_DATA_DIR": str(tmp_path)})


def test_printed_settings_show_no_secret(tmp_path: Path) -> None:
    settings = load(tmp_path, DATABASE_URL="postgres://ada:hidden1@db/x", SMTP_URL="smtps://ada:hidden2@mail")
    assert settings.database_url == "postgresql://ada:hidden1@db/x"
    for secret in (SECRET, "hidden1", "hidden2"):
        assert secret not in repr(settings)
        assert secret not in str(settings)


def test_the_secret_may_lie_in_a_file_but_not_in_two_places(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f" {SECRET}x \n")
    assert load(tmp_path, SECRET_KEY="", SECRET_KEY_FILE=str(path)).secret_key == f"{SECRET}x"
    with pytest.raises(SettingsError, match="not both"):
        load(tmp_path, SECRET_KEY_FILE=str(path))
    path.write_bytes(b"\xff" * 40)
    for broken in (path, tmp_path, tmp_path / "missing"):
        with pytest.raises(SettingsError, match="can't be read"):
            load(tmp_path, SECRET_KEY="", SECRET_KEY_FILE=str(broken))


def test_the_environment_wins_over_the_file_and_an_empty_variable_is_none(tmp_path: Path) -> None:
    (tmp_path / "vestibule.toml").write_text(
        'log_level = "debug"\nVESTIBULE_METADATA_ALLOW_HTTP = true\ntrusted_proxies = ["10.0.0.0/8", "::1"]\n'
    )
    settings = load(tmp_path, LOG_LEVEL="")
    assert settings.log_level == "debug"
    assert settings.metadata_allow_http
    assert load(tmp_path, APPS_ALLOW_PRIVATE="true").apps_allow_private
    assert settings.trusted_proxies == (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1"))
    assert load(tmp_path, LOG_LEVEL="Warning").log_level == "warning"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("log_level = ", "not valid TOML"),
        ("\xff", "not valid TOML"),
        ("[server]\nport = 1", "must be a text in quotes"),
        ("trusted_proxies = [1]", "must be a text in quotes"),
        ("log_level = 1", "must be a text in quotes"),
        ('colour = "red"', "Unknown setting VESTIBULE_COLOUR"),
    ],
)
def test_a_file_that_can_not_be_used_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "vestibule.toml").write_text(content, encoding="latin-1")
    with pytest.raises(SettingsError, match=sentence):
        load(tmp_path)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vestibule.toml").mkdir()
    with pytest.raises(SettingsError, match="can't be read"):
        load(tmp_path)


def test_variables_that_kubernetes_writes_for_a_service_of_this_name_are_not_ours(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        SERVICE_HOST="10.1.2.3",
        SERVICE_PORT="8000",
        SERVICE_PORT_HTTP="8000",
        PORT="tcp://10.1.2.3:8000",
        PORT_8000_TCP="tcp://10.1.2.3:8000",
        PORT_8000_TCP_ADDR="10.1.2.3",
    )
    assert settings.public_url == "https://sso.example.com"


def test_trusted_proxies_are_addresses_and_networks(tmp_path: Path) -> None:
    settings = load(tmp_path, TRUSTED_PROXIES=" 10.0.0.0/8, 192.0.2.1 ,2001:db8::/32,")
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"]
