"""`vestibule serve` as a process: it starts, answers, logs without secrets, believes no stranger's headers, and ends in good order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.house import PASSWORD, Client, House, TestClock, furnish, make_runtime
from tests.support.served import Served
from vestibule.flows import admins
from vestibule.flows.parts.callers import operator


@dataclass
class Talkative(Served):
    """A server that logs every request, behind a trusted proxy on loopback."""

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "VESTIBULE_LOG_LEVEL": "info", "VESTIBULE_TRUSTED_PROXIES": "127.0.0.1"}

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@dataclass
class Several(Served):
    """A server of two processes."""

    def arguments(self) -> list[str]:
        return [*super().arguments(), "--workers", "2"]


@dataclass
class Slow(Several):
    """A server of two processes, each of which loads the product for longer than uvicorn waits for an answer by itself."""

    def environment(self) -> dict[str, str]:
        start = "import sys, time\nif 'spawn_main' in ' '.join(sys.orig_argv): time.sleep(7)\n"
        (self.folder / "sitecustomize.py").write_text(start)
        return {**super().environment(), "VESTIBULE_LOG_LEVEL": "info", "PYTHONPATH": str(self.folder)}


@pytest.fixture
def served(database_url: str, tmp_path: Path) -> Iterator[Talkative]:
    made = Talkative(database_url, tmp_path)
    yield made
    made.stop()


@pytest.fixture
def house(served: Talkative, clock: TestClock) -> Iterator[House]:
    runtime = make_runtime(served.database_url, clock, served.base_url)
    yield furnish(runtime, clock)
    runtime.database.close()


def test_a_session_of_work_leaves_a_log_of_json_lines_without_a_secret(served: Talkative, house: House) -> None:
    link = admins.recover_admin(house.runtime, operator(), house.owner_email)
    served.start()
    with httpx.Client(base_url=served.base_url, timeout=30) as http:
        client = Client(http, served.base_url)
        client.get(link.removeprefix(served.base_url))
        csrf = re.findall(r'csrf_token" value="(\w+)"', client.last_page)[0]
        assert client.post(link.removeprefix(served.base_url)).status_code == 303
        client.get("/admin/sign-in")
        assert (
            client.post("/admin/sign-in", {"email": house.owner_email, "password": "wrong-wrong-wrong"}).status_code
            == 400
        )
        assert client.post("/admin/sign-in", {"email": house.owner_email, "password": PASSWORD}).status_code == 303
        client.get("/admin/access-control", headers={"Authorization": "Bearer a-token-that-nobody-should-read"})
        cookies = [cookie.value for cookie in http.cookies.jar]
        answered = client.get("/admin/access-control", headers={"X-Forwarded-For": "203.0.113.9"})
    served.stop()
    assert served.process is not None
    assert served.process.returncode in {0, -15}
    log = served.log.read_text()
    secrets = [
        link.rpartition("/")[2],
        csrf,
        PASSWORD,
        "wrong-wrong-wrong",
        "a-token-that-nobody",
        *filter(None, cookies),
    ]
    assert [secret for secret in secrets if secret in log] == []
    requests = [line for line in served.lines() if line["event"] == "request"]
    assert {"at", "level", "request_id", "method", "route", "status", "ms", "address"} <= requests[0].keys()
    assert {"/admin/link/{token}", "/admin/sign-in", "/admin/access-control"} <= {line["route"] for line in requests}
    assert requests[-1]["request_id"] == answered.headers["x-request-id"]
    assert requests[-1]["address"] == "203.0.113.9"
    assert not any("healthz" in line.get("route", "") or "readyz" in line.get("route", "") for line in requests)


def test_several_workers_answer_ready_and_give_metrics_and_do_not_name_their_server(
    postgresql_url: str, tmp_path: Path
) -> None:
    served = Several(postgresql_url, tmp_path)
    served.start()
    try:
        with httpx.Client(base_url=served.base_url, timeout=30) as http:
            alive, ready, metrics = (http.get(path) for path in ("/healthz", "/readyz", "/metrics"))
            assert (alive.text, ready.text) == ("ok\n", "ready\n")
            assert "vestibule_requests_total" in metrics.text
            assert "server" not in alive.headers
            assert {"x-request-id", "content-security-policy", "x-content-type-options"} <= alive.headers.keys()
            assert http.get("/no/such/page").status_code == 404
    finally:
        served.stop()
    # Nobody is left behind on the port.
    assert not served.is_ready()


def test_processes_that_load_slowly_are_waited_for(postgresql_url: str, tmp_path: Path) -> None:
    served = Slow(postgresql_url, tmp_path)
    try:
        served.start()
        assert "died" not in served.log.read_text()
    finally:
        served.stop()
