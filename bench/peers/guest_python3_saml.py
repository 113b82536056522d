"""Runs inside python3-saml's own environment, so it imports nothing of ours: verifies one message many times, prints CPU microseconds.

python guest_python3_saml.py MESSAGE_FILE: JSON with field, certificate, idp, sp, acs, request_id, times.
"""

import json
import sys
import time
from pathlib import Path

from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings


def main() -> None:
    """Verify, and print the best and the median of many."""
    given = json.loads(Path(sys.argv[1]).read_text())
    settings = OneLogin_Saml2_Settings(
        {
            "strict": True,
            "sp": {"entityId": given["sp"], "assertionConsumerService": {"url": given["acs"]}},
            "idp": {
                "entityId": given["idp"],
                "singleSignOnService": {"url": "https://idp.bench.example/sso"},
                "x509cert": given["certificate"],
            },
            "security": {"wantAssertionsSigned": True, "rejectUnsolicitedResponsesWithInResponseTo": True},
        },
        sp_validation_only=True,
    )
    scheme, _, rest = given["acs"].partition("://")
    host, _, path = rest.partition("/")
    request = {
        "https": "on" if scheme == "https" else "off",
        "http_host": host,
        "script_name": f"/{path}",
        "get_data": {},
    }
    taken = []
    for _ in range(given["times"]):
        started = time.process_time_ns()
        response = OneLogin_Saml2_Response(settings, given["field"])
        response.is_valid(request, given["request_id"], raise_exceptions=True)
        groups = response.get_attributes()
        name_id = response.get_nameid()
        taken.append((time.process_time_ns() - started) / 1000)
        if name_id != given["name_id"] or max(len(values) for values in groups.values()) != given["groups"]:
            raise SystemExit("python3-saml read something else")
    print(json.dumps(sorted(taken)[len(taken) // 2]))


main()
