"""What a test sign-in keeps of draft values is all of them: saving what was tested must lose nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.support.house import House
from vestibule.directory.connections import IdpCertificate, IdpValues, LogoutEndpoints
from vestibule.flows.parts.testing import open_values, seal_values
from vestibule.kernel.secrets import SealBroken

NOW = datetime(2026, 11, 26, tzinfo=UTC)
VALUES = IdpValues(
    entity_id="https://idp.example",
    sso_redirect_url="https://idp.example/sso",
    sso_post_url="https://idp.example/post",
    certificates=(IdpCertificate(b"der", "CN=idp", "AA", NOW, NOW),),
    wants_signed_requests=True,
    metadata_url="https://idp.example/metadata",
    logout=LogoutEndpoints("https://idp.example/slo", None, "https://idp.example/slo/post", None),
)


def test_draft_values_come_back_whole_and_for_their_connection_only(house: House) -> None:
    sealed = seal_values(house.runtime, "con_1", VALUES)
    assert open_values(house.runtime, "con_1", sealed) == VALUES
    with pytest.raises(SealBroken):
        open_values(house.runtime, "con_2", sealed)
