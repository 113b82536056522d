"""What we know about one identity provider product: the shape of that knowledge. The facts are in `vendors_*.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

Concept = Literal[
    "acs_url",
    "sp_entity_id",
    "recipient",
    "destination",
    "name_id",
    "email",
    "signing",
    "signature_algorithm",
    "certificate",
    "encryption",
    "issuer",
    "assignment",
]
Brings = Literal["metadata_url", "file", "values"]

# The name that the steps give to the app in the vendor's console, and that the paths assume.
APP: Final = "Vestibule"


@dataclass(frozen=True, slots=True)
class Field:
    """Where a vendor's console keeps one of our concepts: its label there, the way to it, and the setting that is right.

    Labels and paths are quoted from the vendor's console, so they are not translated. `%(app)s` is the app's name there.
    """

    name: str
    path: str
    setting: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One sentence of the wizard's aside: a gettext msgid in the notation of `marks`, with `%(app)s` for the app's name."""

    text: str


@dataclass(frozen=True, slots=True)
class Vendor:
    """An identity provider product. `brings` is what an admin best brings back; `hosted` says that the vendor runs it."""

    key: str
    name: str
    hosted: bool
    brings: Brings
    steps: tuple[Step, ...]
    note: str
    fields: Mapping[Concept, Field] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def how_to(self) -> str:
        """Return the page of the documentation, relative to `docs/`."""
        return f"how-to/connect-{self.key}.md"


def app_name(environment_name: str | None) -> str:
    """Return the name that our steps propose for the app in the vendor's console, as in `Vestibule DEV`."""
    return f"{APP} {environment_name}" if environment_name else APP
