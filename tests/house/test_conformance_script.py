"""`.ci/scim_conformance` without the vendors' data: fine where nobody named a folder, a failure where the named one is not there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.tools import ROOT


def run(folder: Path, **named: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of the script in a checkout that has no data beside it."""
    script = folder / "checkout" / ".ci" / "scim_conformance"
    script.parent.mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "scim_conformance", script)
    environment = {name: value for name, value in os.environ.items() if name != "VESTIBULE_SCIM_DATA"}
    return subprocess.run([script], env=environment | named, capture_output=True, text=True, check=False)


def test_without_data_and_without_a_named_folder_it_says_so_and_is_content(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0
    assert "no vendors' SCIM data" in done.stderr


def test_a_named_folder_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    done = run(tmp_path, VESTIBULE_SCIM_DATA=str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert str(tmp_path / "nowhere") in done.stderr
