"""pysaml2's signatures by libxmlsec1 through the xmlsec wheel, instead of through the xmlsec1 command.

pysaml2 starts that command for every signature, and it would have to be installed by hand on each machine that runs the
tests. It is the same library either way; everything above it is pysaml2's own, unchanged.
"""

from __future__ import annotations

import importlib.metadata
from typing import Any

import xmlsec
from lxml import etree
from saml2.sigver import CryptoBackend, SignatureError


class XmlsecWheel(CryptoBackend):  # type: ignore[misc]  # pysaml2 is published without types
    """What pysaml2 asks of a backend, for signing and verifying."""

    @property
    def version(self) -> str:
        return importlib.metadata.version("xmlsec")

    def sign_statement(
        self,
        statement: Any,
        node_name: str,  # noqa: ARG002 - pysaml2 passes these by name; the ID alone says which node
        key_file: str,
        node_id: str,
    ) -> str:
        # An object of pysaml2's, its bytes, or the text of a document in which something is signed already.
        root = etree.fromstring(statement if isinstance(statement, bytes) else str(statement).encode())
        signature = _signature_of(root, node_id)
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_file(key_file, xmlsec.constants.KeyDataFormatPem)
        context.sign(signature)
        return etree.tostring(root, encoding="unicode")

    def validate_signature(
        self,
        signedtext: str | bytes,
        cert_file: str,
        cert_type: str,  # noqa: ARG002 - always "pem" here
        node_name: str,  # noqa: ARG002 - as above
        node_id: str,
    ) -> bool:
        text = signedtext.encode() if isinstance(signedtext, str) else signedtext
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_file(cert_file, xmlsec.constants.KeyDataFormatCertPem)
        try:
            context.verify(_signature_of(etree.fromstring(text), node_id))
        except xmlsec.Error as error:
            raise SignatureError(str(error)) from error
        return True


def _signature_of(root: etree._Element, node_id: str) -> etree._Element:
    xmlsec.tree.add_ids(root, ["ID"])
    for element in root.iter():
        signature = element.find(f"{{{xmlsec.constants.DSigNs}}}Signature")
        if element.get("ID") == node_id and signature is not None:
            return signature
    raise SignatureError(f"no signature in {node_id}")
