"""What the how-to pages show, taken out of them: with the values of a test instead of the page's, and run as apps of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.relying_parties.processes import listening
from tests.support.tools import ROOT, tool
from vestibule.web.recipes import SECRET

# The values that the pages show.
ISSUER: Final = "https://sso.example.com/e/prod"
CLIENT_ID: Final = "app_01jd8w4tq5e8m3x7k2v9r6ybnz"
APP_URL: Final = "https://app.example.com"
_CLEAN: Final = {"PYTHONDONTWRITEBYTECODE": "1", "NO_PROXY": "127.0.0.1"}


@dataclass(frozen=True, slots=True)
class Client:
    """Who the app is to the server, and where it shall listen."""

    issuer: str
    client_id: str
    secret: str
    port: int

    @property
    def base_url(self) -> str:
        """Return where the app is."""
        return f"http://127.0.0.1:{self.port}"


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a how-to page that are of this language, a regular expression."""
    text = (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def replaced(code: str, values: dict[str, str]) -> str:
    """Put a test's values where the page has its own; each has to be there."""
    for shown, ours in values.items():
        assert shown in code, shown
        code = code.replace(shown, ours)
    return code


@contextmanager
def fastapi_app(client: Client) -> Iterator[str]:
    """Run the file that the page about FastAPI shows; give its address."""
    (code,) = blocks("app-fastapi.md", "python")
    ours = {ISSUER: client.issuer, CLIENT_ID: client.client_id, APP_URL: client.base_url}
    secrets = {"SESSION_SECRET": "only-for-this-test", "VESTIBULE_CLIENT_SECRET": client.secret}
    with _fastapi(client, replaced(code, ours), secrets) as base_url:
        yield base_url


_DJANGO_URLS: Final = """
import json
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.urls import path

@login_required
def front(request):
    groups = sorted(group.name for group in request.user.groups.all())
    uid = request.user.socialaccount_set.get().uid
    return HttpResponse(json.dumps({"email": request.user.email, "groups": groups, "sub": uid}))

urlpatterns = [path("", front)]
"""
_DJANGO_ME: Final = """
from django.http import JsonResponse
from django.urls import path

urlpatterns = [path("me", lambda request: JsonResponse({"email": request.person["email"]}))]
"""
_DJANGO_APP: Final = """
from django.apps import AppConfig

class People(AppConfig):
    name = "people"

    def ready(self):
        from people import signals
"""


@contextmanager
def django_app(client: Client) -> Iterator[str]:
    """Run a new Django project with what the page about Django shows; give its address."""
    settings, urls, signals = blocks("app-django.md", "python")
    ours = {ISSUER: client.issuer, CLIENT_ID: client.client_id, SECRET: client.secret}
    settings = replaced(settings, ours) + '\nINSTALLED_APPS += ["people.apps.People"]\n'
    files = {"people/apps.py": _DJANGO_APP, "people/signals.py": signals}
    with _django_project(client, settings, _DJANGO_URLS + urls, files) as base_url:
        yield base_url


@contextmanager
def django_service(client: Client) -> Iterator[str]:
    """Run a new Django project behind the middleware of the page about identity tokens; give its address."""
    shown = blocks("verify-identity-token.md", "python")
    files = {"identity.py": replaced(shown[0], _as_verified(client)) + shown[3]}
    settings = '\nMIDDLEWARE.insert(0, "identity.IdentityMiddleware")\n'
    with _django_project(client, settings, _DJANGO_ME, files) as base_url:
        yield base_url


@contextmanager
def fastapi_service(client: Client) -> Iterator[str]:
    """Run what the page about identity tokens shows for FastAPI; give its address."""
    shown = blocks("verify-identity-token.md", "python")
    with _fastapi(client, replaced(shown[0], _as_verified(client)) + shown[2], {}) as base_url:
        yield base_url


def _as_verified(client: Client) -> dict[str, str]:
    return {"https://vestibule.example.com/e/prod": client.issuer, CLIENT_ID: client.client_id}


@contextmanager
def _fastapi(client: Client, code: str, secrets: dict[str, str]) -> Iterator[str]:
    with _folder() as folder:
        (folder / "main.py").write_text(code, encoding="utf-8")
        command = [sys.executable, "-m", "uvicorn", "main:app", "--port", str(client.port), "--log-level", "warning"]
        with listening(command, folder, client.port, _CLEAN | secrets) as base_url:
            yield base_url


@contextmanager
def _django_project(client: Client, settings: str, urls: str, files: dict[str, str]) -> Iterator[str]:
    """Run what `startproject` makes, with more at the end of its settings, other URLs, and files of its own."""
    with _folder() as folder:
        manage = [sys.executable, "manage.py"]
        _run([sys.executable, "-m", "django", "startproject", "mysite", str(folder)], folder)
        with (folder / "mysite" / "settings.py").open("a", encoding="utf-8") as file:
            file.write(settings)
        for name, text in {"mysite/urls.py": urls, **files}.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        _run([*manage, "check", "--fail-level", "WARNING"], folder)
        _run([*manage, "migrate", "-v", "0"], folder)
        serve = [*manage, "runserver", "--noreload", str(client.port)]
        with listening(serve, folder, client.port, _CLEAN) as base_url:
            yield base_url


_NEXT: Final = Path(__file__).with_name("nextjs")
_NEXT_FILES: Final = {
    "app/layout.js": "export default ({ children }) => <html lang='en'><body>{children}</body></html>;",
    "app/page.js": "export default () => <a href='/api/auth/signin'>Sign in</a>;",
}


@contextmanager
def nextjs_app(client: Client) -> Iterator[str]:
    """Build and run a Next.js app with the file that the page about Next.js shows; give its address."""
    (code,) = blocks("app-nextjs.md", "js")
    route = replaced(code, {ISSUER: client.issuer, CLIENT_ID: client.client_id})
    if not (_NEXT / "node_modules").exists():
        raise AssertionError("run `make test` once, or `npm ci` in tests/relying_parties/nextjs")
    with _folder() as folder:
        for name, text in {**_NEXT_FILES, "app/api/auth/[...nextauth]/route.js": route}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        shutil.copyfile(_NEXT / "package.json", folder / "package.json")
        # Its compiler refuses packages that a link leads to out of the folder.
        shutil.copytree(_NEXT / "node_modules", folder / "node_modules", symlinks=True, copy_function=_same_file)
        settings = {
            "NEXTAUTH_URL": client.base_url,
            "NEXTAUTH_SECRET": "only-for-this-test",
            "VESTIBULE_CLIENT_SECRET": client.secret,
            "NEXT_TELEMETRY_DISABLED": "1",
        }
        next_js = [tool("node"), "node_modules/next/dist/bin/next"]
        _run([*next_js, "build"], folder, settings)
        serve = [*next_js, "start", "-H", "127.0.0.1", "-p", str(client.port)]
        with listening(serve, folder, client.port, _CLEAN | settings) as base_url:
            yield base_url


def _same_file(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _run(command: list[str], folder: Path, settings: Mapping[str, str] = MappingProxyType({})) -> None:
    done = subprocess.run(command, cwd=folder, env={**os.environ, **settings}, capture_output=True, check=False)
    assert done.returncode == 0, f"{command}:\n{(done.stdout + done.stderr).decode(errors='replace')}"


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="snippet-") as name:
        yield Path(name)
