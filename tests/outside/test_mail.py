"""Sending mail to a real SMTP server: encryption is not a wish, headers can't be broken out of, failures can be tried again."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.mail import smtp_server
from vestibule.outside.mail import Mail, MailAddressInvalid, Mailer, MailNotSent, SmtpServer, parse_smtp_url

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
URL = "https://sso.example.com"


def mail(**changes: object) -> Mail:
    values = {
        "to_email": "ines@example.com",
        "to_name": "Inês Duarte",
        "subject": "Grüße",
        "text": "Hello\n",
        "html": "<p>Hello</p>",
        "message_id": "job_1",
        "at": AT,
    }
    return Mail(**{**values, **changes})  # type: ignore[arg-type] # because the test spells the fields


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Give a server's context with a certificate for 127.0.0.1, and a client's that trusts it."""
    folder = tmp_path_factory.mktemp("smtp")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


def test_a_mail_arrives_with_both_texts_and_the_headers_of_a_machine() -> None:
    with smtp_server() as box:
        Mailer(f"smtp://127.0.0.1:{box.port}?starttls=off", "sso@example.com", URL)(mail())
    (arrived,) = box.mails
    assert str(arrived["From"]) == "Vestibule <sso@example.com>"
    assert str(arrived["To"]) == "Inês Duarte <ines@example.com>"
    assert str(arrived["Subject"]) == "Grüße"
    assert str(arrived["Message-ID"]) == "<job_1@sso.example.com>"
    assert str(arrived["Auto-Submitted"]) == "auto-generated"
    assert [part.get_content_type() for part in arrived.iter_parts()] == ["text/plain", "text/html"]


def test_starttls_and_a_sign_in_with_special_characters_work(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = contexts
    with smtp_server(server) as box:
        url = f"smtp://mail%40example.com:s3cret%2Fwith%2Bsigns@127.0.0.1:{box.port}"
        Mailer(url, None, URL, client)(mail())
    assert box.encrypted == [True]
    assert box.signed_in == ["mail@example.com"]
    assert str(box.mails[0]["From"]) == "Vestibule <vestibule@sso.example.com>"


def test_tls_from_the_first_byte_works(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = contexts
    with smtp_server(server, implicit_tls=True) as box:
        Mailer(f"smtps://127.0.0.1:{box.port}", None, URL, client)(mail())
    assert len(box.mails) == 1


def test_a_server_that_nobody_vouches_for_gets_no_mail(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    with smtp_server(contexts[0]) as box, pytest.raises(MailNotSent):
        Mailer(f"smtp://127.0.0.1:{box.port}", None, URL)(mail())
    assert box.mails == []


def test_a_server_that_offers_no_encryption_gets_no_mail_unless_it_is_switched_off() -> None:
    with smtp_server() as box:
        with pytest.raises(MailNotSent):
            Mailer(f"smtp://127.0.0.1:{box.port}", None, URL)(mail())
        assert box.mails == []


def test_a_wrong_password_is_a_failure_that_does_not_show_it(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = contexts
    with smtp_server(server) as box, pytest.raises(MailNotSent) as refused:
        Mailer(f"smtp://bo:wrong-password@127.0.0.1:{box.port}", None, URL, client)(mail())
    assert "wrong-password" not in refused.value.reason + str(refused.value)


def test_a_server_that_refuses_or_is_not_there_is_a_failure_that_may_be_tried_again() -> None:
    with smtp_server() as box:
        box.refusals = ["451 later, please"]
        send = Mailer(f"smtp://127.0.0.1:{box.port}?starttls=off", None, URL)
        with pytest.raises(MailNotSent) as refused:
            send(mail())
        assert "later, please" in refused.value.reason
        send(mail())
        send.check()
    assert len(box.mails) == 1
    with pytest.raises(MailNotSent):
        send(mail())
    with pytest.raises(MailNotSent):
        send.check()


@pytest.mark.parametrize("field", ["to_name", "subject"])
def test_a_line_break_in_a_header_sends_nothing(field: str) -> None:
    with smtp_server() as box:
        send = Mailer(f"smtp://127.0.0.1:{box.port}?starttls=off", None, URL)
        with pytest.raises((ValueError, MailNotSent)):
            send(mail(**{field: "Ines\r\nBcc: everybody@example.com"}))
    assert box.mails == []


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", SmtpServer("mail.example", 587, False, True)),
        ("smtps://u:p@mail.example", SmtpServer("mail.example", 465, True, False, "u", "p")),
        ("smtp://mail.example:25?starttls=off", SmtpServer("mail.example", 25, False, False)),
        ("smtp://[2001:db8::1]:2525?starttls=required", SmtpServer("2001:db8::1", 2525, False, True)),
    ],
)
def test_an_address_says_how_to_reach_the_server(url: str, server: SmtpServer) -> None:
    assert parse_smtp_url(url) == server
    assert "password" not in repr(server)


@pytest.mark.parametrize(
    "url",
    [
        "mail.example:25",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example:99999",
        "smtp://mail.example/path",
        "smtp://mail.example?starttls=maybe",
        "smtp://mail.example?tls=1",
        "smtp://u:p@mail.example:25?starttls=off",
    ],
)
def test_an_address_that_can_not_work_or_would_show_a_password_is_refused(url: str) -> None:
    with pytest.raises(MailAddressInvalid) as refused:
        parse_smtp_url(url)
    assert "VESTIBULE_SMTP_URL" in str(refused.value)


def test_a_sender_that_is_no_address_is_refused() -> None:
    with pytest.raises(MailAddressInvalid, match="VESTIBULE_MAIL_FROM"):
        Mailer("smtp://mail.example", "not an address", URL)


def test_without_a_server_nothing_is_sent() -> None:
    send: Callable[[Mail], None] = Mailer(None, None, URL)
    with pytest.raises(MailNotSent):
        send(mail())
