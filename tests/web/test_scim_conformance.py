"""What independent conformance tools say of the running SCIM server, on both engines."""

from __future__ import annotations

import pytest

from tests.support.conformance import SANITY_ALLOWED, scim2_test, scim_sanity
from tests.support.directories import Directory, directory, pushing
from tests.support.house import Server
from vestibule.flows import scim_directories


@pytest.fixture
def tried(server: Server) -> Directory:
    """Give a connection whose stop line is out of the way: the tools delete more people than any directory does."""
    house, connection = server.house, pushing(server.house)
    scim_directories.change_stop_line(house.runtime, house.owner, connection.id, "100000", "100")
    return directory(server, connection)


def test_scim2_tester_finds_nothing(tried: Directory) -> None:
    status, said = scim2_test(tried)
    assert status == 0, said
    assert said.count("SUCCESS") > 100


def test_scim_sanity_wishes_only_for_200_on_the_patch_of_a_group(tried: Directory) -> None:
    failed, passed = scim_sanity(tried)
    assert failed <= SANITY_ALLOWED
    assert passed >= 25
