"""The site: what every door shares for the life of the process, made once by `app`."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import Environment

from vestibule.flows.parts.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Site:
    """The runtime of the flows, the templates, and how cookies are named and marked here."""

    runtime: Runtime
    templates: Environment
    https: bool

    def cookie_name(self, name: str) -> str:
        """Return a cookie's name: `__Host-` on https, so that no subdomain and no http page can set it."""
        return f"__Host-vestibule_{name}" if self.https else f"vestibule_{name}"
