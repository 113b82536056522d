"""Debian's Shibboleth SP under Apache, sessions in memory: both of its processes on the core that Vestibule's worker had."""

from __future__ import annotations

import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from bench.client import post
from bench.ground import Ground, cores, pin
from bench.peers import PeerMissingError, PeerRate, cpu_seconds, install, messages, rate, running
from tests.saml import forge
from tests.support.served import settled_port

PACKAGES: Final = ("apache2-bin", "libapache2-mod-shib", "shibboleth-sp-utils")
SP: Final = "https://shibboleth.bench.example/sp"
_MODULES: Final = Path("/usr/lib/apache2/modules")
_START_SECONDS: Final = 60

_APACHE: Final = """
ServerRoot {folder}
PidFile {folder}/apache.pid
ErrorLog {folder}/apache-error.log
LogLevel error
DocumentRoot {folder}/htdocs
Listen 127.0.0.1:{port}
ServerName 127.0.0.1
User nobody
Group nogroup
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule mod_shib {modules}/mod_shib.so
ServerLimit 1
StartServers 1
ThreadsPerChild 16
MaxRequestWorkers 16
MinSpareThreads 1
MaxSpareThreads 16
KeepAlive On
MaxKeepAliveRequests 0
ShibConfig {folder}/shibboleth2.xml
<Location /Shibboleth.sso>
  Require all granted
</Location>
"""
_SP: Final = """<SPConfig xmlns="urn:mace:shibboleth:3.0:native:sp:config" clockSkew="180">
  <OutOfProcess logger="{folder}/shibd.logger"/>
  <InProcess logger="{folder}/native.logger"/>
  <UnixListener address="{folder}/shibd.sock"/>
  <ApplicationDefaults entityID="{sp}" REMOTE_USER="email" homeURL="http://127.0.0.1:{port}/">
    <Sessions lifetime="28800" timeout="3600" relayState="ss:mem" checkAddress="false" consistentAddress="false"
        handlerSSL="false" cookieProps="http">
      <SSO entityID="{idp}">SAML2</SSO>
    </Sessions>
    <MetadataProvider type="XML" validate="false" path="{folder}/idp.xml"/>
    <AttributeExtractor type="XML" validate="false" path="{folder}/attributes.xml"/>
    <AttributeResolver type="Query" subjectMatch="true"/>
    <CredentialResolver type="File" key="{folder}/sp.key" certificate="{folder}/sp.crt"/>
  </ApplicationDefaults>
  <SecurityPolicyProvider type="XML" validate="true" path="/etc/shibboleth/security-policy.xml"/>
  <ProtocolProvider type="XML" validate="true" reloadChanges="false" path="/etc/shibboleth/protocols.xml"/>
</SPConfig>
"""
_ATTRIBUTES: Final = """<Attributes xmlns="urn:mace:shibboleth:2.0:attribute-map">
  <Attribute name="email" id="email" nameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"/>
  <Attribute name="displayName" id="displayName" nameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"/>
  <Attribute name="http://schemas.xmlsoap.org/claims/Group" id="groups"
      nameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"/>
</Attributes>
"""
_LOGGER: Final = """log4j.rootCategory=ERROR, file
log4j.appender.file=org.apache.log4j.FileAppender
log4j.appender.file.fileName={folder}/{name}.log
log4j.appender.file.layout=org.apache.log4j.PatternLayout
log4j.appender.file.layout.ConversionPattern=%d %p %c: %m%n
"""


def measure(ground: Ground, number: int, clients: int) -> PeerRate:
    """Return the rate of sign-ins. Raises PeerMissingError where it can't be installed."""
    _ensure()
    port = settled_port()
    acs = f"http://127.0.0.1:{port}/Shibboleth.sso/SAML2/POST"
    prepared = messages.posts(acs, SP, [(None, "")] * (number + number // 2))
    warm, measured = prepared[number:], prepared[:number]
    with _served(ground.folder / "shibboleth", port) as processes:
        post(port, warm, ground.folder, clients)
        before = cpu_seconds(processes)
        posted = post(port, measured, ground.folder, clients)
        spent = cpu_seconds(processes) - before
    assert posted.statuses == {"302": number}, posted.statuses
    assert posted.with_cookie == number
    return rate(posted, spent)


def _ensure() -> None:
    if shutil.which("shibd") and (_MODULES / "mod_shib.so").exists():
        return
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise PeerMissingError(f"needs Debian's packages {', '.join(PACKAGES)}; install them, or run this as root")
    quiet = ("apt-get", "-qq", "-o=Dpkg::Use-Pty=0", "-o=Dpkg::Options::=--force-confold")
    install((*quiet, "update"), Path("/"), "apt-update.log")
    install((*quiet, "install", "-y", "--no-install-recommends", *PACKAGES), Path("/"), "apt-install.log")


@contextmanager
def _served(folder: Path, port: int) -> Iterator[tuple[int, int]]:
    _write(folder, port)
    with ExitStack() as stack:
        shibd = stack.enter_context(
            running(
                ("shibd", "-F", "-f", "-c", f"{folder}/shibboleth2.xml", "-p", f"{folder}/shibd.pid"),
                folder,
                "shibd.out",
            )
        )
        pin(shibd.pid, cores().server)
        _wait((folder / "shibd.sock").exists, "shibd", folder)
        (folder / "shibd.sock").chmod(0o777)
        apache = stack.enter_context(
            running(("apache2", "-DFOREGROUND", "-f", f"{folder}/apache.conf"), folder, "apache.out")
        )
        pin(apache.pid, cores().server)
        _wait(lambda: _answers(port), "Apache", folder)
        yield shibd.pid, apache.pid


def _write(folder: Path, port: int) -> None:
    (folder / "htdocs").mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    key = forge.key("shibboleth")
    values = {"folder": folder, "port": port, "modules": _MODULES, "sp": SP, "idp": messages.IDP}
    for name, text in (
        ("apache.conf", _APACHE.format(**values)),
        ("shibboleth2.xml", _SP.format(**values)),
        ("attributes.xml", _ATTRIBUTES),
        ("idp.xml", messages.metadata()),
        ("sp.key", key.private_pem),
        ("sp.crt", key.certificate_pem),
        ("shibd.logger", _LOGGER.format(folder=folder, name="shibd")),
        ("native.logger", _LOGGER.format(folder=folder, name="native")),
    ):
        (folder / name).write_text(text)
    for name in ("native.log", "shibd.log"):
        (folder / name).touch()
        (folder / name).chmod(0o666)


def _wait(ready: Callable[[], bool], what: str, folder: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while not ready():
        if time.monotonic() > end:
            raise PeerMissingError(f"{what} did not start; see its output: {_last_words(folder)}")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/Shibboleth.sso/SAML2/POST", timeout=10):
            return True
    except urllib.error.HTTPError:
        return True  # it has nothing to say to a GET
    except OSError:
        return False


def _last_words(folder: Path) -> str:
    said = [
        path.read_text(errors="replace").strip()
        for path in (folder / "apache.out", folder / "shibd.out")
        if path.exists()
    ]
    return " / ".join(text.rpartition("\n")[2][:200] for text in said)
