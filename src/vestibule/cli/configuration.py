"""How commands find their settings and open the database. The settings themselves are `vestibule.settings`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from vestibule.app import build_runtime
from vestibule.flows import readiness
from vestibule.flows.parts.runtime import Runtime
from vestibule.settings import PREFIX, Settings, load_settings

DATA_DIR: Final = f"{PREFIX}DATA_DIR"
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help=f"The folder of vestibule.toml and the embedded database ({DATA_DIR}).",
        show_default="./vestibule-data",
    ),
]


def use_data_dir(data_dir: Path | None) -> None:
    """Let `--data-dir` win over the environment, in this process and in the workers that it starts."""
    if data_dir is not None:
        os.environ[DATA_DIR] = str(data_dir.absolute())


def read_settings(data_dir: Path | None) -> Settings:
    """Return the settings. Raises SettingsError."""
    use_data_dir(data_dir)
    return load_settings()


@contextmanager
def opened(data_dir: Path | None) -> Iterator[Runtime]:
    """Open the configured database at this release's schema. Raises SettingsError, SchemaOutdated, DatabaseUnreachable."""
    runtime = build_runtime(read_settings(data_dir))
    try:
        readiness.check(runtime)
        yield runtime
    finally:
        runtime.database.close()
