"""The practice directory over real HTTP: what each product says, what it does with odd answers, and where it never pushes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.practice.conversation import NOW, Served, serving
from vestibule.practice.directories import DIRECTORY_PEOPLE, VENDORS
from vestibule.practice.directories.talk import Step
from vestibule.practice.directory import PracticeDirectory
from vestibule.practice.errors import NoTarget, StepNotNow, TargetNotLocal, TokenUnusable
from vestibule.practice.people import PEOPLE, STRANGER

TOKEN = "vscim_not-for-anybodys-eyes"


class Provider:
    """A service provider that keeps what it is told, and answers as it is set to."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], Any]] = []
        self.status = 0
        self.body: bytes | None = None
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                sent = json.loads(self.rfile.read(length)) if length else None
                headers = {name.lower(): value for name, value in self.headers.items()}
                provider.seen.append((self.command, self.path, headers, sent))
                listed = json.dumps({"totalResults": 0, "Resources": []}).encode()
                made = json.dumps({"id": f"id/{len(provider.seen)}", "meta": {"version": "1"}}).encode()
                status = provider.status or {"POST": 201}.get(self.command, 200)
                body = provider.body if provider.body is not None else (listed if "?" in self.path else made)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 - the names that the library looks for

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self.server.server_port}/scim/v2"


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(timeout=10)


@pytest.fixture
def directory(provider: Provider) -> PracticeDirectory:
    made = PracticeDirectory()
    made.aim(f"{provider.base_url}/", f" {TOKEN}\n")
    return made


def bodies(provider: Provider, method: str) -> list[Any]:
    return [sent for said, _, _, sent in provider.seen if said == method]


def test_okta_sends_plain_json_a_made_up_password_and_the_whole_profile_back(
    provider: Provider, directory: PracticeDirectory
) -> None:
    desk = directory.desks["okta"]
    directory.take(desk, Step.CREATE)
    directory.take(desk, Step.RENAME)
    assert {headers["content-type"] for _, _, headers, sent in provider.seen if sent} == {
        "application/json; charset=utf-8"
    }
    assert {headers["authorization"] for _, _, headers, _ in provider.seen} == {f"Bearer {TOKEN}"}
    created, replaced = bodies(provider, "POST")[0], bodies(provider, "PUT")[0]
    assert created["groups"] == []
    assert created["password"]
    assert replaced["meta"] == {"version": "1"}
    assert replaced["name"]["familyName"] == "Berg"
    assert bodies(provider, "PATCH")[0]["Operations"] == [
        {"op": "replace", "value": {"id": "id/4", "displayName": "Design (Okta)"}}
    ]
    shown = "".join(one.sent for one in desk.exchanges)
    assert "made-up-by-the-directory" not in shown
    assert "••••" in shown


def test_entra_writes_capital_operations_string_booleans_and_removes_members_by_a_list(
    provider: Provider, directory: PracticeDirectory
) -> None:
    desk = directory.desks["entra"]
    for step in (Step.CREATE, Step.MOVE, Step.DEACTIVATE, Step.REHIRE):
        directory.take(desk, step)
        assert desk.outcome.startswith("Done")
        assert desk.went_through
    operations = [operation for body in bodies(provider, "PATCH") for operation in body["Operations"]]
    member = [{"$ref": None, "value": "id/2"}]
    assert {"op": "Remove", "path": "members", "value": member} in operations
    assert {"op": "Replace", "path": "active", "value": "False"} in operations
    assert {"op": "Replace", "path": "active", "value": "True"} in operations


def test_onelogin_puts_people_with_an_old_schema_and_jumpcloud_tries_and_deletes_first(
    provider: Provider, directory: PracticeDirectory
) -> None:
    directory.take(directory.desks["onelogin"], Step.CREATE)
    directory.take(directory.desks["onelogin"], Step.DEACTIVATE)
    assert bodies(provider, "PUT")[0]["schemas"] == ["urn:scim:schemas:core:2.0"]
    assert bodies(provider, "PUT")[0]["active"] is False
    directory.take(directory.desks["jumpcloud"], Step.CREATE)
    assert [path.partition("/id%2F")[0] for method, path, _, _ in provider.seen if method == "DELETE"] == [
        "/scim/v2/Groups",
        "/scim/v2/Users",
    ]


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.key)
def test_steps_come_in_the_order_of_a_life(directory: PracticeDirectory, vendor: Any) -> None:
    desk = directory.desks[vendor.key]
    for step in (Step.RENAME, Step.MOVE, Step.DEACTIVATE, Step.REHIRE):
        with pytest.raises(StepNotNow):
            directory.take(desk, step)
    directory.take(desk, Step.CREATE)
    for step in (Step.CREATE, Step.REHIRE):
        with pytest.raises(StepNotNow):
            directory.take(desk, step)
    directory.take(desk, Step.DEACTIVATE)
    for step in (Step.CREATE, Step.RENAME, Step.MOVE, Step.DEACTIVATE):
        with pytest.raises(StepNotNow):
            directory.take(desk, step)


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b"", "could not be used"),
        (200, b"[]", "could not be used"),
        (200, b"not json", "could not be used"),
        (200, b'{"Resources": [7]}', "could not be used"),
        (200, b'{"Resources": 7, "id": 8}', "could not be used"),
        (200, b"[" * 100_000, "could not be used"),
        (200, b" " * 600_000, "could not be used"),
        (401, b'{"detail": "Who are you?"}', "refused request 1 with 401. Who are you?"),
        (500, b"<html>", "refused request 1 with 500."),
    ],
)
def test_an_answer_that_is_no_use_ends_the_step_with_a_sentence(
    provider: Provider, directory: PracticeDirectory, status: int, body: bytes, outcome: str
) -> None:
    provider.status, provider.body = status, body
    desk = directory.desks["entra"]
    directory.take(desk, Step.CREATE)
    assert outcome in desk.outcome
    assert not desk.went_through
    assert desk.possible(Step.CREATE)


def test_a_person_whom_the_provider_forgot_can_be_created_again(
    provider: Provider, directory: PracticeDirectory
) -> None:
    desk = directory.desks["jumpcloud"]
    directory.take(desk, Step.CREATE)
    provider.status = 404
    directory.take(desk, Step.RENAME)
    assert "does not know this any more" in desk.outcome
    assert desk.possible(Step.CREATE)


def test_a_rename_that_was_refused_is_forgotten(provider: Provider, directory: PracticeDirectory) -> None:
    desk = directory.desks["onelogin"]
    directory.take(desk, Step.CREATE)
    provider.status = 302
    directory.take(desk, Step.RENAME)
    assert "refused request 1 with 302" in desk.outcome
    assert desk.account.name == desk.vendor.person.name


def test_what_was_pushed_elsewhere_is_not_pushed_to_the_next_target(
    provider: Provider, directory: PracticeDirectory
) -> None:
    desk = directory.desks["okta"]
    directory.take(desk, Step.CREATE)
    directory.aim(provider.base_url, TOKEN)
    with pytest.raises(StepNotNow):
        directory.take(desk, Step.RENAME)


def test_a_token_that_a_provider_repeats_is_not_shown(provider: Provider, directory: PracticeDirectory) -> None:
    provider.status, provider.body = 400, json.dumps({"said": f"Bearer {TOKEN}"}).encode()
    desk = directory.desks["okta"]
    directory.take(desk, Step.CREATE)
    assert TOKEN not in desk.exchanges[0].answered
    assert "••••" in desk.exchanges[0].answered


def test_a_provider_that_is_not_there_is_said(directory: PracticeDirectory) -> None:
    directory.aim("http://127.0.0.1:9/scim/v2", TOKEN)
    desk = directory.desks["okta"]
    directory.take(desk, Step.CREATE)
    assert desk.outcome == "The service provider can’t be reached."
    assert not desk.went_through


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/sçim",
        "https://sso.example.com/scim/con_1/v2",
        "http://127.0.0.1@evil.example/",
        "http://10.0.0.1/",
        "ftp://127.0.0.1/",
        "",
        "127.0.0.1",
        "http://127.0.0.1/?x=1",
        "http://127.0.0.1/#x",
        "http://127.0.0.1.evil.example/",
    ],
)
def test_nothing_is_ever_pushed_to_another_machine(url: str) -> None:
    with pytest.raises(TargetNotLocal):
        PracticeDirectory().aim(url, TOKEN)


@pytest.mark.parametrize("token", ["", "  ", "a b", "a\r\nX-Other: 1", "schlüssel", "a\x00b"])
def test_what_no_header_carries_is_no_token(token: str) -> None:
    with pytest.raises(TokenUnusable):
        PracticeDirectory().aim("http://127.0.0.1:1/", token)


def test_without_a_target_nothing_is_pushed() -> None:
    directory = PracticeDirectory()
    with pytest.raises(NoTarget):
        directory.take(directory.desks["okta"], Step.CREATE)


@pytest.fixture
def own() -> Iterator[Served]:
    with serving(lambda: NOW) as made:
        yield made


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1:1"])
@pytest.mark.parametrize("place", ["target", "okta/create"])
def test_another_sites_page_can_neither_aim_nor_push(
    own: Served, provider: Provider, origin: str | None, place: str
) -> None:
    own.idp.directory.aim(provider.base_url, TOKEN)
    headers = {"Origin": origin} if origin else {}
    data = {"base_url": "http://127.0.0.1:1/", "token": "x"}
    answer = own.client.post(f"/directory/{place}", data=data, headers=headers)
    assert answer.status_code == 403
    assert "from the practice page itself only" in answer.text
    assert provider.seen == []
    assert own.idp.directory.target is not None
    assert own.idp.directory.target.base_url == provider.base_url


def test_the_page_never_shows_the_token_and_escapes_what_it_is_answered(own: Served, provider: Provider) -> None:
    provider.status, provider.body = 400, b'{"detail": "<script>alert(1)</script>"}'
    headers = {"Origin": own.idp.base_url}
    form = {"base_url": provider.base_url, "token": TOKEN}
    assert own.client.post("/directory/target", data=form, headers=headers).status_code == 303
    assert own.client.post("/directory/okta/create", headers=headers).status_code == 303
    page = own.client.get("/directory")
    assert TOKEN not in page.text
    assert TOKEN not in repr(own.idp.directory.target)
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


@pytest.mark.parametrize("place", ["okta/delete", "nobody/create", "okta/"])
def test_what_is_not_on_the_page_is_refused(own: Served, place: str) -> None:
    answer = own.client.post(f"/directory/{place}", headers={"Origin": own.idp.base_url})
    assert answer.status_code in {400, 404}


def test_a_wrong_target_is_said_beside_the_form_and_changes_nothing(own: Served, provider: Provider) -> None:
    own.idp.directory.aim(provider.base_url, TOKEN)
    form = {"base_url": "https://evil.example/scim", "token": TOKEN}
    answer = own.client.post("/directory/target", data=form, headers={"Origin": own.idp.base_url})
    assert answer.status_code == 400
    assert "pushes to this machine only" in answer.text
    assert "https://evil.example/scim" in answer.text
    assert own.idp.directory.target is not None
    assert own.idp.directory.target.base_url == provider.base_url


def test_the_directories_people_are_nobody_else() -> None:
    addresses = [person.email for person in (*PEOPLE, *DIRECTORY_PEOPLE, STRANGER)]
    assert len(set(addresses)) == len(addresses)
