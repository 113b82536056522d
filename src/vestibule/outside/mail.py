"""Mail: one SMTP server, reached with TLS. Owns the configuration's address and the sending; texts are `outside/letters`."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import N_, clean_email

TIMEOUT_SECONDS: Final = 20
_PORTS: Final = {"smtp": 587, "smtps": 465}
_SHAPE: Final = (
    "smtp://user:password@host:587 (STARTTLS), smtps://user:password@host:465, or smtp://host:25?starttls=off"
)


class MailAddressInvalid(VestibuleError):
    """The configured SMTP address or sender can't be used. The sentence is for the operator."""

    code = "mail_address_invalid"

    def __str__(self) -> str:
        return self.reason


class MailNotSent(VestibuleError):
    """The SMTP server could not be reached, or did not take the mail."""

    code = "mail_not_sent"
    public = N_("The mail could not be sent.")


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person. `message_id` is the same at every attempt, so that a repeated one can be told."""

    to_email: str
    to_name: str
    subject: str
    text: str
    html: str
    message_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over. `starttls` is not a wish: a server without it is refused."""

    host: str
    port: int
    tls: bool
    starttls: bool
    user: str = ""
    password: str = field(default="", repr=False)


def parse_smtp_url(url: str) -> SmtpServer:
    """Return the server that `VESTIBULE_SMTP_URL` names. Raises MailAddressInvalid with the shapes that work."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise MailAddressInvalid(f"VESTIBULE_SMTP_URL is not an address. Use {_SHAPE}.") from error
    options = dict(parse_qsl(parts.query))
    starttls = options.pop("starttls", "required")
    if (
        parts.scheme not in _PORTS
        or not parts.hostname
        or parts.path.strip("/")
        or options
        or starttls not in {"required", "off"}
    ):
        raise MailAddressInvalid(f"VESTIBULE_SMTP_URL can’t be used. Use {_SHAPE}.")
    tls = parts.scheme == "smtps"
    server = SmtpServer(
        parts.hostname,
        port,
        tls,
        not tls and starttls == "required",
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )
    if server.user and not (server.tls or server.starttls):
        raise MailAddressInvalid(
            "VESTIBULE_SMTP_URL would send a password in the clear. Leave out starttls=off, or the account."
        )
    return server


class Mailer:
    """Sends mail through one server. Without one it refuses, which the flows never let happen."""

    def __init__(
        self, smtp_url: str | None, mail_from: str | None, public_url: str, context: ssl.SSLContext | None = None
    ) -> None:
        self.server = parse_smtp_url(smtp_url) if smtp_url else None
        host = urlsplit(public_url).hostname or "localhost"
        self._sender = (
            _address("Vestibule", _sender(mail_from)) if mail_from else Address("Vestibule", "vestibule", host)
        )
        self._domain = host
        self._context = context

    def __call__(self, mail: Mail) -> None:
        """Hand a mail over. Raises MailNotSent; whatever was the reason, it may be tried again."""
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = _address(mail.to_name, mail.to_email)
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(mail.at)
        message["Message-ID"] = f"<{mail.message_id}@{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        try:
            with self._connect() as smtp:
                smtp.send_message(message)
        except (smtplib.SMTPException, OSError) as error:
            raise MailNotSent(f"{type(error).__name__}: {error}") from error

    def check(self) -> None:
        """Connect, encrypt and sign in as for a mail, without sending one. Raises MailNotSent."""
        try:
            with self._connect() as smtp:
                smtp.noop()
        except (smtplib.SMTPException, OSError) as error:
            raise MailNotSent(f"{type(error).__name__}: {error}") from error

    def _connect(self) -> smtplib.SMTP:
        server = self.server
        if server is None:
            raise MailNotSent("no VESTIBULE_SMTP_URL")
        context = self._context or ssl.create_default_context()
        if server.tls:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
        try:
            if server.starttls:
                smtp.starttls(context=context)
            if server.user:
                smtp.login(server.user, server.password)
        except BaseException:
            smtp.close()
            raise
        return smtp


def _sender(mail_from: str) -> str:
    address = clean_email(mail_from)
    if address is None:
        raise MailAddressInvalid("VESTIBULE_MAIL_FROM must be an e-mail address, such as sso@example.com.")
    return address


def _address(name: str, email: str) -> Address:
    local, _, domain = email.rpartition("@")
    return Address(name, local, domain)
