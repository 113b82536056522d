"""An app's own server for what we tell it: keeps every form that is posted, and answers as the test wants."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs

from tests.support.loopback import serving


@dataclass
class Hearing:
    """What was posted, in order; `status` is what the next post is answered with."""

    url: str = ""
    status: int = 200
    location: str = ""
    forms: list[dict[str, list[str]]] = field(default_factory=list)
    heard: threading.Event = field(default_factory=threading.Event)

    @property
    def tokens(self) -> list[str]:
        return [form["logout_token"][0] for form in self.forms]


@contextmanager
def hearing() -> Iterator[Hearing]:
    """Run the server on loopback."""
    kept = Hearing()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            kept.forms.append(parse_qs(body))
            self.send_response(kept.status)
            if kept.location:
                self.send_header("Location", kept.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
            kept.heard.set()

    with serving(Handler) as origin:
        kept.url = f"{origin}/backchannel"
        yield kept
