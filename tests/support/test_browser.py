"""The watch over pages sees what it must see: a page that complains fails its test."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.support.axe import axe_violations
from tests.support.browser import PageFaults, Pages

STRICT = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'"
GOOD = (
    "<!doctype html><html lang=en><title>Good</title><main><h1>Good</h1><p>Nothing to complain about</p></main></html>"
)
PAGES = {
    "/good": (HTTPStatus.OK, GOOD),
    "/refused": (HTTPStatus.FORBIDDEN, GOOD),
    "/inline-script": (HTTPStatus.OK, GOOD.replace("</main>", "<script>alert(1)</script></main>")),
    "/inline-style": (HTTPStatus.OK, GOOD.replace("<h1>", "<h1 style='color: red'>")),
    "/foreign-image": (
        HTTPStatus.OK,
        GOOD.replace("</main>", "<img alt='' src='http://elsewhere.invalid/x.png'></main>"),
    ),
    "/missing-image": (HTTPStatus.OK, GOOD.replace("</main>", "<img alt='' src='/nothing.png'></main>")),
    "/broken-script": (HTTPStatus.OK, GOOD.replace("</main>", "<script src='/broken.js'></script></main>")),
    "/broken.js": (HTTPStatus.OK, "throw new Error('the script broke')"),
    "/no-name": (HTTPStatus.OK, GOOD.replace("</main>", "<input></main>")),
    "/pop-up": (HTTPStatus.OK, GOOD.replace("</main>", "<a target=_blank href='/inline-script'>Open</a></main>")),
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = PAGES.get(self.path, (HTTPStatus.NOT_FOUND, ""))
        self.send_response(status)
        self.send_header("Content-Type", "text/javascript" if self.path.endswith(".js") else "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", STRICT)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("path", ["/good", "/refused"])
def test_a_good_page_and_a_page_that_is_a_refusal_raise_no_complaint(
    path: str, site: str, new_page: Pages, page_faults: PageFaults
) -> None:
    page = new_page()
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    page.goto(site + path)
    assert page.get_by_role("heading", name="Good").is_visible()
    assert page_faults.seen == []


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("/inline-script", "Content Security Policy"),
        ("/inline-style", "Content Security Policy"),
        ("/foreign-image", "Content Security Policy"),
        ("/missing-image", "404"),
        ("/broken-script", "the script broke"),
    ],
)
def test_a_page_that_breaks_a_rule_is_noticed(
    path: str, complaint: str, site: str, new_page: Pages, page_faults: PageFaults
) -> None:
    page = new_page()
    page.goto(site + path)
    page.wait_for_load_state("networkidle")
    assert any(complaint in fault for fault in page_faults.remaining()), page_faults.seen
    page_faults.allow(".")
    assert page_faults.remaining() == []


def test_a_page_opened_by_a_page_is_watched_too(site: str, new_page: Pages, page_faults: PageFaults) -> None:
    page = new_page()
    page.goto(site + "/pop-up")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open").click()
    opened.value.wait_for_load_state()
    assert any("Content Security Policy" in fault for fault in page_faults.remaining())
    page_faults.allow(".")


def test_two_pages_of_one_test_share_no_cookie(site: str, new_page: Pages, page_faults: PageFaults) -> None:
    page_faults.allow("favicon")
    first, second = new_page(), new_page()
    first.goto(site + "/good")
    second.goto(site + "/good")
    first.context.add_cookies([{"name": "who", "value": "first", "url": site}])
    assert second.context.cookies() == []


def test_axe_runs_under_a_strict_policy_and_finds_nothing_on_a_good_page(
    site: str, new_page: Pages, page_faults: PageFaults
) -> None:
    page_faults.allow("favicon")
    page = new_page()
    page.goto(site + "/good")
    assert axe_violations(page) == []


def test_axe_names_the_rule_and_the_element_of_a_bad_page(site: str, new_page: Pages, page_faults: PageFaults) -> None:
    page_faults.allow("favicon")
    page = new_page()
    page.goto(site + "/no-name")
    (violation,) = axe_violations(page)
    assert violation.startswith("label (critical)")
    assert "<input>" in violation
