"""Rotating our keys: the new one is published before it counts, the old one after; at once, when one was stolen."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from lxml import etree
from signxml.verifier import VerifyResult, XMLVerifier
from sqlalchemy import event

from tests.saml import forge
from tests.support import sign_ins
from tests.support.house import House, furnish
from vestibule.directory.activity import ActivityFilter
from vestibule.directory.saml_keys import KeyState, KeyUse, RotationUnderWay
from vestibule.flows import saml_keys
from vestibule.flows.parts.callers import operator
from vestibule.flows.parts.saml_keys import decryption_keys, retire_ended_keys, usable_keys
from vestibule.flows.parts.signing import signing_key
from vestibule.flows.sp_metadata import service_provider_metadata
from vestibule.kernel.errors import Invalid
from vestibule.kernel.secrets import SealBroken
from vestibule.storage import activity

MD = {"md": "urn:oasis:names:tc:SAML:2.0:metadata", "ds": forge.DS}


def published(house: House, connection_id: str, use: KeyUse) -> list[str]:
    root = etree.fromstring(service_provider_metadata(house.runtime, connection_id))
    found: Any = root.xpath(f"//md:KeyDescriptor[@use='{use}']//ds:X509Certificate/text()", namespaces=MD)
    return list(found)


def recorded(house: House) -> list[str]:
    with house.runtime.database.reading() as tx:
        page = activity.page(
            tx, house.workspace.id, ActivityFilter(action_prefix="saml_keys."), before=None, after=None, size=20
        )
    return [entry.event.action for entry in page]


def test_the_new_key_is_published_before_it_signs_and_the_old_one_until_its_overlap_ends(house: House) -> None:
    start = house.clock.freeze()
    connection = sign_ins.connect(house)
    old = signing_key(house.runtime, house.workspace.id).certificate
    before = {use: published(house, connection.id, use) for use in KeyUse}
    assert [len(found) for found in before.values()] == [1, 1]
    assert before[KeyUse.SIGNING] != before[KeyUse.ENCRYPTION]
    saml_keys.rotate_keys(house.runtime, operator(), house.workspace.id, 14)

    def at(moment: datetime) -> tuple[bool, list[int]]:
        house.clock.freeze(moment)
        signs_with_old = signing_key(house.runtime, house.workspace.id).certificate.fingerprint == old.fingerprint
        places = []
        for use in KeyUse:
            found = published(house, connection.id, use)
            places.append(found.index(before[use][0]) if before[use][0] in found else -1)
            assert len(decryption_keys(house.runtime, house.workspace.id)) == len(found)
        return signs_with_old, places

    takes_over, ends = start + timedelta(days=14), start + timedelta(days=28)
    tick = timedelta(microseconds=1)
    assert at(start) == (True, [0, 0])
    assert at(takes_over - tick) == (True, [0, 0])
    assert at(takes_over) == (False, [1, 1])
    assert at(ends - tick) == (False, [1, 1])
    assert at(ends) == (False, [-1, -1])
    assert retire_ended_keys(house.runtime) == 2
    assert retire_ended_keys(house.runtime) == 0
    assert recorded(house) == ["saml_keys.retired", "saml_keys.retired", "saml_keys.rotated"]
    assert len(usable_keys(house.runtime, house.workspace.id)) == 2


def test_a_second_rotation_waits_for_the_first_unless_it_is_at_once(house: House) -> None:
    saml_keys.rotate_keys(house.runtime, operator(), house.workspace.id, 14)
    waiting = {key.id for key in usable_keys(house.runtime, house.workspace.id)}
    with pytest.raises(RotationUnderWay, match=r"take over on \d+ [A-Z][a-z]+ \d{4}\."):
        saml_keys.rotate_keys(house.runtime, operator(), house.workspace.id, 14)
    assert {key.id for key in usable_keys(house.runtime, house.workspace.id)} == waiting
    saml_keys.rotate_keys(house.runtime, operator(), house.workspace.id, 0)
    left = usable_keys(house.runtime, house.workspace.id)
    assert len(left) == 2
    assert not {key.id for key in left} & waiting
    assert {facts.state for facts in saml_keys.get_keys(house.runtime, house.owner).keys} == {KeyState.IN_USE}


@pytest.mark.parametrize("days", [-1, 91])
def test_an_overlap_out_of_bounds_is_refused(house: House, days: int) -> None:
    with pytest.raises(Invalid):
        saml_keys.rotate_keys(house.runtime, operator(), house.workspace.id, days)
    assert recorded(house) == []


def test_rotating_in_one_workspace_leaves_the_keys_of_another(house: House) -> None:
    other = furnish(house.runtime, house.clock, name="Southwind")
    theirs = signing_key(house.runtime, other.workspace.id).certificate.fingerprint
    saml_keys.rotate_keys(house.runtime, operator(), house.workspace.id, 0)
    assert signing_key(house.runtime, other.workspace.id).certificate.fingerprint == theirs


def test_encryption_keys_are_sealed_to_their_row(house: House) -> None:
    one, two = usable_keys(house.runtime, house.workspace.id)
    with pytest.raises(SealBroken):
        house.runtime.sealer.open(one.sealed_private_key, f"saml_keys/{two.id}")
    assert b"PRIVATE KEY" in house.runtime.sealer.open(one.sealed_private_key, f"saml_keys/{one.id}")


def test_metadata_says_for_how_long_it_counts_and_never_beyond_the_end_of_the_key_in_use(house: House) -> None:
    now = house.clock.freeze()
    connection = sign_ins.connect(house)

    def until(*, signed: bool = False) -> str:
        root = etree.fromstring(service_provider_metadata(house.runtime, connection.id, signed=signed))
        assert root.get("cacheDuration") == "P1D"
        return root.get("validUntil") or ""

    assert until() == forge.instant(now + timedelta(days=365))
    assert until(signed=True) == forge.instant(now + timedelta(days=14))
    saml_keys.rotate_keys(house.runtime, operator(), house.workspace.id, 5)
    assert until() == until(signed=True) == forge.instant(now + timedelta(days=10))
    taken_over = house.clock.freeze(now + timedelta(days=5))
    assert until() == forge.instant(taken_over + timedelta(days=365))
    assert until(signed=True) == forge.instant(taken_over + timedelta(days=14))


def test_metadata_lists_aes_gcm_first_and_cbc_only_by_exception(house: House) -> None:
    def methods(connection_id: str) -> list[str]:
        root = etree.fromstring(service_provider_metadata(house.runtime, connection_id))
        found: Any = root.xpath("//md:EncryptionMethod/@Algorithm", namespaces=MD)
        return [uri.rpartition("#")[2] for uri in found]

    strict = methods(sign_ins.connect(house).id)
    assert strict == ["aes256-gcm", "aes128-gcm", "rsa-oaep", "rsa-oaep-mgf1p"]
    lenient = sign_ins.connect(house, "test", name="Old", allow_cbc=True)
    assert methods(lenient.id) == [*strict[:2], "aes256-cbc", "aes128-cbc", *strict[2:]]


def test_signed_metadata_is_verified_by_another_library_with_the_published_key(house: House) -> None:
    connection = sign_ins.connect(house)
    data = service_provider_metadata(house.runtime, connection.id, signed=True)
    certificate = signing_key(house.runtime, house.workspace.id).certificate
    verified = XMLVerifier().verify(data, x509_cert=x509.load_der_x509_certificate(certificate.der))
    assert isinstance(verified, VerifyResult)
    assert verified.signed_xml is not None
    assert verified.signed_xml.get("entityID", "").endswith(f"/saml/{connection.id}/metadata")
    root = etree.fromstring(data)
    assert root[0].tag == f"{{{forge.DS}}}Signature"
    plain = etree.fromstring(service_provider_metadata(house.runtime, connection.id))
    assert plain.find(".//ds:Signature", MD) is None


def test_metadata_takes_two_statements(house: House) -> None:
    connection = sign_ins.connect(house)
    service_provider_metadata(house.runtime, connection.id)
    statements = list[str]()
    event.listen(house.runtime.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    service_provider_metadata(house.runtime, connection.id)
    assert len([one for one in statements if not one.startswith("BEGIN")]) == 2
