"""Runs inside the peers' own environment, so it imports nothing of ours: scim2-server in memory under uvicorn.

python guest_scim2_server.py PORT BODIES_FILE IDS_FILE: makes the users of the file (JSON), puts all but the last tenth of them into
one group, writes {"users": […], "group": …}, and serves until it is ended. It asks for no token.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import uvicorn
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage
from scim2_server.utils import load_default_provider


async def post(app: ASGIApplication, path: str, body: dict[str, Any]) -> Any:
    """Send a POST to the application as a server would; return the resource that it made."""
    answered: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        answered.append(message)

    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/scim+json")]
    scope = {"type": "http", "scheme": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    await app(scope, receive, send)
    if answered[0]["status"] != 201:
        raise SystemExit(f"scim2-server made nothing of {path}: {answered}")
    return json.loads(b"".join(one.get("body", b"") for one in answered[1:]))


async def fill(app: ASGIApplication, bodies: list[dict[str, Any]]) -> dict[str, Any]:
    """Make the users and the group."""
    users = [(await post(app, "/v2/Users", body))["id"] for body in bodies]
    members = [{"value": one} for one in users[: len(users) * 9 // 10]]
    group = await post(app, "/v2/Groups", {"displayName": "Everybody here", "members": members})
    return {"users": users, "group": group["id"]}


def main() -> None:
    """Fill it, say so, and serve."""
    port, bodies, ids = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    app = ASGIApplication(AsyncInMemoryStorage(), load_default_provider())
    made = asyncio.run(fill(app, json.loads(bodies.read_text())))
    part = ids.with_suffix(".part")
    part.write_text(json.dumps(made))
    part.replace(ids)
    uvicorn.run(app, port=port, log_level="warning", access_log=False)


main()
