"""A real SMTP server on loopback that takes mail, or refuses it as told."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult


@dataclass
class Mailbox:
    """What arrived, and what the server answers next: `refusals` are used up first."""

    mails: list[EmailMessage] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    port: int = 0

    async def handle_DATA(self, _: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802 - the name that aiosmtpd calls
        """Take a mail, or refuse it."""
        if self.refusals:
            return self.refusals.pop(0)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        self.encrypted.append(session.ssl is not None)
        return "250 taken"

    def authenticate(self, _: SMTP, __: Any, ___: Any, ____: str, data: Any) -> AuthResult:
        """Let in whoever knows the password `s3cret/with+signs`."""
        self.signed_in.append(data.login.decode())
        return AuthResult(success=data.password == b"s3cret/with+signs")


@contextmanager
def smtp_server(context: ssl.SSLContext | None = None, *, implicit_tls: bool = False) -> Iterator[Mailbox]:
    """Run the server in a thread; with a context it offers STARTTLS, or speaks TLS from the first byte."""
    mailbox = Mailbox()
    loop = asyncio.new_event_loop()

    def session() -> SMTP:
        starttls = context if not implicit_tls else None
        return SMTP(
            mailbox,
            loop=loop,
            authenticator=mailbox.authenticate,
            auth_require_tls=False,
            tls_context=starttls,
            require_starttls=starttls is not None,
        )

    # In a thread from the start: the browser of journeys keeps a loop running in the main one.
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    starting = loop.create_server(session, "127.0.0.1", 0, ssl=context if implicit_tls else None)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(20)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


async def _close(server: asyncio.Server) -> None:
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
