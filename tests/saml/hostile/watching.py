"""Watching what a verification does: what it opens, how much it reads and calls, and how what it says would look."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from vestibule.saml import xml
from vestibule.saml.errors import SamlError

_TOUCHES: Final = re.compile(
    r"open|socket\.|subprocess\.|os\.|shutil\.|urllib\.|http\.|tempfile\.|sqlite3\.|ctypes\.|import|exec|compile"
)
_IO: Final = Path("/proc/thread-self/io")
_touched: list[str] | None = None


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if _touched is not None and _TOUCHES.match(event):
        _touched.append(f"{event} {args!r:.200}")


# An audit hook can't be taken away again, so there is one, which listens only while somebody watches (PEP 578).
sys.addaudithook(_audit)


def _system_calls() -> int:
    # Reads and writes of this thread, those of C libraries too; Linux counts them.
    return sum(int(each) for each in re.findall(r"sysc[rw]: (\d+)", _IO.read_text())) if _IO.exists() else 0


@contextmanager
def nothing_touched() -> Iterator[None]:
    """Fail when anything inside opens, reads, writes, connects or starts something."""
    global _touched  # noqa: PLW0603 - the hook outlives every object that could hold the list
    idle = _system_calls()
    idle = _system_calls() - idle
    before = _system_calls()
    found: list[str] = []
    _touched = found
    try:
        yield
    finally:
        _touched = None
    assert found == []
    assert _system_calls() - before == idle


@dataclass
class Work:
    """How much was done: calls of Python, bytes that were parsed and bytes that were written in canonical form."""

    calls: int = 0
    parsed: int = 0
    canonical: int = 0
    parses: int = 0
    _frames: list[object] = field(default_factory=list, repr=False)


@contextmanager
def counted(monkeypatch: Any) -> Iterator[Work]:
    """Count the work that is done inside. Counts are the same each time, on any machine, which time is not."""
    work = Work()

    def profile(_frame: object, event: str, _argument: object) -> None:
        work.calls += event in ("call", "c_call")

    def parsing(parse: Callable[..., Any]) -> Callable[..., Any]:
        def parsed(data: bytes, *arguments: Any) -> Any:
            work.parses += 1
            work.parsed += len(data)
            return parse(data, *arguments)

        return parsed

    canonicalize = xml.canonicalize

    def canonicalized(*arguments: Any) -> bytes:
        data = canonicalize(*arguments)
        work.canonical += len(data)
        return data

    with monkeypatch.context() as patched:
        patched.setattr(xml, "parse_untrusted", parsing(xml.parse_untrusted))
        patched.setattr(xml, "parse_canonical", parsing(xml.parse_canonical))
        patched.setattr(xml, "canonicalize", canonicalized)
        sys.setprofile(profile)
        try:
            yield work
        finally:
            sys.setprofile(None)


def safe_to_show(error: SamlError) -> None:
    """Assert that whatever a refusal says may go to a log line, a terminal and a page: bounded, printable, one line.

    Markup is text to all of them; the sentence for strangers repeats nothing of the message.
    """
    texts = [error.reason, error.expected, error.received]
    for check in error.checks:
        texts += [check.expected, check.received]
    for text in texts:
        assert len(text) <= 300
        # Spaces of other scripts are content; control, bidi and line separators are not.
        assert all(char.isprintable() or unicodedata.category(char) == "Zs" for char in text)
    # The sentence is the class's own; what fills it is ours too: numbers, and times.
    assert all(re.fullmatch(r"[\w.:-]{1,40}", value) for value in error.params.values())
    assert str(error) == type(error).public % dict(error.params)
