"""Configuration: environment variables and `vestibule.toml`, read once into one frozen value. Holds no defaults for secrets."""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from vestibule.kernel.errors import VestibuleError

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
    }
)
MIN_SECRET_LENGTH: Final = 32
_LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}


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
    database_url: str
    secret_key: str
    data_dir: Path
    smtp_url: str | None = None
    mail_from: str | None = None
    trusted_proxies: tuple[Network, ...] = ()
    log_level: str = "info"
    metadata_allow_http: bool = False
    metadata_allow_private: bool = False

    @property
    def https(self) -> bool:
        """Say whether browsers reach this server by https."""
        return self.public_url.startswith("https://")


def load_settings(environ: Mapping[str, str] | None = None, toml_path: Path | None = None) -> Settings:
    """Read the settings; environment variables win over `vestibule.toml` in the data folder (or `toml_path`).

    Raises SettingsError with one sentence that says what to do.
    """
    environment = os.environ if environ is None else environ
    values = {key.removeprefix(PREFIX): value for key, value in environment.items() if key.startswith(PREFIX)}
    # The test suite's own variables share the prefix.
    values = {key: value for key, value in values.items() if not key.startswith("TEST_")}
    data_dir = Path(values.get("DATA_DIR") or "vestibule-data")
    path = toml_path or data_dir / "vestibule.toml"
    values = {**_from_toml(path), **values}
    unknown = sorted(set(values) - KEYS)
    if unknown:
        raise SettingsError(f"Unknown setting {PREFIX}{unknown[0]}. Known: {', '.join(sorted(KEYS))}.")
    data_dir = Path(values.get("DATA_DIR") or data_dir).absolute()
    return Settings(
        public_url=_public_url(values.get("PUBLIC_URL", "")),
        database_url=_database_url(values.get("DATABASE_URL") or f"sqlite:///{data_dir / 'vestibule.db'}"),
        secret_key=_secret_key(values),
        data_dir=data_dir,
        smtp_url=values.get("SMTP_URL") or None,
        mail_from=values.get("MAIL_FROM") or None,
        trusted_proxies=_networks(values.get("TRUSTED_PROXIES", "")),
        log_level=_log_level(values.get("LOG_LEVEL", "info")),
        metadata_allow_http=_flag("METADATA_ALLOW_HTTP", values),
        metadata_allow_private=_flag("METADATA_ALLOW_PRIVATE", values),
    )


def _from_toml(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        loaded = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    return {key.upper().removeprefix(PREFIX): str(value).lower() if isinstance(value, bool) else str(value) for key, value in loaded.items()}


def _public_url(value: str) -> str:
    if not value:
        raise SettingsError(f"Set {PREFIX}PUBLIC_URL to the address that people type, such as https://sso.example.com.")
    parts = urlsplit(value.rstrip("/"))
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query or parts.username:
        raise SettingsError(f"{PREFIX}PUBLIC_URL must be a scheme and a host only, such as https://sso.example.com.")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise SettingsError(f"{PREFIX}PUBLIC_URL must start with https:// (http is for loopback only).")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _database_url(value: str) -> str:
    if value.startswith(("sqlite:///", "postgresql://", "postgres://")):
        return value.replace("postgres://", "postgresql://", 1) if value.startswith("postgres://") else value
    raise SettingsError(f"{PREFIX}DATABASE_URL must start with sqlite:/// or postgresql://.")


def _secret_key(values: Mapping[str, str]) -> str:
    secret, path = values.get("SECRET_KEY", ""), values.get("SECRET_KEY_FILE", "")
    if secret and path:
        raise SettingsError(f"Set {PREFIX}SECRET_KEY or {PREFIX}SECRET_KEY_FILE, not both.")
    if path:
        try:
            secret = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"{PREFIX}SECRET_KEY_FILE can't be read: {error}.") from error
    if not secret:
        raise SettingsError(f"Set {PREFIX}SECRET_KEY, or run `vestibule init` to write a configuration with a fresh one.")
    if len(secret) < MIN_SECRET_LENGTH or len(set(secret)) < 10:
        raise SettingsError(f"{PREFIX}SECRET_KEY must be {MIN_SECRET_LENGTH} random characters or more.")
    return secret


def _networks(value: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(entry.strip()) for entry in value.split(",") if entry.strip())
    except ValueError as error:
        raise SettingsError(f"{PREFIX}TRUSTED_PROXIES must be addresses or networks, separated by commas: {error}.") from error


def _log_level(value: str) -> str:
    if value.lower() not in {"debug", "info", "warning", "error"}:
        raise SettingsError(f"{PREFIX}LOG_LEVEL must be debug, info, warning or error.")
    return value.lower()


def _flag(key: str, values: Mapping[str, str]) -> bool:
    value = values.get(key, "false").lower()
    if value not in {"true", "false", "1", "0", "yes", "no"}:
        raise SettingsError(f"{PREFIX}{key} must be true or false.")
    return value in {"true", "1", "yes"}
