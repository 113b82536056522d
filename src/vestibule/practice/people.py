"""Who can sign in at the practice identity provider. Owns the made-up people, nothing of the directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DOMAIN: Final = "practice.example"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in here: `email` is also their NameID, `groups` is sent as one multi-valued attribute."""

    name: str
    email: str
    groups: tuple[str, ...] = ()

    @property
    def first_name(self) -> str:
        """Return all but the last word of the name, as directories do for givenName."""
        return self.name.rpartition(" ")[0] or self.name

    @property
    def last_name(self) -> str:
        """Return the last word of the name, empty when there is just one."""
        first, _, last = self.name.rpartition(" ")
        return last if first else ""


PEOPLE: Final = (
    Person("Ada Park", f"ada@{DOMAIN}", ("Engineering", "On call")),
    Person("Bruno Sousa", f"bruno@{DOMAIN}", ("Finance",)),
    Person("Chen Li", f"chen@{DOMAIN}", ("Engineering", "Support")),
)

STRANGER: Final = Person("Noor Haddad", f"noor@{DOMAIN}", ("Engineering",))
"""Known here and unknown to Vestibule: what becomes of them depends on the provisioning mode."""
