"""The people of the third-party identity providers. Both know the same three; nobody of the practice side is among them."""

from __future__ import annotations

from typing import Final

from vestibule.practice.people import Person

DOMAIN: Final = "northwind.example"
PASSWORD: Final = "correct horse battery"
PEOPLE: Final = (
    Person("Dana Whitfield", f"dana@{DOMAIN}", ("Engineering", "Release")),
    Person("Élodie Marchand", f"elodie@{DOMAIN}", ("Finance",)),
    Person("Tomás O'Neill", f"tomas@{DOMAIN}", ("Engineering",)),
)
