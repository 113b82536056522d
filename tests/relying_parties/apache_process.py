"""Apache with mod_auth_openidc as a process: the module guards one page, which shows what it was told of the person.

python -m tests.relying_parties.apache_process '{"readyFile": …, "port": …, "issuer": …, "clientId": …, "clientSecret": …}'

Ends Apache when its standard input ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from tests.support.tools import tool

MODULES: Final = Path("/usr/lib/apache2/modules")
_START_SECONDS: Final = 60

# SSI shows the environment that the module sets: no program of ours stands between.
_CONFIGURATION: Final = """
ServerRoot {folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
LogLevel warn auth_openidc:info
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule mime_module {modules}/mod_mime.so
LoadModule dir_module {modules}/mod_dir.so
LoadModule filter_module {modules}/mod_filter.so
LoadModule include_module {modules}/mod_include.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
User www-data
Group www-data
DocumentRoot {folder}/htdocs
TypesConfig /dev/null
AddType text/html .shtml
DirectoryIndex index.shtml

OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {clientId}
OIDCClientSecret {clientSecret}
OIDCRedirectURI http://127.0.0.1:{port}/guarded/callback
OIDCCryptoPassphrase only-for-this-test-0123456789
OIDCScope "openid profile email groups"
OIDCPKCEMethod S256
OIDCRemoteUserClaim email
OIDCPassClaimsAs environment
OIDCDefaultLoggedOutURL http://127.0.0.1:{port}/
OIDCSSLValidateServer Off

<Directory {folder}/htdocs>
    Options +Includes
    AddOutputFilter INCLUDES .shtml
    Require all granted
</Directory>
<Location /guarded>
    AuthType openid-connect
    Require valid-user
</Location>
"""
_GUARDED: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Guarded · Apache</title>
<link rel="icon" href="data:,"></head><body><main><h1>Guarded</h1>
<p id="user"><!--#echo var="REMOTE_USER" --></p><p id="name"><!--#echo var="OIDC_CLAIM_name" --></p>
<p id="groups"><!--#echo var="OIDC_CLAIM_groups" --></p><p id="issuer"><!--#echo var="OIDC_CLAIM_iss" --></p>
<p><a href="/guarded/callback?logout=http%3A%2F%2F127.0.0.1%3A{port}%2F">Sign out</a></p></main></body></html>
"""
_OPEN: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Open · Apache</title>
<link rel="icon" href="data:,"></head><body><main><h1>Open to everybody</h1></main></body></html>
"""


def main() -> int:
    """Serve until standard input ends."""
    options = json.loads(sys.argv[1])
    folder = Path(options["readyFile"]).parent
    folder.chmod(0o755)  # its workers are www-data
    _write(folder, options)
    with subprocess.Popen([tool("apache2"), "-DFOREGROUND", "-f", str(folder / "apache.conf")]) as apache:
        try:
            _wait(apache, options["port"], folder)
            partial = folder / "ready.partial"
            partial.write_text(json.dumps({"base_url": f"http://127.0.0.1:{options['port']}"}))
            partial.rename(options["readyFile"])
            sys.stdin.read()
        finally:
            apache.terminate()
    return 0


def _write(folder: Path, options: dict[str, str]) -> None:
    values = {**options, "folder": folder, "modules": MODULES}
    (folder / "htdocs" / "guarded").mkdir(parents=True)
    (folder / "apache.conf").write_text(_CONFIGURATION.format(**values))
    (folder / "htdocs" / "index.shtml").write_text(_OPEN)
    (folder / "htdocs" / "guarded" / "index.shtml").write_text(_GUARDED.format(**values))


def _wait(apache: subprocess.Popen[bytes], port: str, folder: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                return
        except OSError as error:
            if apache.poll() is not None or time.monotonic() > end:
                log = folder / "error.log"
                said = log.read_text(errors="replace") if log.exists() else ""
                raise SystemExit(f"Apache did not start: {error}\n{said}") from error
        time.sleep(0.05)


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    sys.exit(main())
