"""`vestibule demo` as a process: three servers on loopback, a real round trip through the practice IdP, and nothing left behind."""

from __future__ import annotations

import html
import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from tests.support.demos import Demo, running_demo


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with running_demo(tmp_path) as running:
        yield running


def form_of(page: httpx.Response, base: str) -> tuple[str, dict[str, str]]:
    """Return where a page's first form goes and what it sends unchanged: what is ticked by hand, it does not."""
    form = re.search(r"<form([^>]*)>(.*?)</form>", page.text, re.DOTALL)
    assert form is not None, page.text
    action = re.search(r'action="([^"]*)"', form[1])
    inputs = [one for one in re.findall(r"<input[^>]*>", form[2]) if 'type="checkbox"' not in one]
    fields = dict(re.findall(r'name="([^"]+)"[^>]*value="([^"]*)"', "".join(inputs)))
    return urljoin(base, html.unescape(action[1]) if action else str(page.url)), {
        name: html.unescape(value) for name, value in fields.items()
    }


def test_somebody_known_comes_in_through_the_practice_idp_and_ctrl_c_leaves_nothing(demo: Demo) -> None:
    (folder,) = demo.folder.glob("vestibule-demo-*")
    assert (folder / "vestibule.db").exists()
    with httpx.Client(follow_redirects=True, timeout=60) as browser:
        page = come_in(browser, demo, "ada@practice.example")
        assert page.status_code == 200
        assert "Ada Park" in page.text
        assert "Engineering" in page.text
    with httpx.Client(follow_redirects=True, timeout=60) as browser:
        assert come_in(browser, demo, "noor@practice.example").status_code == 403
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(timeout=60) == 0
    assert list(demo.folder.glob("vestibule-demo-*")) == []


def test_a_window_that_is_closed_leaves_nothing_either(demo: Demo) -> None:
    demo.process.send_signal(signal.SIGHUP)
    demo.process.wait(timeout=60)
    assert list(demo.folder.glob("vestibule-demo-*")) == []


def test_the_link_opens_the_console_and_every_port_is_loopback_only(demo: Demo) -> None:
    origin = demo.console.partition("/admin/")[0]
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    with httpx.Client(follow_redirects=True, timeout=60) as browser:
        page = browser.get(demo.console)
        token = re.findall(r'csrf_token" value="(\w+)"', page.text)[0]
        inside = browser.post(demo.console, data={"csrf_token": token}, headers=headers)
        assert inside.url.path == "/admin/access-control"
        assert "Practice IdP" in browser.get(f"{origin}/admin/environments/dev/authentication").text
        assert "Practice IdP" not in browser.get(f"{origin}/admin/environments/test/groups").text
    if Path("/proc").exists():
        assert listening_addresses(demo.process.pid) == {"0100007F"}


def test_the_practice_directory_pushes_into_prod_at_a_click(demo: Demo) -> None:
    origin = demo.console.partition("/admin/")[0]
    with httpx.Client(follow_redirects=True, timeout=60) as browser:
        pushed = browser.post(f"{demo.practice_idp}/directory/okta/create", headers={"Origin": demo.practice_idp})
        assert "Done: 6 requests." in pushed.text
        token = re.findall(r'csrf_token" value="(\w+)"', browser.get(demo.console).text)[0]
        headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
        browser.post(demo.console, data={"csrf_token": token}, headers=headers)
        assert "Oscar Lind" in browser.get(f"{origin}/admin/end-users").text
        assert "Design (Okta)" in browser.get(f"{origin}/admin/environments/prod/groups").text
    in_prod = replace(demo, sign_in=demo.sign_in.replace("/e/dev/", "/e/prod/"))
    with httpx.Client(follow_redirects=True, timeout=60) as browser:
        assert "Oscar Lind" in come_in(browser, in_prod, "oscar@practice.example").text
    with httpx.Client(follow_redirects=True, timeout=60) as browser:
        assert come_in(browser, in_prod, "ada@practice.example").status_code == 403


def come_in(browser: httpx.Client, demo: Demo, email: str) -> httpx.Response:
    """Go from the sign-in page through the practice IdP and back, as a browser without script does."""
    origin = demo.sign_in.partition("/e/")[0]
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    target, fields = form_of(browser.get(demo.sign_in), demo.sign_in)
    going = browser.post(target, data={**fields, "email": email}, headers=headers)
    away = re.search(r'content="0;\s*url=([^"]+)"', going.text)
    assert away is not None, going.text
    target, fields = form_of(browser.get(html.unescape(away[1])), demo.practice_idp)
    sent = browser.post(target, data={**fields, "person": email, "misbehaviour": "none", "signing": "both"})
    target, fields = form_of(sent, demo.practice_idp)
    return browser.post(target, data=fields, headers={"Origin": demo.practice_idp, "Sec-Fetch-Site": "same-site"})


def listening_addresses(pid: int) -> set[str]:
    """Return the local addresses (hex) on which a process listens, from Linux's tables."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with_target = str(link.readlink()) if link.is_symlink() else ""
        inodes |= set(re.findall(r"socket:\[(\d+)\]", with_target))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and columns[9] in inodes:
                found.add(columns[1].partition(":")[0])
    return found
