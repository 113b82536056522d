"""Offering the practice side on this machine, and on no other. Owns the listening socket and uvicorn's settings."""

from __future__ import annotations

import socket
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from vestibule.practice.errors import NotLoopback
from vestibule.practice.loopback import is_loopback_host

HOST: Final = "127.0.0.1"


def listen_on_loopback(port: int = 0, host: str = HOST) -> socket.socket:
    """Return a bound socket on a loopback `host`; port 0 takes a free one. Raises NotLoopback or OSError."""
    if not is_loopback_host(host):
        raise NotLoopback(f"host {host!r}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def base_url_of(listener: socket.socket) -> str:
    """Return the address of a bound socket as `http://127.0.0.1:port`. Raises NotLoopback for any other socket."""
    host, port = listener.getsockname()[:2]
    if not is_loopback_host(host):
        raise NotLoopback(f"socket bound to {host!r}")
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def practice_config(app: ASGIApp, listener: socket.socket) -> uvicorn.Config:
    """Return uvicorn's settings for `app` on that socket. Raises NotLoopback for a socket that others can reach.

    Run it beside other servers in one event loop with `await uvicorn.Server(config).serve(sockets=[listener])`.
    """
    host, port = listener.getsockname()[:2]
    if not is_loopback_host(host):
        raise NotLoopback(f"socket bound to {host!r}")
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,  # the one who starts it decides about logs
        access_log=False,  # addresses carry requests
        proxy_headers=False,
        server_header=False,
        lifespan="off",
    )


def practice_server(app: ASGIApp, listener: socket.socket) -> uvicorn.Server:
    """Return a server for `app`; run it with `serve(sockets=[listener])`. Raises NotLoopback like `practice_config`."""
    return uvicorn.Server(practice_config(app, listener))
