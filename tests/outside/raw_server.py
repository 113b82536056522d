"""A server that says exactly the bytes that a test wants, over TCP or TLS, one connection after the other."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Say = Callable[[socket.socket], None]


@dataclass
class RawServer:
    """What was asked of the server: the head of each request."""

    port: int
    heads: list[str] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)

    def url(self, path: str = "/", scheme: str = "http", host: str = "127.0.0.1") -> str:
        """Return an address of the server."""
        return f"{scheme}://{host}:{self.port}{path}"


def saying(*parts: bytes) -> Say:
    """Return a script: say the parts, then close."""

    def say(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return say


def document(body: bytes, *headers: str) -> bytes:
    """Return an answer of 200 with a body."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", "Content-Type: application/xml", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def redirect(location: str, status: int = 302) -> bytes:
    """Return an answer that leads elsewhere."""
    return f"HTTP/1.1 {status} Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")


@contextmanager
def raw_server(*scripts: Say, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Serve on loopback: each connection gets the next script, the last one again and again."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = RawServer(listening.getsockname()[1])
    stopping = threading.Event()

    def serve() -> None:
        served = 0
        while not stopping.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            script = scripts[min(served, len(scripts) - 1)]
            served += 1
            try:
                connection = tls.wrap_socket(connection, server_side=True) if tls else connection
                server.heads.append(_read_head(connection))
                script(connection)
            except OSError as error:
                server.faults.append(error)
            finally:
                with contextlib.suppress(OSError):
                    connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        stopping.set()
        # Closing alone does not wake an accept() on Linux.
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(timeout=30)


def _read_head(connection: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head and (received := connection.recv(65536)):
        head += received
    return head.decode("latin-1")


def tls_contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a context for a server on loopback and localhost, and one for clients that trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "loopback.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    return serving, ssl.create_default_context(cafile=str(path))
