"""Logs: JSON lines, or coloured lines at a terminal. Owns the format and the redaction; what is logged is said where it happens."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, TextIO, cast

import structlog
from structlog.typing import Processor

REDACTED: Final = "[redacted]"
# A key that contains one of these words holds a secret, however it is written: SAMLResponse, set-cookie, new_password.
_SECRET_WORDS: Final = ("password", "token", "samlresponse", "secret", "cookie", "authorization")
# What may carry a secret inside a longer text: a password in an address, a one-time link, a header or form field as sent.
_SECRET_TEXTS: Final = (
    re.compile(r"(?<=://)[^/\s@:]*:[^/\s@]+(?=@)"),
    re.compile(r"(?<=/link/)[A-Za-z0-9_-]{20,}"),
    re.compile(r"(?i)(?<=samlresponse=)[^&\s\"']+"),
    re.compile(r"(?i)(?<=bearer )[A-Za-z0-9._~+/=-]{8,}"),
)
# What none of those can be without. Most texts have none of it, and every request writes several.
_SUSPICIOUS: Final = re.compile(r"(?i)://|/link/|samlresponse=|bearer ")
_encode: Final = json.JSONEncoder(ensure_ascii=False, default=str).encode


def set_up_logs(level: str, stream: TextIO | None = None) -> None:
    """Send every log of this process (ours, uvicorn's, any library's) to `stream`, standard error unless given.

    JSON, one object a line; a terminal gets lines for people. `level` is debug, info, warning or error.
    """
    target = sys.stderr if stream is None else stream
    out = cast("TextIO", _Unfailing(target))
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=True)
        if target.isatty()
        else structlog.processors.JSONRenderer(lambda event, **_: _encode(event))
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # Libraries speak up from warning on: at debug they print headers and statements, which are full of secrets.
    root.setLevel(max(number, logging.WARNING))
    logging.getLogger("uvicorn.error").setLevel(max(number, logging.INFO))


class _Unfailing:
    """A stream whose failures nobody feels: a full disk behind the log must refuse no sign-in, nor end the worker."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write what can be written."""
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        """Hand over what can be handed over."""
        with suppress(OSError):
            self._stream.flush()


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what stands under a secret's name, or looks like a secret inside a text. A processor of structlog.

    A number stays: it counts the tokens of somebody, and none is a number.
    """
    for key, value in event.items():
        event[key] = _redacted(key, value)
    return event


def _redacted(key: str, value: Any) -> Any:
    if value is not None and not isinstance(value, int) and _names_a_secret(key):
        return REDACTED
    if isinstance(value, str):
        if _SUSPICIOUS.search(value):
            for pattern in _SECRET_TEXTS:
                value = pattern.sub(REDACTED, value)
        return value
    if isinstance(value, Mapping):
        return {inner: _redacted(str(inner), one) for inner, one in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted("", one) for one in value]
    return value


@lru_cache(maxsize=512)
def _names_a_secret(key: str) -> bool:
    plain = key.lower().replace("_", "").replace("-", "")
    return any(word in plain for word in _SECRET_WORDS)
