"""Telling an app something at an address of its own: one guarded POST of a form. Of the answer only the status is read."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import ClassVar, Final
from urllib.parse import urlencode

import httpcore

from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import N_, printable
from vestibule.outside.fetching import Address, FetchRefused, parse_address, require_allowed
from vestibule.outside.guarding import Bounds, GuardedBackend, NotPublic, system_trust

TIMEOUT_SECONDS: Final = 5.0
_MAX_BYTES: Final = 64 * 1024
# An app that has nothing to say may answer 204 (OpenID Connect Back-Channel Logout 1.0, 2.8).
_TAKEN: Final = frozenset({200, 204})


class NotTold(VestibuleError):
    """The app could not be reached, or did not take it. The reason is safe to show to the admins who run the app."""

    code: ClassVar[str] = "app_not_told"
    public = N_("The app could not be told.")


class Teller:
    """Posts forms: https unless allowed otherwise, to public addresses only unless allowed, within five seconds, following nothing."""

    def __init__(self, *, allow_http: bool, allow_private: bool, ssl_context: ssl.SSLContext | None = None) -> None:
        self._allow_http = allow_http
        self._allow_private = allow_private
        self._ssl = ssl_context or system_trust()

    def __call__(self, url: str, form: Mapping[str, str], /) -> None:
        """Post a form to an address that an admin, or an app that registered itself, named (untrusted). Raises NotTold.

        A redirect counts as a refusal: it would carry the token to whom nobody named.
        """
        bounds = Bounds(TIMEOUT_SECONDS, _MAX_BYTES)
        backend = GuardedBackend(bounds, allow_private=self._allow_private)
        try:
            address = parse_address(url)
            require_allowed(address, allow_http=self._allow_http)
            with httpcore.ConnectionPool(ssl_context=self._ssl, network_backend=backend, max_connections=1) as pool:
                status = _post(pool, address, urlencode(form).encode())
        except NotPublic as error:
            raise NotTold("the address is in a private network, which this server does not reach into") from error
        except FetchRefused as error:
            raise NotTold(f"{error.code}: the address may not be asked") from error
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError, ValueError) as error:
            raise NotTold(f"{type(error).__name__}: {printable(str(error), 200)}") from error
        if status not in _TAKEN:
            raise NotTold(f"the app answered with status {status}")


def _post(pool: httpcore.ConnectionPool, address: Address, body: bytes) -> int:
    url = httpcore.URL(
        scheme=address.scheme.encode(), host=address.host.encode(), port=address.port, target=address.target.encode()
    )
    headers: dict[bytes | str, bytes | str] = {
        "Host": address.authority,
        "User-Agent": "Vestibule",
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
        "Accept-Encoding": "identity",
    }
    # Only the head is read: a body that never ends keeps nobody waiting.
    with pool.stream("POST", url, headers=headers, content=body) as response:
        return response.status
