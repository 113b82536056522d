"""What commands print: answers on standard output, as text or as JSON; problems on standard error, one line each."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from vestibule.kernel.errors import DatabaseDamaged, DatabaseUnreachable, FieldError, Invalid, VestibuleError

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for scripts.")]


class UsageProblem(typer.TyperException):
    """The command was called in a way that can't work. The sentence says what would."""

    exit_code = 2


def answer(values: Mapping[str, object], text: str, *, as_json: bool) -> None:
    """Print an answer: `values` for scripts, `text` for people."""
    print(json.dumps(values, ensure_ascii=False) if as_json else text)


def complain(sentence: str) -> None:
    """Print one line about a problem to standard error."""
    print(f"vestibule: {' '.join(sentence.split())}", file=sys.stderr)


def sentence_of(error: VestibuleError) -> str:
    """Return what to say about a refusal, in one line: of wrong values each one, by the name of its option."""
    errors = error.errors if isinstance(error, Invalid) else (error,)
    return " ".join(
        f"--{one.field.replace('_', '-')}: {one}" if isinstance(one, FieldError) else str(one) for one in errors
    )


def mend_database(error: DatabaseUnreachable) -> str:
    """Return what the operator can do about a database that does not answer."""
    if isinstance(error, DatabaseDamaged):
        return (
            "If VESTIBULE_DATABASE_URL and the data folder are right, the database is damaged: stop every server, keep the file,"
            " and put the last backup back."
        )
    return (
        "Check VESTIBULE_DATABASE_URL and the data folder, that it runs, that this user may write it, and the space on its disk;"
        " a new install begins with: vestibule init"
    )
