"""Rules about the repository itself: sizes, lock files, vendored files. What ruff, mypy and import-linter hold is not repeated here."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.support.tools import ROOT

VENDOR = ROOT / "src" / "vestibule" / "web" / "static" / "vendor"
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
MAX_FILE_LINES = 400
MAX_TEST_FILE_LINES = 600
MAX_FUNCTION_LINES = 60


@cache
def tracked_files() -> tuple[Path, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def python_files() -> list[Path]:
    """A migration is one long list of columns and is never changed again: it has no ceiling."""
    return [path for path in tracked_files() if path.suffix == ".py" and path.parent.name != "versions"]


def test_no_file_grows_over_its_ceiling() -> None:
    assert python_files()
    too_long = {
        str(path.relative_to(ROOT)): lines
        for path in python_files()
        if (lines := len(path.read_text(encoding="utf-8").splitlines()))
        > (MAX_TEST_FILE_LINES if path.is_relative_to(ROOT / "tests") else MAX_FILE_LINES)
    }
    assert too_long == {}


def test_no_function_grows_over_its_ceiling() -> None:
    too_long = {
        f"{path.relative_to(ROOT)}:{node.name}": lines
        for path in python_files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    }
    assert too_long == {}


def test_every_suppressed_check_gives_its_reason() -> None:
    suppression = re.compile(r"#\s*(?:type: ignore|noqa)\b(?:\[[\w, -]+\]|: [A-Z]+\d+(?:, ?[A-Z]+\d+)*)?(?P<reason>.*)")
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in python_files()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (found := suppression.search(line)) and not re.match(r"\s+[#-]+\s+\w", found["reason"])
    ]
    assert bare == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_file_pins_every_package_by_hash_and_names_no_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)\b", text, re.MULTILINE)
    entries = re.findall(
        r"^([a-z0-9][\w.-]*)==(\S+)((?:.*\\\n)(?:\s+--hash=sha256:[0-9a-f]{64}.*\n)+)", text, re.MULTILINE
    )
    requirements = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
    assert len(requirements) == len(entries) > 0


def test_the_lock_files_hold_every_dependency_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {"runtime": project["project"]["dependencies"], "dev": project["dependency-groups"]["dev"]}
    for name, requirements in wanted.items():
        locked = set(
            re.findall(r"^([a-z0-9][\w.-]*)==", (ROOT / "requirements" / f"{name}.lock").read_text(), re.MULTILINE)
        )
        names = {re.split(r"[\[><=;~! ]", requirement)[0].lower().replace("_", "-") for requirement in requirements}
        assert names - locked == set(), f"run make lock: requirements/{name}.lock is behind pyproject.toml"


def test_every_dependency_of_the_product_has_its_reason_written_down() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    table = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("## Dependencies")[1].lower()
    names = {re.split(r"[\[><=;~! ]", requirement)[0].lower() for requirement in project["project"]["dependencies"]}
    assert {name for name in names if not re.search(rf"\b{re.escape(name.removeprefix('python-'))}\b", table)} == set()


def test_the_lock_files_agree_with_each_other() -> None:
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in re.findall(r"^([a-z0-9][\w.-]*)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE):
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_vendored_files_are_those_of_the_checksum_list_and_no_others() -> None:
    lines = (VENDOR / "CHECKSUMS").read_text(encoding="utf-8").splitlines()
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    actual = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.name not in {"CHECKSUMS", "README.md"}
    }
    assert listed == actual
    assert "tabler.min.css" in actual


@pytest.mark.parametrize("style", sorted(VENDOR.parent.rglob("*.css")), ids=lambda path: path.name)
def test_no_style_loads_anything_from_another_host(style: Path) -> None:
    text = style.read_text(encoding="utf-8")
    assert "@import" not in text
    loaded = re.findall(r"url\(\s*[\"']?([^\"')\s]+)", text)
    assert loaded
    for target in loaded:
        assert target.startswith("data:image/svg+xml") or (style.parent / target).is_file(), target


def test_every_link_between_the_documents_leads_somewhere() -> None:
    documents = [path for path in tracked_files() if path.suffix == ".md"]
    links = [
        (document, target)
        for document in documents
        for target in re.findall(r"\]\(([^)\s#]+)", document.read_text(encoding="utf-8"))
        if not re.match(r"[a-z]+:", target)
    ]
    assert links
    dead = [
        f"{document.relative_to(ROOT)}: {target}"
        for document, target in links
        if not (document.parent / target).exists()
    ]
    assert dead == []
