"""The real server over https on `localhost`, which is another site than the identity providers' 127.0.0.1."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.house import SECRET, Server, TestClock, free_socket, furnish, make_runtime
from vestibule.app import build_app
from vestibule.settings import Settings


@contextmanager
def serving_https(
    database_url: str,
    clock: TestClock,
    folder: Path,
    listening: socket.socket | None = None,
    base_url: str = "",
    **changes: Any,
) -> Iterator[Server]:
    """Run the server with a certificate of its own making, a furnished house behind it; `changes` are its runtime's."""
    certificate, key = _write_certificate(folder)
    listening = listening or free_socket()
    base_url = base_url or f"https://localhost:{listening.getsockname()[1]}"
    runtime = make_runtime(database_url, clock, base_url, **changes)
    house = furnish(runtime, clock)
    settings = Settings(public_url=base_url, database_url=database_url, secret_key=SECRET, data_dir=folder)
    config = uvicorn.Config(
        build_app(settings, runtime),
        log_level="warning",
        access_log=False,
        ssl_certfile=str(certificate),
        ssl_keyfile=str(key),
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield Server(base_url, house)
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listening.close()
        runtime.database.close()


def _write_certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "tls.pem", folder / "tls.key"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_path, key_path
