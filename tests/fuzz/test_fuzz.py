"""Each target holds for its seeds and for a brief run; the long one is `make fuzz`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import SEEDS
from tests.fuzz.targets import TARGETS
from tests.support.tools import ROOT

RUNS = 1000


def kept() -> list[tuple[str, Path]]:
    return [(name, path) for name in TARGETS for path in sorted((SEEDS / name).iterdir())]


@pytest.mark.parametrize(("name", "seed"), kept(), ids=lambda value: value.name if isinstance(value, Path) else value)
def test_a_seed_gives_nothing_but_refusals(name: str, seed: Path) -> None:
    TARGETS[name](seed.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_a_brief_run_gives_nothing_but_refusals(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.fuzz",
            name,
            f"-runs={RUNS}",
            "-seed=1",
            f"-artifact_prefix={tmp_path}/",
            str(tmp_path),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"Done {RUNS} runs" in done.stdout + done.stderr


def test_every_target_has_seeds_and_no_seed_is_large() -> None:
    assert {path.name for path in SEEDS.iterdir()} == set(TARGETS)
    assert all(list((SEEDS / name).iterdir()) for name in TARGETS)
    assert all(seed.stat().st_size <= 20_000 for _, seed in kept())
