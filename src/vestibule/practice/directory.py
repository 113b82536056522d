"""The practice directory: pushes its people to a SCIM service provider on this machine, one product's way at a time.

Owns where to push, the token, what each product knows of its person, and the last exchanges. Keeps all of it in memory.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

import httpcore

from vestibule.practice.directories import VENDORS
from vestibule.practice.directories.talk import Account, Answer, Sent, Step, Talk, Vendor
from vestibule.practice.errors import AnswerUnexpected, NoTarget, StepNotNow, TargetNotLocal, TokenUnusable
from vestibule.practice.loopback import is_loopback_url

_TIMEOUT: Final = {"connect": 5.0, "read": 20.0, "write": 10.0, "pool": 5.0}
_MOST_ANSWER: Final = 512 * 1024
_KEPT: Final = 40
_MOST_SHOWN: Final = 6000
_UNKNOWN: Final = 404
# A directory follows no redirect: what was sent has not arrived.
_FAILED: Final = 300
_SECRET_NAMES: Final = frozenset({"password", "token", "secret"})
_DOTS: Final = "••••••••"


@dataclass(frozen=True, slots=True)
class Target:
    """Where to push, with which token."""

    base_url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, as the page shows them: bounded, without secrets."""

    method: str
    path: str
    sent: str
    status: int
    answered: str

    @property
    def failed(self) -> bool:
        """Say whether the service provider refused it."""
        return self.status >= _FAILED


@dataclass(slots=True)
class Desk:
    """What one product's directory holds at the moment."""

    vendor: Vendor
    account: Account
    exchanges: deque[Exchange] = field(default_factory=lambda: deque(maxlen=_KEPT))
    outcome: str = ""
    went_through: bool = True

    def possible(self, step: Step) -> bool:
        """Say whether a step follows from where the person is."""
        if step is Step.CREATE:
            return not self.account.user_id
        if step is Step.REHIRE:
            return bool(self.account.user_id) and not self.account.active
        return self.account.active

    @property
    def state(self) -> str:
        """Return where the person is, in a sentence's words."""
        if not self.account.user_id:
            return "not pushed yet"
        return f"active, in {self.account.group}" if self.account.active else "deactivated"


class PracticeDirectory:
    """Plays every product in turn. Steps are taken one after the other, whoever clicks."""

    def __init__(self) -> None:
        self.target: Target | None = None
        self.desks: dict[str, Desk] = {}
        self._lock = threading.Lock()
        self._forget()

    def aim(self, base_url: str, token: str) -> None:
        """Push from now on to an untrusted `base_url`, with a token. What was pushed elsewhere is forgotten.

        Raises TargetNotLocal, TokenUnusable.
        """
        base_url, token = base_url.strip().rstrip("/"), token.strip()
        if not is_loopback_url(base_url) or not base_url.isascii() or "?" in base_url:
            raise TargetNotLocal(f"base URL {base_url[:200]!r}")
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise TokenUnusable("empty, or with characters that no header carries")
        with self._lock:
            self.target = Target(base_url, token)
            self._forget()

    def take(self, desk: Desk, step: Step) -> None:
        """Send what the product sends in a step; what came of it stands in the desk. Blocks. Raises NoTarget, StepNotNow."""
        with self._lock:
            if self.target is None:
                raise NoTarget("nobody entered one")
            if not desk.possible(step) or self.desks.get(desk.vendor.key) is not desk:
                raise StepNotNow(f"{step} of a person who is {desk.state}")
            account, name = desk.account, desk.account.name
            if step is Step.RENAME:
                first, second = desk.vendor.person.name, desk.vendor.renamed
                desk.account.name = second if desk.account.name == first else first
            with httpcore.ConnectionPool(retries=0) as pool:
                talk = desk.vendor.steps[step](desk.account)
                desk.went_through, desk.outcome = self._converse(pool, self.target, desk, talk)
            if not desk.went_through:
                account.name = name

    def _converse(self, pool: httpcore.ConnectionPool, target: Target, desk: Desk, talk: Talk) -> tuple[bool, str]:
        number = 0
        try:
            sent = next(talk)
            while True:
                answer = _send(pool, target, desk.vendor.media_type, sent)
                number += 1
                desk.exchanges.appendleft(_shown(sent, answer, target.token))
                if answer.status == _UNKNOWN and desk.account.user_id:
                    desk.account = desk.vendor.account()
                    return False, "The service provider does not know this any more. The next push begins anew: create."
                if answer.status >= _FAILED:
                    detail = answer.detail.replace(target.token, _DOTS)
                    said = f"The service provider refused request {number} with {answer.status}. {detail}"
                    return False, said.strip()
                sent = talk.send(answer)
        except StopIteration:
            return True, f"Done: {number} {'request' if number == 1 else 'requests'}."
        except AnswerUnexpected as error:
            return False, str(error)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError):
            return False, "The service provider can’t be reached."

    def _forget(self) -> None:
        self.desks = {vendor.key: Desk(vendor, vendor.account()) for vendor in VENDORS}


def _send(pool: httpcore.ConnectionPool, target: Target, media_type: str, sent: Sent) -> Answer:
    headers = [(b"Authorization", b"Bearer " + target.token.encode("ascii")), (b"Accept", media_type.encode("ascii"))]
    content = None
    if sent.body is not None:
        content = json.dumps(sent.body).encode()
        headers.append((b"Content-Type", f"{media_type}; charset=utf-8".encode("ascii")))
    with pool.stream(
        sent.method, target.base_url + sent.path, headers=headers, content=content, extensions={"timeout": _TIMEOUT}
    ) as response:
        body = bytearray()
        for part in response.iter_stream():
            body += part
            if len(body) > _MOST_ANSWER:
                raise AnswerUnexpected("too long")
        return Answer(response.status, _read(bytes(body)))


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        read = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _shown(sent: Sent, answer: Answer, token: str) -> Exchange:
    # A filter is for reading here, so without the escapes that it travels with.
    return Exchange(
        sent.method, unquote(sent.path), _pretty(sent.body), answer.status, _pretty(answer.body).replace(token, _DOTS)
    )


def _pretty(body: Mapping[str, Any] | None) -> str:
    if not body:
        return ""
    shown = {name: _DOTS if name.casefold() in _SECRET_NAMES else value for name, value in body.items()}
    text = json.dumps(shown, indent=2, ensure_ascii=False)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}\n…"
