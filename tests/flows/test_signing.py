"""The workspace's own signing key: made once, whoever asks first; sealed; another workspace's is another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from tests.support.house import House, furnish
from vestibule.directory.saml_keys import KeyUse
from vestibule.flows.parts.signing import signing_key
from vestibule.kernel.secrets import SealBroken, Sealer
from vestibule.storage import saml_keys
from vestibule.storage.tables import saml_keys as table


def test_the_first_of_many_askers_makes_the_key_and_all_get_the_same(house: House) -> None:
    with ThreadPoolExecutor(4) as pool:
        keys = list(pool.map(lambda _: signing_key(house.runtime, house.workspace.id), range(4)))
    assert len({key.certificate.fingerprint for key in keys}) == 1
    with house.runtime.database.reading() as tx:
        assert tx.execute(select(func.count()).select_from(table)).scalar_one() == 1


def test_the_private_half_is_sealed_to_its_row(house: House) -> None:
    signing_key(house.runtime, house.workspace.id)
    with house.runtime.database.reading() as tx:
        stored = saml_keys.current_key(tx, house.workspace.id, KeyUse.SIGNING, house.clock())
    assert stored is not None
    assert b"PRIVATE KEY" not in stored.sealed_private_key
    assert b"PRIVATE KEY" in house.runtime.sealer.open(stored.sealed_private_key, f"saml_keys/{stored.id}")
    with pytest.raises(SealBroken):
        house.runtime.sealer.open(stored.sealed_private_key, "saml_keys/key_of_another_row")
    with pytest.raises(SealBroken):
        Sealer("another secret key, as long as that one").open(stored.sealed_private_key, f"saml_keys/{stored.id}")
    assert "sealed_private_key" not in repr(stored)


def test_each_workspace_has_a_key_of_its_own(house: House) -> None:
    other = furnish(house.runtime, house.clock, name="Southwind")
    ours, theirs = (signing_key(house.runtime, one.workspace.id) for one in (house, other))
    assert ours.certificate.fingerprint != theirs.certificate.fingerprint
    with house.runtime.database.reading() as tx:
        assert saml_keys.current_key(tx, "wsp_unknown", KeyUse.SIGNING, house.clock()) is None
