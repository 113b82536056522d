"""The how-to pages about tokens for APIs: their requests and their verification, run as they stand there against a real server.

On SQLite alone: what the endpoints do on each engine is shown by the tests of the endpoints.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt as pyjwt
import pytest

from tests.relying_parties.snippets import ISSUER, blocks, replaced
from tests.support import apps, sign_ins
from tests.support.apps import RelyingApp
from tests.support.house import Server, TestClock, serving
from tests.support.tools import tool
from vestibule.directory.apps import App, ClientAuthentication, GrantType
from vestibule.flows import resource_apis

FILES, NOTES, AGENT = "https://files.example.com/api", "https://mcp.example.com/mcp", "https://agent.example.com"
SHOWN_API = "api_01jd8w4tq5e8m3x7k2v9r6ybnz"


@pytest.fixture
def server(sqlite_url: str) -> Iterator[Server]:
    with serving(sqlite_url, TestClock()) as running:
        yield running


def issuer(server: Server) -> str:
    return f"{server.base_url}/e/dev"


def sh(server: Server, code: str, **environment: str) -> dict[str, Any]:
    """Run a request of a page, with our address instead of its own and variables that it names."""
    assert all(f"${name}" in code for name in environment)
    code = code.replace(ISSUER, issuer(server)).replace("https://sso.example.com", server.base_url)
    code = code.replace("oauth-authorization-server/e/prod", "oauth-authorization-server/e/dev")
    assert "sso.example.com" not in code
    done = subprocess.run(
        ["/bin/sh", "-euc", code], env={"PATH": os.environ["PATH"], **environment}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def app_with(server: Server, name: str, *grants: GrantType, **changes: Any) -> App:
    return apps.change_app(server.house, apps.make_app(server.house, name), grant_types=frozenset(grants), **changes)


def verifier(server: Server) -> Any:
    (code,) = blocks("machine-access.md", "python")
    names: dict[str, Any] = {}
    exec(compile(replaced(code, {ISSUER: issuer(server)}), "machine-access.md", "exec"), names)  # noqa: S102 - a page of ours
    return names["caller"]


def test_a_machine_gets_a_token_that_the_api_verifies_and_asks_about(server: Server) -> None:
    house = server.house
    machine, storage = app_with(server, "Nightly report", GrantType.CLIENT_CREDENTIALS), apps.make_app(house, "Files")
    api = apps.make_api(house, FILES, app_id=storage.id)
    apps.allow_api(house, machine, api, "files:read")
    ask, introspect = blocks("machine-access.md", "sh")
    secret = apps.make_secret(house, machine)
    token = sh(server, ask, CLIENT_ID=machine.id, CLIENT_SECRET=secret)["access_token"]
    caller = verifier(server)
    assert caller(token, "files:read")["client_id"] == machine.id
    for hostile, scope in ((token, "files:write"), (token[:-6] + "AAAAAA", "files:read"), ("", "files:read")):
        with pytest.raises(pyjwt.PyJWTError):
            caller(hostile, scope)
    asked = {"API_ID": storage.id, "API_SECRET": apps.make_secret(house, storage)}
    assert sh(server, introspect, TOKEN=token, **asked)["active"] is True
    assert sh(server, introspect, TOKEN="made-up", **asked) == {"active": False}
    refused = sh(server, ask, CLIENT_ID=machine.id, CLIENT_SECRET="made-up")
    assert refused["error"] == "invalid_client"


def test_a_token_for_another_api_and_an_id_token_are_not_taken(server: Server) -> None:
    house = server.house
    house.clock.freeze()
    connection, _ = sign_ins.connect(house), sign_ins.add_person(house)
    apps.make_api(house, FILES)
    apps.make_api(house, NOTES, "files:read")
    chat = apps.make_app(house, "Chat")
    relying = RelyingApp(server, chat, apps.make_secret(house, chat))
    asked = {"scope": "openid files:read", "resource": NOTES}
    code = apps.through_saml(relying, server.client(), connection, **asked).code
    given = relying.exchange(code, resource=NOTES).json()
    caller = verifier(server)
    for token in (given["access_token"], given["id_token"]):
        with pytest.raises(pyjwt.PyJWTError):
            caller(token, "files:read")


def test_a_service_acts_for_a_person_as_the_page_says(server: Server) -> None:
    house = server.house
    house.clock.freeze()
    connection, _ = sign_ins.connect(house), sign_ins.add_person(house)
    chat, agent = apps.make_app(house, "Chat"), app_with(server, "Agent", GrantType.TOKEN_EXCHANGE)
    apps.make_api(house, AGENT, "agent:ask", app_id=agent.id)
    apps.allow_api(house, agent, apps.make_api(house, FILES), "files:read")
    relying = RelyingApp(server, chat, apps.make_secret(house, chat))
    asked: dict[str, Any] = {"scope": "openid agent:ask files:read", "resource": [AGENT, FILES]}
    code = apps.through_saml(relying, server.client(), connection, **asked).code
    sent = relying.exchange(code, resource=AGENT).json()["access_token"]
    (exchange,) = blocks("act-for-a-person.md", "sh")
    by = {"AGENT_ID": agent.id, "AGENT_SECRET": apps.make_secret(house, agent)}
    given = sh(server, exchange, TOKEN_THAT_THE_AGENT_WAS_SENT=sent, **by)
    claims = verifier(server)(given["access_token"], "files:read")
    assert (claims["aud"], claims["act"]) == (FILES, {"sub": agent.id})
    assert sh(server, exchange, TOKEN_THAT_THE_AGENT_WAS_SENT="made-up", **by)["error"] == "invalid_request"


def test_a_device_gets_in_as_the_page_says(server: Server) -> None:
    house = server.house
    house.clock.freeze()
    connection, grace = sign_ins.connect(house), sign_ins.add_person(house)
    device = app_with(
        server,
        "Television",
        GrantType.DEVICE_CODE,
        GrantType.REFRESH_TOKEN,
        authentication=ClientAuthentication.NONE,
        redirect_uris=(),
    )
    begin, poll = blocks("device-sign-in.md", "sh")
    begun = sh(server, begin, CLIENT_ID=device.id)
    waiting = {"CLIENT_ID": device.id, "DEVICE_CODE": begun["device_code"]}
    assert sh(server, poll, **waiting)["error"] == "authorization_pending"
    client = server.client()
    apps.through_saml(RelyingApp(server, apps.make_app(house, "Web")), client, connection)
    client.get("/e/dev/device")
    typed = {"user_code": begun["user_code"]}
    client.post("/e/dev/device/answer", {**typed, "person": grace.id, "agree": "1"})
    house.clock.advance(seconds=begun["interval"])
    assert {"access_token", "id_token", "refresh_token"} <= set(sh(server, poll, **waiting))


def test_an_mcp_client_finds_out_and_registers_as_the_page_says(server: Server) -> None:
    house = server.house
    api = apps.make_api(house, NOTES, "notes.read")
    resource, provider, register = blocks("mcp-server.md", "sh")
    told = sh(server, replaced(resource, {SHOWN_API: api.id}))
    assert (told["resource"], told["authorization_servers"]) == (NOTES, [issuer(server)])
    assert sh(server, provider)["registration_endpoint"] == f"{issuer(server)}/oauth2/register"
    _, token = resource_apis.allow_registration(house.runtime, house.owner, "dev")
    assert sh(server, register, INITIAL_ACCESS_TOKEN=token)["client_id"].startswith("app_")
    assert sh(server, register, INITIAL_ACCESS_TOKEN="made-up")["error"] == "invalid_token"


_CALL = """
import { caller } from "./caller.mjs";
const said = [];
for (const [token, scope] of JSON.parse(process.argv[2])) {
  said.push(await caller(token, scope).then((claims) => claims.client_id, () => "refused"));
}
console.log(JSON.stringify(said));
"""


def test_an_mcp_server_verifies_a_token_as_the_page_says(server: Server, tmp_path: Path) -> None:
    house = server.house
    machine = app_with(server, "Agent", GrantType.CLIENT_CREDENTIALS)
    relying = RelyingApp(server, machine, apps.make_secret(house, machine))
    for identifier, scope in ((NOTES, "notes.read"), (FILES, "files:read notes.read")):
        apps.allow_api(house, machine, apps.make_api(house, identifier, scope), scope)
    ours, others = (
        relying.token(grant_type="client_credentials", resource=one).json()["access_token"] for one in (NOTES, FILES)
    )
    (code,) = blocks("mcp-server.md", "js")
    (tmp_path / "caller.mjs").write_text(replaced(code, {ISSUER: issuer(server)}), encoding="utf-8")
    (tmp_path / "call.mjs").write_text(_CALL, encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(Path(__file__).with_name("mcp") / "node_modules")
    tried = [(ours, "notes.read"), (ours, "notes.write"), (others, "notes.read"), (ours[:-6] + "AAAAAA", "notes.read")]
    call = [tool("node"), "call.mjs", json.dumps(tried)]
    said = json.loads(subprocess.run(call, cwd=tmp_path, check=True, capture_output=True).stdout)
    assert said == [machine.id, "refused", "refused", "refused"]
