"""Whatever a hostile message says, wherever it says it: the person's page, the console's pages and the log show it as harmless text."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tests.saml import forge
from tests.support import sign_ins
from tests.support.house import Client, Server
from vestibule.outside.logs import set_up_logs

# Markup, an attribute's end, writing turned around, a second line of a log, templates of three languages, a paragraph separator.
NASTY = "\"'><script>alert(1)</script>\u202egnp\n2026-11-23 INFO in {{7*7}} ${7*7} %(asctime)s\u2029" + "x" * 400
PLACES: dict[str, dict[str, Any]] = {
    "issuer": {"assertion_issuer": NASTY},
    "issuer of the response": {"response_issuer": NASTY},
    "destination": {"destination": NASTY},
    "recipient": {"confirmations": (forge.Confirmation(recipient=NASTY),)},
    "audience": {"audiences": ((NASTY,),)},
    "name": {"name_id": NASTY},
    "status": {"status": NASTY},
    "status message": {"status": "urn:oasis:names:tc:SAML:2.0:status:Responder", "status_message": NASTY},
    "request": {"in_response_to": NASTY},
    "version": {"version": "2.1"},
    "time": {"not_on_or_after": NASTY},
    "method": {"confirmations": (forge.Confirmation(method=NASTY),)},
    "condition": {"extra_conditions": '<x:y xmlns:x="urn:evil:script"/>'},
}


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    set_up_logs("debug", stream)
    # A logger that is kept would write into this stream for as long as the process lives.
    structlog.configure(cache_logger_on_first_use=False)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def harmless(text: str) -> None:
    assert "<script>alert" not in text
    assert not set(text) & {"\u202e", "\u2029", "\x1b", "\x00"}


def test_what_a_hostile_message_says_is_harmless_text_everywhere(
    admin_client: Client, server: Server, logged: io.StringIO
) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    for place, changes in PLACES.items():
        request = sign_ins.start(client).request_id
        response = sign_ins.post(client, connection, sign_ins.answer(server, connection, request, **changes))
        assert response.status_code in (400, 403), place
        harmless(response.text)
        assert "7*7" not in response.text
        reference = sign_ins.reference_in(response.text)
        listed = admin_client.get("/admin/activity", params={"q": reference}).text
        found = re.search(r'href="(/admin/activity/act_\w+)"', listed)
        assert found, place
        page, record = admin_client.get(found[1]).text, admin_client.get(found[1] + "/json").text
        for text in (listed, page, record.replace("<script>", "")):
            harmless(text)
        longest = max(len(value) for check in json.loads(record)["details"]["checks"] for value in check.values())
        assert longest <= 300
    assert logged.getvalue()
    for line in logged.getvalue().splitlines():
        harmless(line)
        assert "7*7" not in line
        json.loads(line)
