"""Apache with mod_auth_openidc: the module guards one page, which shows what it was told of the person."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.support.tools import tool

MODULES: Final = Path("/usr/lib/apache2/modules")

# SSI shows the environment that the module sets: no program of ours stands between.
_CONFIGURATION: Final = """
ServerRoot {folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog /dev/stderr
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


def apache_command(folder: Path, port: int, issuer: str, client_id: str, client_secret: str) -> list[str]:
    """Write a configuration into a folder; return the command that runs Apache with it."""
    folder.chmod(0o755)  # its workers are www-data
    values = {"folder": folder, "modules": MODULES, "port": port, "issuer": issuer}
    values |= {"clientId": client_id, "clientSecret": client_secret}
    (folder / "htdocs" / "guarded").mkdir(parents=True)
    (folder / "apache.conf").write_text(_CONFIGURATION.format(**values))
    (folder / "htdocs" / "index.shtml").write_text(_OPEN)
    (folder / "htdocs" / "guarded" / "index.shtml").write_text(_GUARDED.format(**values))
    return [tool("apache2"), "-DFOREGROUND", "-f", str(folder / "apache.conf")]
