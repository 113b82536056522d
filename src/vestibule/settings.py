"""Configuration: environment variables and `vestibule.toml`, read once into one frozen value. Holds no defaults for secrets."""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import clean_domain
from vestibule.storage.database import check_url

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
PREFIX: Final = "VESTIBULE_"
KEYS: Final = frozenset(
    {
        "PUBLIC_URL",
        "DATABASE_URL",
        "SECRET_KEY",
        "SECRET_KEY_FILE",
        "DATA_DIR",
        "SMTP_URL",
        "MAIL_FROM",
        "TRUSTED_PROXIES",
        "LOG_LEVEL",
        "METADATA_ALLOW_HTTP",
        "METADATA_ALLOW_PRIVATE",
        "APPS_ALLOW_HTTP",
        "APPS_ALLOW_PRIVATE",
    }
)
MIN_SECRET_LENGTH: Final = 32
_LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\Z")
# Kubernetes writes these for a Service that is called "vestibule"; the test suite's own share the prefix, too.
_FOREIGN: Final = re.compile(r"(?:SERVICE_(?:HOST|PORT)|PORT|TEST)(?:_[A-Z0-9_]+)?\Z")


class SettingsError(VestibuleError):
    """The configuration can't be used. The sentence is for the operator and says what to do."""

    code = "settings"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the operator decides."""

    public_url: str
    # Left out where a Settings is printed: they hold secrets.
    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    data_dir: Path
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str | None = None
    trusted_proxies: tuple[Network, ...] = ()
    log_level: str = "info"
    metadata_allow_http: bool = False
    metadata_allow_private: bool = False
    apps_allow_http: bool = False
    apps_allow_private: bool = False

    @property
    def https(self) -> bool:
        """Say whether browsers reach this server by https."""
        return self.public_url.startswith("https://")


def load_settings(environ: Mapping[str, str] | None = None, toml_path: Path | None = None) -> Settings:
    """Read the settings; environment variables win over `vestibule.toml` in the data folder (or `toml_path`).

    An empty variable counts as none. Raises SettingsError with one sentence that says what to do.
    """
    environment = os.environ if environ is None else environ
    values = {key.removeprefix(PREFIX): value for key, value in environment.items() if key.startswith(PREFIX) and value}
    values = {key: value for key, value in values.items() if not _FOREIGN.match(key)}
    data_dir = Path(values.get("DATA_DIR") or "vestibule-data")
    path = toml_path or data_dir / "vestibule.toml"
    values = {**_from_toml(path), **values}
    unknown = sorted(set(values) - KEYS)
    if unknown:
        raise SettingsError(f"Unknown setting {PREFIX}{unknown[0]}. Known: {', '.join(sorted(KEYS))}.")
    data_dir = Path(values.get("DATA_DIR") or data_dir).absolute()
    return Settings(
        public_url=_public_url(values.get("PUBLIC_URL", ""), path),
        database_url=_database_url(values.get("DATABASE_URL") or f"sqlite:///{data_dir / 'vestibule.db'}"),
        secret_key=_secret_key(values, path),
        data_dir=data_dir,
        smtp_url=values.get("SMTP_URL") or None,
        mail_from=values.get("MAIL_FROM") or None,
        trusted_proxies=_networks(values.get("TRUSTED_PROXIES", "")),
        log_level=_log_level(values.get("LOG_LEVEL", "info")),
        metadata_allow_http=_flag("METADATA_ALLOW_HTTP", values),
        metadata_allow_private=_flag("METADATA_ALLOW_PRIVATE", values),
        apps_allow_http=_flag("APPS_ALLOW_HTTP", values),
        apps_allow_private=_flag("APPS_ALLOW_PRIVATE", values),
    )


def _from_toml(path: Path) -> dict[str, str]:
    try:
        loaded = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error}.") from error
    return {key.upper().removeprefix(PREFIX): _toml_value(path, key, value) for key, value in loaded.items()}


def _toml_value(path: Path, key: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return ",".join(value)
    if isinstance(value, str):
        return value
    raise SettingsError(f"{path}: {key} must be a text in quotes, true or false, or a list of texts.")


def _elsewhere(path: Path) -> str:
    """Return what to say to somebody who may have an install, but in another folder than was looked at."""
    if path.exists():
        return ""
    return (
        f" There is no {path.absolute()}: of an install elsewhere, name the folder with --data-dir or {PREFIX}DATA_DIR."
    )


def _public_url(value: str, path: Path) -> str:
    """Return the origin as browsers write it (RFC 6454, 6.2), because it is compared with theirs."""
    if not value:
        raise SettingsError(
            f"Set {PREFIX}PUBLIC_URL to the address that people type, such as https://sso.example.com.{_elsewhere(path)}"
        )
    only = SettingsError(f"{PREFIX}PUBLIC_URL must be a scheme and a host only, such as https://sso.example.com.")
    try:
        parts = urlsplit(value.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise only from error
    if parts.scheme not in _DEFAULT_PORTS or parts.path.strip("/") or {"@", "?", "#"} & set(value):
        raise only
    if port == 0 or parts.netloc.endswith(":"):
        raise only
    name = _host(host)
    if name is None:
        raise only
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise SettingsError(f"{PREFIX}PUBLIC_URL must start with https:// (http is for loopback only).")
    return f"{parts.scheme}://{name}" + ("" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}")


def _host(host: str) -> str | None:
    if ":" in host:
        try:
            return f"[{ipaddress.IPv6Address(host)}]"
        except ValueError:
            return None
    if not host.isascii():
        return clean_domain(host)
    return host if _HOST.match(host) else None


def _database_url(value: str) -> str:
    if value in {"sqlite:///", "sqlite:///:memory:"}:
        raise SettingsError(f"{PREFIX}DATABASE_URL must name a file: a database in memory is gone at the next start.")
    if not value.startswith(("sqlite:///", "postgresql://", "postgres://")):
        raise SettingsError(f"{PREFIX}DATABASE_URL must start with sqlite:/// or postgresql://.")
    url = f"postgresql://{value.removeprefix('postgres://')}" if value.startswith("postgres://") else value
    try:
        check_url(url)
    except ValueError:
        # Without the error, which quotes a part of the address: it may be one of the password.
        raise SettingsError(
            f"{PREFIX}DATABASE_URL can't be read. Write postgresql://user:password@host:5432/database, an @ in the"
            " password as %40, and after a ? only what libpq knows, such as sslmode=require."
        ) from None
    return url


def _secret_key(values: Mapping[str, str], toml_path: Path) -> str:
    secret, path = values.get("SECRET_KEY", ""), values.get("SECRET_KEY_FILE", "")
    if secret and path:
        raise SettingsError(
            f"Set {PREFIX}SECRET_KEY or {PREFIX}SECRET_KEY_FILE, not both; secret_key in vestibule.toml counts, too."
        )
    if path:
        try:
            secret = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{PREFIX}SECRET_KEY_FILE can't be read: {error}.") from error
    if not secret:
        raise SettingsError(
            f"Set {PREFIX}SECRET_KEY to the one that this install began with; a new install gets one by: vestibule init."
            f"{_elsewhere(toml_path)}"
        )
    if len(secret) < MIN_SECRET_LENGTH or len(set(secret)) < 10:
        raise SettingsError(f"{PREFIX}SECRET_KEY must be {MIN_SECRET_LENGTH} random characters or more.")
    return secret


def _networks(value: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(entry.strip()) for entry in value.split(",") if entry.strip())
    except ValueError as error:
        raise SettingsError(
            f"{PREFIX}TRUSTED_PROXIES must be addresses or networks, separated by commas: {error}."
        ) from error


def _log_level(value: str) -> str:
    if value.lower() not in {"debug", "info", "warning", "error"}:
        raise SettingsError(f"{PREFIX}LOG_LEVEL must be debug, info, warning or error.")
    return value.lower()


def _flag(key: str, values: Mapping[str, str]) -> bool:
    value = values.get(key, "false").lower()
    if value not in {"true", "false", "1", "0", "yes", "no"}:
        raise SettingsError(f"{PREFIX}{key} must be true or false.")
    return value in {"true", "1", "yes"}
