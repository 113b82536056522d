"""The API's documentation: the page says what the document says, its command works, and it loads nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.support.apps import make_app
from tests.support.house import Server
from tests.support.people import add_person
from vestibule.flows import api_clients
from vestibule.flows.parts.callers import operator
from vestibule.web.api.description import openapi
from vestibule.web.api.docs import curl, operations, with_code

PATH = "/api/docs"


def shown(page: str, name: str) -> str:
    found = re.search(rf'<pre [^>]*id="{name}"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert found is not None, page
    return unescape(found[1])


def paths_of(schema: dict[str, Any], before: str = "") -> set[str]:
    """Return the names of all parts of an answer, walked another way than the page does."""
    if schema.get("type") == "array":
        return paths_of(schema["items"], before)
    found = set()
    for name, part in schema.get("properties", {}).items():
        path = f"{before}{name}" + ("[]" if part["type"] == "array" else "")
        found |= {path} | paths_of(part, f"{path}.")
    return found


def shape(value: Any) -> Any:
    """Return names and types of a JSON value; of a list, those of its first element."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    return [shape(part) for part in value[:1]] if isinstance(value, list) else type(value)


def test_the_page_says_all_that_the_document_says(server: Server) -> None:
    http = server.client().http
    document, page = http.get("/api/openapi.json").json(), http.get(PATH)
    assert page.status_code == 200
    named = {unescape(one) for one in re.findall(r"<dt><code>([^<]+)</code>", page.text)}
    # What keeps "e-mail" on one line (U+2060) belongs to the page alone.
    said = unescape(re.sub(r"</?code>", "`", page.text)).replace("\u2060", "")
    wanted = paths_of(document["components"]["schemas"]["Problem"])
    for path, methods in document["paths"].items():
        assert path in said.replace("<wbr>", "")
        for operation in methods.values():
            assert {operation["summary"], operation["description"]} <= set(re.findall(r">([^<>]+)</p>", said))
            for parameter in operation["parameters"]:
                assert parameter["description"] in said
            for response in operation["responses"].values():
                assert response["description"] in said or response["description"] == "The answer."
            wanted |= {one["name"] for one in operation["parameters"]} | set(operation["responses"]) - {"200"}
            wanted |= paths_of(operation["responses"]["200"]["content"]["application/json"]["schema"])
    assert wanted == named


def test_the_command_on_the_page_works_and_its_example_is_an_answer_as_it_comes(server: Server) -> None:
    house = server.house
    person = add_person(house, "Maya", "maya@acme.example", "prod")
    app = make_app(house, "Payroll", "prod", everyone=False)
    token = api_clients.create_api_client(
        house.runtime, operator(), house.workspace.id, "Help desk", ["explain:read"]
    ).token
    page = server.client().http.get(PATH).text
    command = shown(page, "explain-curl")
    assert "$VESTIBULE_TOKEN" in command
    command = re.sub(r"app_[0-9a-z]{26}", app.id, command)
    environment = {**os.environ, "VESTIBULE_TOKEN": token}
    done = subprocess.run(
        ["sh", "-c", command], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    answer, example = json.loads(done.stdout), json.loads(shown(page, "explain-answer"))
    assert answer["data"]["user"]["id"] == person.id
    for part in ("allowed", "refused_by", "reasons"):
        assert answer["data"][part] == example["data"][part], part
    # Here nobody comes by a connection: of these the example has one, shaped as the description says.
    assert set(example["data"]["connections"].pop()) == {"id", "name"}
    assert shape(answer) == shape(example)


def test_anybody_reads_it_and_it_brings_all_that_it_needs_itself(server: Server) -> None:
    http = server.client().http
    answer = http.get(PATH)
    assert "set-cookie" not in answer.headers
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert not re.findall(r"<script(?![^>]* src=)|\sstyle=|\son\w+=", answer.text)
    loaded = re.findall(r'<(?:script|link|img)\b[^>]*(?:src|href)="([^"]+)"', answer.text)
    assert loaded
    for address in loaded:
        assert address.startswith("/static/")
        assert http.get(address).status_code == 200
    linked = set(re.findall(r'<a\b[^>]*href="([^"]+)"', answer.text))
    assert {"/api/openapi.json", "/admin/api-clients", "#explain"} <= linked
    anchors = set(re.findall(r'id="([^"]+)"', answer.text))
    assert {one[1:] for one in linked if one.startswith("#")} <= anchors


@pytest.mark.parametrize(("method", "path", "status"), [("POST", PATH, 405), ("GET", f"{PATH}/", 404)])
def test_beside_it_the_api_answers_in_its_own_words(server: Server, method: str, path: str, status: int) -> None:
    answer = server.client().http.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_command_brings_every_value_as_it_stands_whatever_a_shell_makes_of_it(tmp_path: Path) -> None:
    values = {"a": "plain", "b": "$(touch stolen) `touch stolen` ; touch stolen", "c": 'it\'s "quoted" &\n*'}
    url = "https://example.com/it's/$HOME"
    command = curl(url, [{"name": name, "example": value} for name, value in values.items()])
    script = 'curl() { for one in "$@"; do printf "%s\\0" "$one"; done; }\n' + command
    environment = {"PATH": os.environ["PATH"], "VESTIBULE_TOKEN": "t o'k\"en"}
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, check=True)
    data = [part for name, value in values.items() for part in ("--data-urlencode", f"{name}={value}")]
    expected = ["--get", url, "-H", "Authorization: Bearer t o'k\"en", *data]
    assert done.stdout.decode().split("\0")[:-1] == expected
    assert list(tmp_path.iterdir()) == []


def test_a_sentence_with_markup_is_shown_as_it_stands() -> None:
    assert with_code("<b>`<i>`</b>") == "&lt;b&gt;<code>&lt;i&gt;</code>&lt;/b&gt;"


def test_every_operation_of_the_document_is_shown_and_asks_at_its_own_address() -> None:
    document = openapi("https://sso.example.com")
    found = list(operations(document))
    assert [(one.method.lower(), one.path) for one in found] == [
        (method, path) for path, methods in document["paths"].items() for method in methods
    ]
    for one in found:
        assert f"https://sso.example.com{one.path}" in one.curl
