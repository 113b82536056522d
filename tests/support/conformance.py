"""Conformance of the SCIM server as others judge it: their tools, run as commands against a running server.

Owns how each is started and which of its findings stand against the RFC or our decision, each with its reason.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.directories import Directory

# scim-sanity wants 200 with the group from every PATCH. RFC 7644, 3.5.2: a server answers 200 or, where no attributes are asked
# for, 204; a group of 10,000 is not sent back for each member.
SANITY_ALLOWED = {"PATCH /Groups/{id}", "PATCH /Groups/{id} add member", "PATCH /Groups/{id} remove members"}
# Of Microsoft's collection, by request and assertion.
MICROSOFT_ALLOWED = {
    # RFC 7644, 4: the endpoint is /ServiceProviderConfig.
    ("Get ServiceProviderConfig", "Status code is 200"),
    ("Get ServiceProviderConfig", "Pach supported is true"),
    # RFC 7643, 4.2: a member has no displayName, so there is nothing to give back.
    ("Get group by id", "Body contians user"),
    # It wants 204 from a PATCH of a user, where others want 200; both are right (RFC 7644, 3.5.2), and we answer 200.
    ("Patch user omalley new username", "Status code is 204"),
    ("patch user omalley active with boolean", "Status code is 204"),
}
MICROSOFT_FOLDERS = (
    "Endpoint tests",
    "User tests",
    "Group tests",
    "ComplexAttribute tests",
    "User tests with garbage",
    "Group tests with garbage",
    "Teardown garbage",
)
_BIN = Path(sys.executable).parent


def run(command: list[str], **environment: str) -> tuple[int, str]:
    """Run a tool; return its exit status and all that it said."""
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False
    )
    return done.returncode, re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)


def scim2_test(directory: Directory) -> tuple[int, str]:
    """Run `scim2 test` (scim2-cli with scim2-tester). Its status is 0 when nothing failed and nothing was skipped."""
    header = f"Authorization: {directory.http.headers['authorization']}"
    return run([str(_BIN / "scim2"), "--url", base_of(directory), "test"], SCIM_CLI_HEADERS=header)


def scim_sanity(directory: Directory) -> tuple[set[str], int]:
    """Run scim-sanity's probe; return the checks that failed, and how many passed."""
    token = directory.http.headers["authorization"].removeprefix("Bearer ")
    probe = [str(_BIN / "scim-sanity"), "probe", base_of(directory), "--token", token, "--i-accept-side-effects"]
    _, said = run(probe)
    failed = {one.strip() for one in re.findall(r"\[FAIL\] (.+)", said)}
    return failed, len(re.findall(r"\[PASS\]", said))


def base_of(directory: Directory) -> str:
    """Return the base URL without the slash at its end."""
    return str(directory.http.base_url).rstrip("/")


def okta_spec(directory: Directory, data: Path) -> tuple[int, str]:
    """Run Okta's SPEC test, which wants one full user to be there; return its status and what it said."""
    directory.create("full.user@example.com")
    runner, steps = data / "run_okta_spec.py", data / "okta-scim20-spec-test.json"
    authorization = directory.http.headers["authorization"]
    return run([sys.executable, str(runner), str(steps), base_of(directory), authorization])


def microsoft_collection(
    directory: Directory, data: Path, newman: str, folder: Path
) -> tuple[int, set[tuple[str, str]]]:
    """Run Microsoft's collection with newman on a connection without users; return how many assertions there were, and what failed."""
    url = directory.http.base_url
    report = folder / "newman.json"
    values = {
        "Protocol": url.scheme,
        "Server": url.host,
        "Port": f":{url.port}",
        "Api": url.path.strip("/"),
        "token": directory.http.headers["authorization"].removeprefix("Bearer "),
    }
    command = [newman, "run", str(data / "microsoft-scim-reference.postman_collection.json")]
    for name in MICROSOFT_FOLDERS:
        command += ["--folder", name]
    for name, value in values.items():
        command += ["--env-var", f"{name}={value}"]
    _, said = run([*command, "--reporters", "json", "--reporter-json-export", str(report)])
    assert report.exists(), said
    found = json.loads(report.read_text())["run"]
    failed = {
        (one["source"]["name"], one["error"].get("test") or one["error"]["message"])
        for one in found["failures"]
        if one.get("source")
    }
    return int(found["stats"]["assertions"]["total"]), failed
