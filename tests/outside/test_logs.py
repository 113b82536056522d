"""Logs: one JSON object a line, for every library, and nothing secret in any."""

from __future__ import annotations

import errno
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from vestibule.outside.logs import _SECRET_TEXTS, REDACTED, redact, set_up_logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    made = io.StringIO()
    set_up_logs("info", made)
    yield made
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


class FullDisk(io.StringIO):
    """Takes nothing for as long as it is full."""

    full = True

    def write(self, text: str) -> int:
        """Refuse as a full disk does."""
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "new_password",
        "Password",
        "token",
        "csrf_token",
        "SAMLResponse",
        "saml_response",
        "secret",
        "client-secret",
        "cookie",
        "Set-Cookie",
        "authorization",
        "Authorization",
    ],
)
def test_what_stands_under_a_secrets_name_is_not_logged(key: str) -> None:
    event = redact(None, "", {"event": "x", key: "hunter2", "deep": {key: ["hunter2"]}, "list": [{key: "hunter2"}]})
    assert "hunter2" not in repr(event)
    assert event[key] == REDACTED


@pytest.mark.parametrize(
    "text",
    [
        "GET /admin/link/48IeltTFPRg_X1M1zeAbwFhk35XWp0FRFi5oG0tc6vc failed",
        "could not connect to postgresql://bo:48IeltTFPRg_X1M1zeAbwFhk35XWp0FRFi5oG0tc6vc@db:5432/x",
        "Authorization: Bearer 48IeltTFPRg_X1M1zeAbwFhk35XWp0FRFi5oG0tc6vc",
        "body was RelayState=&SAMLResponse=48IeltTFPRg_X1M1zeAbwFhk35XWp0FRFi5oG0tc6vc&x=1",
    ],
)
def test_a_secret_inside_a_longer_text_is_not_logged(text: str) -> None:
    redacted = redact(None, "", {"event": text})["event"]
    assert "48IeltTF" not in redacted
    assert REDACTED in redacted


@pytest.mark.usefixtures("stream")
def test_a_full_disk_behind_the_log_fails_nothing_that_is_logged_and_the_log_goes_on_after_it() -> None:
    disk = FullDisk()
    set_up_logs("info", disk)
    log = structlog.get_logger()
    log.error("worker stumbled", exc_info=ValueError("a defect"))
    logging.getLogger("library").error("lost, too")
    disk.full = False
    log.info("request")
    assert [one["event"] for one in lines(disk)] == ["request"]


def test_what_is_no_secret_is_left_as_it_is() -> None:
    event = {"event": "request", "route": "/admin/link/{token}", "status": 200, "ms": 1.5, "at": None}
    assert redact(None, "", dict(event)) == event


def test_a_count_of_what_has_a_secrets_name_is_none() -> None:
    event = {"event": "swept", "oidc_refresh_tokens": 3, "app_secrets": 0, "deep": {"registration_tokens": 2}}
    assert redact(None, "", dict(event)) == event
    assert redact(None, "", {"event": "x", "tokens": [{"token": "hunter2"}, 7]})["tokens"] == REDACTED


def test_our_lines_and_those_of_libraries_are_json_with_time_level_and_request_id(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="req-1"):
        structlog.get_logger().info("ours", password="hunter2")
        logging.getLogger("some.library").warning("theirs: %s", "postgresql://bo:hunter2@db/x")
    ours, theirs = lines(stream)
    assert (ours["event"], ours["level"], ours["request_id"]) == ("ours", "info", "req-1")
    assert (theirs["level"], theirs["logger"], theirs["request_id"]) == ("warning", "some.library", "req-1")
    assert str(ours["at"]).endswith("Z")
    assert "hunter2" not in stream.getvalue()


def test_an_exception_keeps_its_story_but_no_values_of_variables(stream: io.StringIO) -> None:
    def fail(password: str) -> None:
        raise RuntimeError(f"failed with {len(password)} letters")

    try:
        fail("hunter2")
    except RuntimeError:
        structlog.get_logger().exception("unexpected")
    (line,) = lines(stream)
    assert "RuntimeError: failed with 7 letters" in str(line["exception"])
    assert "hunter2" not in stream.getvalue().replace('fail(\\"hunter2\\")', "")


def test_libraries_are_not_heard_below_warning_and_we_not_below_the_level(stream: io.StringIO) -> None:
    logging.getLogger("sqlalchemy.engine").info("SELECT everything")
    structlog.get_logger().debug("too much")
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    "shape",
    [
        r"[a-z]{2,6}://[a-z]{0,4}:[a-z0-9]{8,20}@[a-z]{1,8}",
        r".{0,9}/link/[A-Za-z0-9_-]{20,40}",
        r"(?i).{0,9}samlresponse=[A-Za-z0-9+/]{8,40}",
        r"(?i).{0,9}bearer [A-Za-z0-9._~+/=-]{8,40}",
    ],
)
def test_whatever_could_carry_a_secret_is_looked_at(shape: str) -> None:
    @given(st.from_regex(shape, fullmatch=True))
    def holds(text: str) -> None:
        expected = text
        for pattern in _SECRET_TEXTS:
            expected = pattern.sub(REDACTED, expected)
        assert redact(None, "", {"event": text})["event"] == expected

    holds()
