"""`vestibule`: the list of commands, and the one table from a problem to an exit status: 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

import vestibule
from vestibule.cli import api_clients, demo, doctor, init, keys, people, saml, serve
from vestibule.cli.output import complain, mend_database, sentence_of
from vestibule.kernel.errors import DatabaseUnreachable, VestibuleError

app = typer.Typer(
    name="vestibule",
    help="The front room of a company’s own apps: SAML SSO, environments, people and groups in one place.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("init")(init.init)
app.command("serve")(serve.serve)
app.command("migrate")(serve.bring_to_release)
app.command("doctor")(doctor.doctor)
app.add_typer(keys.keys, name="keys")
app.add_typer(api_clients.api_client, name="api-client")
app.add_typer(people.admin, name="admin")
app.add_typer(people.workspace, name="workspace")
app.add_typer(saml.saml, name="saml")


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"vestibule {vestibule.__version__}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", help="Say which release this is.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line; return its exit status. Problems are one line on standard error."""
    try:
        status = app(arguments, prog_name="vestibule", standalone_mode=False)
    except typer.TyperException as error:
        complain(error.format_message())
        return error.exit_code
    except typer.Abort:
        complain("stopped.")
        return 1
    except DatabaseUnreachable as error:
        complain(f"The database does not answer: {error.reason}. {mend_database(error)}")
        return 1
    except VestibuleError as error:
        complain(sentence_of(error))
        return 1
    except OSError as error:
        complain(f"{error}.")
        return 1
    return status if isinstance(status, int) else 0


def main() -> None:
    """Be the `vestibule` command."""
    sys.exit(run(sys.argv[1:]))
