"""Requests that no browser sends, byte by byte against the real server: each ends on a page, none of them on a 500."""

from __future__ import annotations

import re
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.databases import Databases
from tests.support.house import PASSWORD, Server, TestClock, serving
from vestibule.web.middleware import MAX_BODY_BYTES

SIGN_IN = "/admin/sign-in"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def server(databases: Databases) -> Iterator[Server]:
    """One server for the file: no test here leaves anything behind."""
    with (
        tempfile.TemporaryDirectory() as folder,
        databases.migrated("sqlite", Path(folder)) as url,
        serving(url, TestClock()) as running,
    ):
        yield running


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str


def send(server: Server, *parts: bytes, hang_up: bool = False) -> str:
    """Send bytes as they are and return everything that comes back until the server closes; or hang up instead."""
    port = int(server.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        received = b""
        try:
            for part in parts:
                connection.sendall(part)
        except OSError:
            pass  # the server has answered already and reads no more
        if hang_up:
            return ""
        try:
            while some := connection.recv(65536):
                received += some
        except ConnectionResetError:
            pass
    return received.decode("latin-1")


def request(
    server: Server,
    method: str = "GET",
    target: bytes = SIGN_IN.encode(),
    body: bytes | None = None,
    headers: tuple[bytes, ...] = (),
    host: bytes = b"127.0.0.1",
) -> Answer:
    lines = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: " + host, b"Connection: close", *headers]
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    text = send(server, b"\r\n".join(lines) + b"\r\n\r\n", body or b"")
    head, _, content = text.partition("\r\n\r\n")
    first, *rest = head.split("\r\n")
    found = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    return Answer(int(first.split()[1]), found, content)


def post(server: Server, body: bytes, content_type: str = FORM, *headers: bytes) -> Answer:
    return request(server, "POST", SIGN_IN.encode(), body, (f"Content-Type: {content_type}".encode(), *headers))


def assert_is_a_page_of_ours(answer: Answer, status: int) -> None:
    assert answer.status == status, answer.body[:300]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "<h1" in answer.body
    assert "Traceback" not in answer.body


def multipart(*parts: bytes, boundary: bytes = b"b0undary") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"


def field(name: bytes, value: bytes) -> bytes:
    return b'Content-Disposition: form-data; name="' + name + b'"\r\n\r\n' + value


@pytest.mark.parametrize(
    "target", [b"/nothing", b"/admin/nothing", b"/static/../app.py", b"/static/%2e%2e/app.py", b"//x"]
)
def test_an_address_that_leads_nowhere_is_a_404_page(server: Server, target: bytes) -> None:
    assert_is_a_page_of_ours(request(server, target=target), 404)


@pytest.mark.parametrize(
    "target",
    [
        b"/admin/link/%00",
        b"/admin/link/%ED%A0%80%00",
        b"/admin/link/a%0Db",
        b"/admin/access-control/%00/remove",
        b"/admin/access-control/adm_%E2%80%AE/remove",
    ],
)
def test_a_path_with_hidden_characters_names_nothing(server: Server, target: bytes) -> None:
    method = "POST" if target.endswith(b"/remove") else "GET"
    assert_is_a_page_of_ours(request(server, method, target), 404)


@pytest.mark.parametrize(
    "query",
    [
        b"?next=%ED%A0%80",
        b"?next=%FF%FE",
        b"?next=%zz%",
        b"?next=%00",
        b"?next=//[",
        b"?next=\xff\xfe",
        b"?" + b"a=1&" * 5000,
        b"?=&=&&&",
        b"?ended=%E2%80%AE",
    ],
)
def test_a_query_of_any_bytes_is_read_or_refused(server: Server, query: bytes) -> None:
    answer = request(server, target=SIGN_IN.encode() + query)
    assert answer.status in {200, 400}


@pytest.mark.parametrize("host", [b"", b"[", b"[::1", b"evil.example", b"a/b?c#d", b"a@b", b"x:99999", b"\xff", b"x y"])
def test_the_host_header_changes_nothing(server: Server, host: bytes) -> None:
    answer = request(server, host=host, target=b"/admin/access-control")
    assert answer.status in {303, 400}
    if answer.status == 303:
        assert answer.headers["location"] == "/admin/sign-in?next=/admin/access-control"


@pytest.mark.parametrize("path", [SIGN_IN, "/static/vestibule.css", "/admin/nothing", "/healthz"])
def test_head_answers_as_get_does_without_the_body(server: Server, path: str) -> None:
    got, headed = request(server, "GET", path.encode()), request(server, "HEAD", path.encode())
    assert headed.status == got.status
    assert headed.body == ""
    assert headed.headers["content-type"] == got.headers["content-type"]


def test_head_of_a_console_page_asks_to_sign_in(server: Server) -> None:
    assert request(server, "HEAD", b"/admin/me").headers["location"].startswith("/admin/sign-in")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_a_method_that_a_page_has_not_is_a_405_that_names_what_it_has(server: Server, method: str) -> None:
    answer = request(server, method)
    assert_is_a_page_of_ours(answer, 405)
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("method", ["BREW", "get", "G\x00T", "CONNECT"])
def test_a_method_that_does_not_exist_is_refused(server: Server, method: str) -> None:
    assert request(server, method).status in {400, 405}


def test_an_announced_body_over_the_limit_is_a_413_page_before_it_is_sent(server: Server) -> None:
    for length in (MAX_BODY_BYTES + 1, 10**11, 10**30):
        head = f"POST {SIGN_IN} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\n\r\n"
        answer = send(server, head.encode())
        assert re.match(r"HTTP/1.1 4(00|13) ", answer)
        if length == MAX_BODY_BYTES + 1:
            assert answer.startswith("HTTP/1.1 413 ")
            assert "content-security-policy" in answer
            assert "<h1" in answer


@pytest.mark.parametrize("content_type", [FORM, "multipart/form-data; boundary=b0undary"])
def test_a_body_in_chunks_over_the_limit_is_a_413_page(server: Server, content_type: str) -> None:
    head = (
        f"POST {SIGN_IN} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    start = field(b"a", b"")
    first = b"--b0undary\r\n" + b'Content-Disposition: form-data; name="a"; filename="a"\r\n\r\n' if start else b""
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    opening = b"%x\r\n%s\r\n" % (len(first), first)
    answer = send(server, head, opening, *[chunk] * (MAX_BODY_BYTES // 0x10000 + 2), b"0\r\n\r\n")
    assert answer.startswith("HTTP/1.1 413 ")
    assert "content-security-policy" in answer


@pytest.mark.parametrize(
    "body",
    [
        b"email=%FF%FE",
        b"email=%ED%A0%80",
        b"email=\xff\xfe",
        b"a=1&" * 1001,
    ],
    ids=["invalid UTF-8", "surrogate", "raw bytes", "too many fields"],
)
def test_a_form_that_can_not_be_read_is_a_400_page(server: Server, body: bytes) -> None:
    assert_is_a_page_of_ours(post(server, body), 400)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", multipart(field(b"a", b"b"))),
        ("multipart/form-data; boundary=", multipart(field(b"a", b"b"))),
        ("multipart/form-data; boundary=" + "b" * 71, multipart(field(b"a", b"b"))),
        ('multipart/form-data; boundary="b\\"; charset=utf-7"', multipart(field(b"a", b"b"))),
        ("multipart/form-data; boundary=b0undary", b"no part at all"),
        ("multipart/form-data; boundary=b0undary", b"--b0undary\r\nContent-Disposition: form-data\r\n\r\nb"),
        ("multipart/form-data; boundary=b0undary", b"--b0undary\r\n: : :\r\n\r\nb\r\n--b0undary--\r\n"),
        ("multipart/form-data; boundary=b0undary", multipart(b"\r\nb")),
        ("multipart/form-data; boundary=b0undary", multipart(b'Content-Disposition: form-data; x="y"\r\n\r\nb')),
        ("multipart/form-data; boundary=b0undary", multipart(field(b"a", b"\xff\xfe"))),
        ("multipart/form-data; boundary=b0undary", multipart(field(b"\xff", b"b"))),
        ("multipart/form-data; boundary=b0undary", multipart(*[field(b"a", b"b")] * 1001)),
        (
            "multipart/form-data; boundary=b0undary",
            multipart(*[b'Content-Disposition: form-data; name="a"; filename="f"\r\n\r\nb'] * 5),
        ),
        ("multipart/form-data; boundary=b0undary", multipart(field(b"a", b"x" * (2 * 1024 * 1024 + 1)))),
    ],
)
def test_a_malformed_form_with_files_is_a_400_page(server: Server, content_type: str, body: bytes) -> None:
    assert_is_a_page_of_ours(post(server, body, content_type), 400)


@pytest.mark.parametrize(
    "charset", ["utf-7", "punycode", "undefined", "unicode_escape", "idna", "rot13", "hex", "utf-16"]
)
def test_a_form_in_a_codec_that_no_browser_uses_is_a_415_page(server: Server, charset: str) -> None:
    body = multipart(field(b"email", b"+2AA-"))
    assert_is_a_page_of_ours(post(server, body, f"multipart/form-data; boundary=b0undary; charset={charset}"), 415)


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "text/plain", "text/xml", "multipart/mixed; boundary=b"]
)
def test_a_body_that_is_no_form_is_a_415_page(server: Server, content_type: str) -> None:
    assert_is_a_page_of_ours(post(server, b"{}", content_type), 415)


@given(
    st.binary(max_size=300), st.sampled_from([FORM, "multipart/form-data; boundary=b0undary", "multipart/form-data"])
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_no_body_at_all_leads_to_a_500(server: Server, body: bytes, content_type: str) -> None:
    assert post(server, body, content_type).status in {400, 403}
    assert post(server, b"--b0undary\r\n" + body, content_type).status in {400, 403}


@pytest.mark.parametrize(
    "cookie",
    [
        b"vestibule_said=",
        b"vestibule_said=.",
        b"vestibule_said=x.y",
        b"vestibule_said=%s" % (b"A" * 60_000),
        b"vestibule_said=\xff\xfe.\xff",
        b'vestibule_said="\\777\\"',
        b"vestibule_said=b2s6SGk." + b"0" * 64,
        b"vestibule_admin=" + b"x" * 60_000,
        b"vestibule_admin=\xff; vestibule_browser=\xff",
        b"vestibule_browser=" + b"'" * 43,
        b"vestibule_browser=x; vestibule_browser=y",
        b'a="' + b"\\" * 60_000,
        b";" * 60_000,
        b"=;=;==",
    ],
    ids=lambda cookie: cookie[:30].decode("latin-1"),
)
def test_corrupt_and_long_cookies_are_as_good_as_none(server: Server, cookie: bytes) -> None:
    answer = request(server, headers=(b"Cookie: " + cookie,))
    assert answer.status == 200
    assert 'class="flash' not in answer.body
    assert request(server, target=b"/admin/me", headers=(b"Cookie: " + cookie,)).status == 303


def test_more_headers_than_a_request_has_are_a_431(server: Server) -> None:
    answer = request(server, headers=(b"Cookie: x=" + b"y" * 70_000,))
    assert_is_a_page_of_ours(answer, 431)


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 6\r\nTransfer-Encoding: chunked",
        "Content-Length: 6\r\nContent-Length: 5",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "Content-Length: +6",
        "Content-Length: 0x6",
        "Content-Length : 6",
    ],
)
def test_a_request_whose_end_is_ambiguous_smuggles_nothing_in(server: Server, framing: str) -> None:
    # What one server takes for the body, another takes for a second request.
    smuggled = b"GET /healthz?smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    head = f"POST {SIGN_IN} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n{framing}\r\n\r\n".encode()
    answer = send(server, head, b"0\r\n\r\n", smuggled)
    statuses = re.findall(r"HTTP/1\.1 (\d+) ", answer)
    assert statuses == ["400"], answer[:500]


def test_a_request_that_is_broken_off_leaves_the_server_serving(server: Server) -> None:
    head = f"POST {SIGN_IN} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 100\r\n\r\nemail=".encode()
    for cut in (5, 30, len(head) - 3, len(head)):
        send(server, head[:cut], hang_up=True)
    assert request(server).status == 200


@pytest.mark.parametrize("endpoint", ["acs", "slo"])
def test_who_hangs_up_in_the_middle_of_a_saml_message_is_no_error_of_ours(server: Server, endpoint: str) -> None:
    def answered() -> Counter[str]:
        series = re.findall(
            r'_requests_total{method="POST",route="([^"]+)",status="(\d+)"} (\d+)', server.client().get("/metrics").text
        )
        return Counter({status: int(count) for route, status, count in series if route.endswith(f"/{endpoint}")})

    before = answered()
    head = f"POST /saml/con_x/{endpoint} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 100\r\n\r\nSAML"
    send(server, head.encode(), hang_up=True)
    end = time.monotonic() + 10
    while answered() == before and time.monotonic() < end:
        time.sleep(0.02)
    assert answered() - before == Counter({"400": 1})


def test_a_nul_in_a_form_is_dropped_before_it_reaches_the_database(server: Server) -> None:
    client = server.client()
    client.get(SIGN_IN)
    response = client.post(SIGN_IN, {"email": "ada@example.com\0", "password": PASSWORD})
    assert response.status_code == 303


@pytest.mark.parametrize(
    ("page", "path", "form"),
    [
        (SIGN_IN, SIGN_IN, {"email": "", "password": PASSWORD}),
        ("/e/dev/sign-in", "/e/dev/sign-in", {"email": ""}),
        ("/admin/settings", "/admin/settings/add-environment", {"name": "", "key": ""}),
        ("/admin/environments/dev/groups/new", "/admin/environments/dev/groups/new", {"name": ""}),
    ],
)
def test_a_row_of_marks_in_a_form_keeps_nobody_else_waiting(
    server: Server, page: str, path: str, form: dict[str, str]
) -> None:
    client = server.client()
    if page != SIGN_IN:
        client.sign_in()
    client.get(page)
    marks = {name: value or "a" + "\u0301\u0316" * 40_000 for name, value in form.items()}
    before = time.process_time()
    assert client.post(path, marks).status_code in {400, 422}
    assert time.process_time() - before < 1.5


def test_a_form_with_files_may_carry_its_fields_in_any_language(server: Server) -> None:
    client = server.client()
    client.get(SIGN_IN)
    response = client.post(SIGN_IN, {"email": "jörg@münchen.example", "password": "x"}, files={"f": b"\xff\x00"})
    assert response.status_code == 400
    assert 'value="jörg@münchen.example"' in response.text


def test_static_files_are_revalidated_by_their_tag(server: Server) -> None:
    path = b"/static/vestibule.css"
    tag = request(server, target=path).headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = request(server, target=path, headers=(f"If-None-Match: {known}".encode(),))
        assert (answer.status, answer.body) == (304, "")
    assert request(server, target=path, headers=(b'If-None-Match: "other"',)).status == 200


def test_static_files_have_types_that_do_not_depend_on_the_machine(server: Server) -> None:
    for path, kind in (("/static/vestibule.css", "text/css"), ("/static/vestibule.js", "text/javascript")):
        answer = request(server, target=path.encode())
        assert answer.headers["content-type"].startswith(kind)
        assert answer.headers["cache-control"] == "public, max-age=3600"
