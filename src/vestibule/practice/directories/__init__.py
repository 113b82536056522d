"""The directories that the practice side can play: each speaks SCIM as its product does, and has a person of its own."""

from __future__ import annotations

from typing import Final

from vestibule.practice.directories.entra import ENTRA
from vestibule.practice.directories.jumpcloud import JUMPCLOUD
from vestibule.practice.directories.okta import OKTA
from vestibule.practice.directories.onelogin import ONELOGIN
from vestibule.practice.directories.talk import Vendor
from vestibule.practice.people import Person

VENDORS: Final[tuple[Vendor, ...]] = (OKTA, ENTRA, ONELOGIN, JUMPCLOUD)
DIRECTORY_PEOPLE: Final[tuple[Person, ...]] = tuple(vendor.person for vendor in VENDORS)
"""Whom the directories push, so that they can sign in, too."""
