"""nginx, Caddy and Traefik before a tiny app, set up by the recipes that the console and the how-to pages show."""

from __future__ import annotations

import http.server
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.served import settled_port
from tests.support.tools import tool
from vestibule.web.pages import template_environment
from vestibule.web.recipes import filled_in

START_SECONDS = 60
_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{server}
}}
"""
_CADDY = """{{
	admin off
	auto_https off
	storage file_system {folder}/storage
}}
{site}
"""
# Its recipe is a file of the dynamic configuration; the name of the entry point is all that the two share.
_TRAEFIK = """
entryPoints:
  websecure:
    address: "127.0.0.1:{port}"
providers:
  file:
    filename: {folder}/dynamic.yaml
    watch: false
global:
  checkNewVersion: false
  sendAnonymousUsage: false
"""


@dataclass
class Upstream:
    """The app: it knows nobody, and shows what it was told. `seen` are the headers of each request as they came, in order."""

    port: int = 0
    seen: list[list[tuple[str, str]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Return where the proxy finds it."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Guarded:
    """An app at a host of its own, behind a proxy."""

    host: str
    port: int
    upstream: Upstream

    @property
    def origin(self) -> str:
        """Return how browsers reach it: a name below `localhost` is this machine to them."""
        return f"http://{self.host}"

    def client(self) -> httpx.Client:
        """Return a client that speaks to the proxy as for the app's host."""
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers={"Host": self.host}, timeout=30)


Proxy = Callable[[Path, int, dict[str, str]], list[str]]


def _nginx(folder: Path, port: int, values: dict[str, str]) -> list[str]:
    server = _recipe("nginx.conf", **values, listen=f"127.0.0.1:{port}")
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, server=server))
    return [tool("nginx"), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log"), "-p", str(folder)]


def _caddy(folder: Path, port: int, values: dict[str, str]) -> list[str]:
    site = _recipe("Caddyfile", **values, address=f"http://{values['host']}")
    assert values["host"].endswith(f":{port}")
    (folder / "Caddyfile").write_text(_CADDY.format(folder=folder, site=site))
    return [tool("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def _traefik(folder: Path, port: int, values: dict[str, str]) -> list[str]:
    dynamic = _recipe("traefik.yaml", **values, name="wiki", hostname=values["host"].partition(":")[0])
    (folder / "dynamic.yaml").write_text(dynamic)
    (folder / "traefik.yaml").write_text(_TRAEFIK.format(folder=folder, port=port))
    return [str(Path(sys.executable).with_name("traefik")), f"--configFile={folder / 'traefik.yaml'}"]


PROXIES: dict[str, Proxy] = {"nginx": _nginx, "caddy": _caddy, "traefik": _traefik}


def _recipe(template: str, **values: str) -> str:
    """Return a recipe with values, as the console shows it but for the certificates."""
    return filled_in(template_environment(), template, values, tls=False)


@contextmanager
def guarded(kind: str, public_url: str, environment: str = "dev", name: str = "wiki") -> Iterator[Guarded]:
    """Run an app behind a proxy that asks the server at `public_url`; its host has still to be registered."""
    port = settled_port()
    host = f"{name}.localhost:{port}"
    with upstream() as app, tempfile.TemporaryDirectory(prefix="vestibule-proxy-") as folder_name:
        folder = Path(folder_name)
        folder.chmod(0o711)
        values = {
            "public_url": public_url,
            "environment": environment,
            "host": host,
            "scheme": "http",
            "upstream": app.url,
        }
        command = PROXIES[kind](folder, port, values)
        with (folder / "log.txt").open("wb") as log:
            environ = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "XDG_DATA_HOME": str(folder)}
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ)
        try:
            _wait(process, port, host, folder)
            yield Guarded(host, port, app)
        finally:
            process.terminate()
            process.wait(timeout=20)


@contextmanager
def upstream() -> Iterator[Upstream]:
    """Run the app behind the proxy."""
    app = Upstream()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            app.seen.append(list(self.headers.items()))
            if self.headers.get("Upgrade"):
                self._switch()
                return
            told = {
                name: value for name, value in self.headers.items() if name.lower().startswith(("remote", "x-vest"))
            }
            rows = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in told.items())
            page = f'<!doctype html><title>The app</title><link rel="icon" href="data:,"><h1>{self.path}</h1><dl>{rows}</dl>'
            body = page.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def _switch(self) -> None:
            """Change to whatever was asked for, and give back what is said then."""
            self.send_response(101)
            self.send_header("Upgrade", self.headers["Upgrade"])
            self.send_header("Connection", "Upgrade")
            self.end_headers()
            self.wfile.write(self.rfile.read(5))
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    app.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield app
    finally:
        server.shutdown()
        server.server_close()


def _wait(process: subprocess.Popen[bytes], port: int, host: str, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": host}, timeout=5)
            # Traefik listens before it has read what is behind it, and says so in its own words.
            if answer.text.strip() == "404 page not found" and time.monotonic() < deadline:
                time.sleep(0.05)
                continue
        except httpx.HTTPError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                said = "\n".join(path.read_text(errors="replace") for path in folder.glob("*.[lt][ox][gt]"))
                raise AssertionError(f"the proxy did not start:\n{said}") from error
            time.sleep(0.05)
        else:
            return
