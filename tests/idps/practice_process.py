"""The practice identity provider as a process of its own. Usage: practice_process.py --ready-file FILE [--port N]"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.idps.serving import serve_until_input_ends
from vestibule.kernel.clock import system_clock
from vestibule.practice.directories import DIRECTORY_PEOPLE
from vestibule.practice.idp import PracticeIdp
from vestibule.practice.people import PEOPLE
from vestibule.practice.server import base_url_of, listen_on_loopback


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready-file", type=Path, required=True)
    arguments = parser.parse_args()
    listener = listen_on_loopback(arguments.port)
    idp = PracticeIdp(base_url_of(listener), (*PEOPLE, *DIRECTORY_PEOPLE), system_clock)
    facts = {
        "base_url": idp.base_url,
        "entity_id": idp.entity_id,
        "metadata_url": f"{idp.base_url}/metadata",
        "sso_url": idp.sso_url,
    }
    serve_until_input_ends(idp.app, listener, arguments.ready_file, facts)


if __name__ == "__main__":
    main()
