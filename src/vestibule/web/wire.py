"""Limits on the wire, before there is a request: how long its head may take and how large it may grow.

uvicorn collects headers without an end, and waits for them for ever; a stranger with a few connections could fill the
memory. What is known of a whole request is judged in `web.middleware`.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES: Final = 128 * 1024
HEAD_SECONDS: Final = 20.0


class CarefulProtocol(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, to clients that come to the point."""

    _waits_for_head = True
    _has_begun = False
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn does
        """Begin to wait: a connection that says nothing is not kept."""
        super().connection_made(transport)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        """Take what comes; end the connection when it is still not a whole head after MAX_HEAD_BYTES."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._waits_for_head and (self._has_begun or self._head_bytes):
            # Most heads are whole by now, and need no timer.
            if self._head_timer is None:
                self._start_timer()
            if self._head_bytes > MAX_HEAD_BYTES:
                self._give_up()

    def on_message_begin(self) -> None:
        """Begin to count the next head; what stands before it in the same piece of data is not counted."""
        super().on_message_begin()
        self._has_begun = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Stop waiting: the request is whole enough to be judged."""
        self._waits_for_head = self._has_begun = False
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for the next request; until its first byte, uvicorn's keep-alive time counts."""
        super().on_message_complete()
        self._waits_for_head = True
        self._head_bytes = 0

    def _should_upgrade_to_ws(self) -> bool:
        """Answer what asks for a WebSocket like any other request, whatever is installed: Caddy hands its headers to forward-auth."""
        return False

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: to uvicorn each is worth two lines of the log, with the advice to install what nobody needs here."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._stop_timer()
        if self._waits_for_head and not self.transport.is_closing():
            self.transport.close()
