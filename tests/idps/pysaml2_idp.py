"""An identity provider made of pysaml2, as a process of its own: Redirect and POST requests, metadata, a login form.

Everything about SAML here is pysaml2's doing; this file gives it addresses, people and a form. Usage:

    python -m tests.idps.pysaml2_idp --ready-file FILE --key KEY.pem --certificate CERT.pem --people JSON [options]
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORDPROTECTEDTRANSPORT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.response import IncorrectlySigned
from saml2.s_utils import UnknownSystemEntity
from saml2.saml import (
    NAME_FORMAT_URI,
    NAMEID_FORMAT_EMAILADDRESS,
    NAMEID_FORMAT_PERSISTENT,
    NAMEID_FORMAT_TRANSIENT,
    NAMEID_FORMAT_UNSPECIFIED,
    NameID,
)
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.idps.pages import notice_page, refusal_page, sign_in_page
from tests.idps.people import PASSWORD
from tests.idps.serving import serve_until_input_ends
from tests.idps.xmlsec_backend import XmlsecWheel
from vestibule.practice.people import Person
from vestibule.practice.server import base_url_of, listen_on_loopback

NAME: Final = "pysaml2"
NAME_ID_FORMATS: Final = {
    "email": NAMEID_FORMAT_EMAILADDRESS,
    "unspecified": NAMEID_FORMAT_UNSPECIFIED,
    "persistent": NAMEID_FORMAT_PERSISTENT,
    "transient": NAMEID_FORMAT_TRANSIENT,
}


@dataclass(frozen=True, slots=True)
class Options:
    """How this identity provider was asked to be."""

    base_url: str
    key: str
    certificate: str
    signs: str
    name_id_format: str
    wants_signed_requests: bool
    logs_out: str
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A request that pysaml2 accepted, while its person types their password."""

    response_args: dict[str, Any]
    relay_state: str


def pysaml2_config(options: Options, *, for_metadata: bool = False) -> IdPConfig:
    """Return pysaml2's configuration in the form that its documentation describes."""
    endpoints = [(f"{options.base_url}/sso", binding) for binding in (BINDING_HTTP_REDIRECT, BINDING_HTTP_POST)]
    binding = BINDING_HTTP_POST if options.logs_out == "post" else BINDING_HTTP_REDIRECT
    logout = {"single_logout_service": [(f"{options.base_url}/slo", binding)]} if options.logs_out else {}
    settings: dict[str, Any] = {
        "entityid": f"{options.base_url}/metadata",
        "key_file": options.key,
        "cert_file": options.certificate,
        "accepted_time_diff": 60,
        "service": {
            "idp": {
                "name": NAME,
                "signing_algorithm": SIG_RSA_SHA256,  # left alone, pysaml2 signs with SHA-1
                "digest_algorithm": DIGEST_SHA256,
                "endpoints": {"single_sign_on_service": endpoints, **logout},
                "name_id_format": [NAME_ID_FORMATS[options.name_id_format]],
                "want_authn_requests_signed": options.wants_signed_requests,
                "sign_response": options.signs in {"response", "both"},
                "sign_assertion": options.signs in {"assertion", "both"},
                "policy": {"default": {"lifetime": {"minutes": 5}, "name_form": NAME_FORMAT_URI}},
            }
        },
    }
    if not for_metadata:
        # Any file that exists satisfies the check at start; `XmlsecWheel` then does the work instead of the command.
        settings["xmlsec_binary"] = sys.executable
        settings["metadata"] = {"inline": []}
    return IdPConfig().load(settings)


class Pysaml2Idp:
    """pysaml2's Server behind a login form."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.metadata_xml = str(entity_descriptor(pysaml2_config(options, for_metadata=True)))
        self._server = Server(config=pysaml2_config(options))
        self._server.sec.crypto = XmlsecWheel()
        self._service_providers: dict[str, str] = {}
        self._tickets: dict[str, Ticket] = {}
        self.app = Starlette(
            routes=[
                Route("/metadata", self._metadata),
                Route("/sso", self._sso, methods=["GET", "POST"]),
                Route("/slo", self._slo, methods=["GET", "POST"]),
                Route("/sign-out/{email}", self._sign_out),
                Route("/sign-in", self._sign_in, methods=["POST"]),
                Route("/service-providers", self._trust, methods=["POST"]),
                Route("/favicon.ico", self._no_icon),
            ]
        )

    async def _metadata(self, _: Request) -> Response:
        return Response(self.metadata_xml, media_type="application/samlmetadata+xml")

    async def _no_icon(self, _: Request) -> Response:
        """Browsers ask for it on the page that pysaml2 writes, and a 404 would be a complaint in their console."""
        return Response(status_code=204)

    async def _trust(self, request: Request) -> Response:
        """Take the metadata of a service provider; one that is known already is replaced."""
        told = await request.json()
        self._service_providers[told["entity_id"]] = told["metadata_xml"]
        if not self._server.reload_metadata({"inline": list(self._service_providers.values())}):
            return Response("pysaml2 does not accept this metadata", status_code=422)
        return Response(status_code=204)

    async def _sso(self, request: Request) -> Response:
        if request.method == "POST":
            form, binding = await request.form(), BINDING_HTTP_POST
            sent = {name: value for name, value in form.items() if isinstance(value, str)}
        else:
            sent, binding = dict(request.query_params), BINDING_HTTP_REDIRECT
        try:
            parsed = self._server.parse_authn_request(
                sent.get("SAMLRequest", ""),
                binding,
                relay_state=sent.get("RelayState"),
                sigalg=sent.get("SigAlg"),
                signature=sent.get("Signature"),
            )
            response_args = self._server.response_args(parsed.message, [BINDING_HTTP_POST])
        except IncorrectlySigned:
            return HTMLResponse(refusal_page(NAME, "The sign-in request is not signed as it must be."), 403)
        except UnknownSystemEntity:
            return HTMLResponse(refusal_page(NAME, "Nobody told this identity provider about that application."), 403)
        ticket = secrets.token_urlsafe(16)
        self._tickets[ticket] = Ticket(response_args, sent.get("RelayState", ""))
        return HTMLResponse(sign_in_page(NAME, ticket))

    async def _sign_in(self, request: Request) -> Response:
        form = await request.form()
        ticket = self._tickets[str(form["ticket"])]
        person = next((one for one in self.options.people if one.email == form["user_name"]), None)
        if person is None or form["password"] != PASSWORD:
            again = sign_in_page(NAME, str(form["ticket"]), sentence="User name or password is wrong.")
            return HTMLResponse(again, 401)
        response = self._server.create_authn_response(
            identity={
                "mail": person.email,
                "displayName": person.name,
                "givenName": person.first_name,
                "sn": person.last_name,
                "isMemberOf": list(person.groups),
            },
            userid=person.email,
            name_id=self._name_id(person, ticket.response_args["sp_entity_id"]),
            authn={"class_ref": PASSWORDPROTECTEDTRANSPORT, "authn_auth": self.options.base_url},
            **{key: value for key, value in ticket.response_args.items() if key != "binding"},
        )
        sent = self._server.apply_binding(
            BINDING_HTTP_POST, str(response), ticket.response_args["destination"], ticket.relay_state, response=True
        )
        return HTMLResponse(sent["data"])

    async def _slo(self, request: Request) -> Response:
        """Answer a service provider's LogoutRequest, or show how it answered ours."""
        if request.method == "POST":
            form, binding = await request.form(), BINDING_HTTP_POST
            sent = {name: value for name, value in form.items() if isinstance(value, str)}
        else:
            sent, binding = dict(request.query_params), BINDING_HTTP_REDIRECT
        if "SAMLResponse" in sent:
            answered = self._server.parse_logout_request_response(sent["SAMLResponse"], binding)
            return HTMLResponse(notice_page(NAME, "Signed out", f"The application answered {answered.status_ok()}."))
        parsed = self._server.parse_logout_request(
            sent["SAMLRequest"], binding, sent.get("RelayState"), sent.get("SigAlg"), sent.get("Signature")
        )
        posts = binding == BINDING_HTTP_POST
        answer = self._server.create_logout_response(
            parsed.message, [binding], sign=posts, sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256
        )
        destination = self._slo_url(parsed.message.issuer.text, binding)
        return self._carried(binding, str(answer), destination, sent.get("RelayState", ""), response=True)

    async def _sign_out(self, request: Request) -> Response:
        """Begin here: sign a person out of the application that was told last."""
        person = next(one for one in self.options.people if one.email == request.path_params["email"])
        sp_entity_id = list(self._service_providers)[-1]
        binding = BINDING_HTTP_POST if self.options.logs_out == "post" else BINDING_HTTP_REDIRECT
        destination = self._slo_url(sp_entity_id, binding)
        _, asked = self._server.create_logout_request(
            destination,
            sp_entity_id,
            name_id=self._name_id(person, sp_entity_id),
            sign=binding == BINDING_HTTP_POST,
            sign_alg=SIG_RSA_SHA256,
            digest_alg=DIGEST_SHA256,
        )
        return self._carried(binding, str(asked), destination, "their-state", response=False)

    def _slo_url(self, sp_entity_id: str, binding: str) -> str:
        services = self._server.metadata.single_logout_service(sp_entity_id, binding, "spsso")
        return str(services[0]["location"])

    def _carried(self, binding: str, message: str, destination: str, relay_state: str, *, response: bool) -> Response:
        redirected = binding == BINDING_HTTP_REDIRECT
        sent = self._server.apply_binding(
            binding, message, destination, relay_state, response=response, sign=redirected, sigalg=SIG_RSA_SHA256
        )
        if redirected:
            return RedirectResponse(dict(sent["headers"])["Location"], status_code=303)
        return HTMLResponse(sent["data"])

    def _name_id(self, person: Person, sp_entity_id: str) -> NameID:
        name_id_format = NAME_ID_FORMATS[self.options.name_id_format]
        if self.options.name_id_format in {"email", "unspecified"}:
            return NameID(format=name_id_format, text=person.email)
        return self._server.ident.get_nameid(
            person.email, name_id_format, sp_entity_id, f"{self.options.base_url}/metadata"
        )


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--people", required=True)
    parser.add_argument("--signs", choices=["response", "assertion", "both"], default="both")
    parser.add_argument("--name-id-format", choices=sorted(NAME_ID_FORMATS), default="email")
    parser.add_argument("--logs-out", choices=["", "redirect", "post"], default="")
    parser.add_argument("--wants-signed-requests", action="store_true")
    arguments = parser.parse_args()
    listener = listen_on_loopback(arguments.port)
    idp = Pysaml2Idp(
        Options(
            base_url=base_url_of(listener),
            key=arguments.key,
            certificate=arguments.certificate,
            signs=arguments.signs,
            name_id_format=arguments.name_id_format,
            wants_signed_requests=arguments.wants_signed_requests,
            logs_out=arguments.logs_out,
            people=tuple(
                Person(one["name"], one["email"], tuple(one["groups"])) for one in json.loads(arguments.people)
            ),
        )
    )
    base_url = idp.options.base_url
    facts = {
        "base_url": base_url,
        "entity_id": f"{base_url}/metadata",
        "metadata_url": f"{base_url}/metadata",
        "sso_url": f"{base_url}/sso",
    }
    serve_until_input_ends(idp.app, listener, arguments.ready_file, facts)


if __name__ == "__main__":
    main()
