"""A practice identity provider with a clock that stands still, served over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.practice.conversation import NOW, Served, serving
from vestibule.practice.idp import PracticeIdp


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    with serving(lambda: NOW) as made:
        yield made


@pytest.fixture
def client(served: Served) -> httpx.Client:
    return served.client


@pytest.fixture
def idp(served: Served) -> PracticeIdp:
    return served.idp
