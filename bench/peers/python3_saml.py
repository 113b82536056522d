"""python3-saml (PyPI), in an environment of its own: what it takes to verify the message that we verify."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Final

from bench.ground import cores, pin
from bench.peers import PeerMissingError, ensure_python, environment, messages
from bench.sign_ins import GROUPS
from tests.saml import forge

_GUEST: Final = Path(__file__).with_name("guest_python3_saml.py")
_SP: Final = "https://sp.bench.example/saml/metadata"
_ACS: Final = "https://sp.bench.example/saml/acs"
_SECONDS: Final = 300


def measure(folder: Path, times: int) -> float:
    """Return the CPU microseconds of one verification, the median of many. Raises PeerMissingError."""
    python = ensure_python()
    data = messages.response(_ACS, _SP, "_request1", 0)
    given = {
        "field": forge.post_field(data),
        "certificate": forge.key("idp").certificate_base64,
        "idp": messages.IDP,
        "sp": _SP,
        "acs": _ACS,
        "request_id": "_request1",
        "name_id": "person0@example.com",
        "groups": len(GROUPS.values),
        "times": times,
    }
    path = folder / "python3-saml.json"
    path.write_text(json.dumps(given))
    command = [str(python), str(_GUEST), str(path)]
    guest = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    pin(guest.pid, cores().server)
    said, complained = guest.communicate(timeout=_SECONDS)
    if guest.returncode != 0:
        raise PeerMissingError(f"python3-saml failed: {complained.strip().rpartition(chr(10))[2][:200]}")
    return float(json.loads(said))
