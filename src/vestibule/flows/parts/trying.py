"""What sets a try of an app's sign-in apart: it comes back to a page of ours, and leaves nothing behind. And how it is sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Final

from vestibule.directory.app_tries import AppTry, TryResult
from vestibule.directory.apps import OidcSettings
from vestibule.directory.entry import Condition, Reason
from vestibule.flows.parts.runtime import Runtime
from vestibule.oidc.redirect_uris import is_registered

TRY_PATH: Final = "/admin/apps/try"


def try_address(runtime: Runtime) -> str:
    """Return the redirect URI of tries."""
    return runtime.public_url + TRY_PATH


def is_for_app(runtime: Runtime, oidc: OidcSettings, redirect_uri: str) -> bool:
    """Say whether an untrusted redirect URI is the app's. The address of tries is no app's, even if one has it on its list.

    So only a request that we pushed ourselves can name it, which is what makes that a sign of a try.
    """
    return redirect_uri != try_address(runtime) and is_registered(oidc.redirect_uris, redirect_uri)


def is_try(runtime: Runtime, redirect_uri: str) -> bool:
    """Say whether a checked request is a try."""
    return redirect_uri == try_address(runtime)


def seal_request(runtime: Runtime, try_id: str, asked: Mapping[str, str], verifier: str) -> bytes:
    """Seal what an app keeps between request and answer."""
    return runtime.sealer.seal(json.dumps([dict(asked), verifier]).encode(), f"app try request/{try_id}")


def open_request(runtime: Runtime, begun: AppTry) -> tuple[dict[str, str], str]:
    """Return what a try asked, and its verifier. Raises SealBroken."""
    asked, verifier = json.loads(runtime.sealer.open(begun.sealed_request, f"app try request/{begun.id}"))
    return asked, verifier


def seal_result(runtime: Runtime, try_id: str, result: TryResult) -> bytes:
    """Seal a result: it says who somebody is."""
    plain = {**asdict(result), "at": result.at.isoformat()}
    return runtime.sealer.seal(json.dumps(plain).encode(), f"app try result/{try_id}")


def open_result(runtime: Runtime, finished: AppTry) -> TryResult:
    """Return what came of a finished try. Raises SealBroken."""
    sealed = finished.sealed_result or b""
    plain = json.loads(runtime.sealer.open(sealed, f"app try result/{finished.id}"))
    return TryResult(
        at=datetime.fromisoformat(plain.pop("at")),
        checks=tuple((name, holds) for name, holds in plain.pop("checks")),
        reasons=tuple(Reason(Condition(one["condition"]), one["holds"]) for one in plain.pop("reasons")),
        **plain,
    )
