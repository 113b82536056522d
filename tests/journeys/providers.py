"""The identity providers that journeys share: each started when first asked for, once in a test process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field

from tests.idps import RunningIdp, ServiceProvider, practice_idp, pysaml2_idp, samlp_idp
from vestibule.practice.people import PEOPLE as PRACTICE_PEOPLE

_STARTS: dict[str, Callable[[], AbstractContextManager[RunningIdp]]] = {
    "practice": practice_idp,
    "pysaml2": lambda: pysaml2_idp(signs="response"),
    "pysaml2, signed requests": lambda: pysaml2_idp(wants_signed_requests=True),
    "pysaml2, logout by redirect": lambda: pysaml2_idp(logs_out="redirect"),
    "pysaml2, logout by post": lambda: pysaml2_idp(logs_out="post"),
    "samlp, assertion signed": lambda: samlp_idp(signs="assertion"),
    "samlp, both signed": samlp_idp,
    "samlp, logout by redirect": lambda: samlp_idp(logs_out="redirect"),
    "samlp, logout by post": lambda: samlp_idp(logs_out="post"),
    "samlp, AES-256-GCM": lambda: samlp_idp(encrypts="aes256-gcm"),
    "samlp, AES-256-CBC": lambda: samlp_idp(signs="both", encrypts="aes256-cbc"),
}


@dataclass
class Providers:
    """Starts identity providers on demand, as a start costs seconds, and ends them together."""

    stack: ExitStack
    _running: dict[str, RunningIdp] = field(default_factory=dict)

    def __call__(self, kind: str) -> RunningIdp:
        """Return the running provider of this kind."""
        if kind not in self._running:
            self._running[kind] = self.stack.enter_context(_STARTS[kind]())
        return self._running[kind]


def tell(idp: RunningIdp, provider: ServiceProvider) -> None:
    """Give the two values to an identity provider; the practice one answers whoever asks and takes none."""
    if idp.people[0] not in PRACTICE_PEOPLE:
        idp.trust(provider)
