"""The site: what every door shares for the life of the process, made once by `app`."""

from __future__ import annotations

from dataclasses import dataclass, field

from jinja2 import Environment

from vestibule.flows.forward_auth import Recent
from vestibule.flows.parts.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Site:
    """The runtime of the flows, the templates, how cookies are named and marked here, and what forward-auth answered a moment ago."""

    runtime: Runtime
    templates: Environment
    https: bool
    recent: Recent = field(default_factory=Recent)

    def cookie_name(self, name: str) -> str:
        """Return a cookie's name: `__Host-` on https, so that no subdomain and no http page can set it."""
        return f"__Host-vestibule_{name}" if self.https else f"vestibule_{name}"
