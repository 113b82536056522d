"""Where the programs are that the tests start. Owns reading `.cache/test-tools.json`; finding them is `scripts/test_tools.py`."""

from __future__ import annotations

import json
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tool(name: str) -> str:
    """Return the path of a program by its name in that file. Fails, never skips: a test that could not run is not a passed one."""
    named = os.environ.get(f"VESTIBULE_TEST_{name.upper()}")
    if named:
        return named
    found = ROOT / ".cache" / "test-tools.json"
    path = json.loads(found.read_text()).get(name) if found.exists() else None
    if not isinstance(path, str) or not Path(path).exists():
        raise AssertionError(f"{name} is not set up: run `make test` once, or `.venv/bin/python scripts/test_tools.py`")
    return path


def product_environment(**settings: str) -> dict[str, str]:
    """Return an environment for a process of the product: ours without any VESTIBULE_ key, plus `settings` (full key names)."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("VESTIBULE_")}
    return {**inherited, **settings}
