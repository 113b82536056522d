"""A bulk request carried out: its operations in an order that bulkIds allow, each in a savepoint of the one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from vestibule.directory.scim import base_url
from vestibule.flows.parts.departing import hold
from vestibule.flows.parts.push_errors import DeparturesHeld
from vestibule.flows.parts.pushing import Push
from vestibule.flows.parts.scim_answers import Answer
from vestibule.flows.parts.scim_changes import Change, carry_out, in_scim
from vestibule.kernel.errors import DatabaseBusy, VestibuleError
from vestibule.kernel.text import N_
from vestibule.scim.bulk import (
    BULK_RESPONSE_URN,
    Bulk,
    BulkOperation,
    cut_managers,
    in_order,
    makers_of,
    put_in,
    stands_for,
)
from vestibule.scim.errors import CircularReference
from vestibule.storage.database import Transaction, savepoint, settle

_ID_ONLY: Final[Mapping[str, str]] = {"attributes": "id"}


@dataclass
class _Done:
    """What came of a request until now: ids by bulkId, the bulkIds that are yet to come, and the results by position."""

    to_come: set[str]
    known: dict[str, str] = field(default_factory=dict)
    results: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    failures: int = 0

    def know(self, operation: BulkOperation, answer: Answer) -> None:
        """Remember what a bulkId stands for."""
        if operation.bulk_id and answer.body is not None:
            self.known[operation.bulk_id] = str(answer.body["id"])


def carry_out_bulk(tx: Transaction, push: Push, bulk: Bulk) -> Answer:
    """Carry out operations until `failOnErrors` of them have failed (RFC 7644, 3.7.3). Raises DatabaseBusy: nothing is done then."""
    done = _Done(set(makers_of(bulk)))
    for indexes in in_order(bulk.operations):
        together = [bulk.operations[index] for index in indexes]
        if together[0].makes_a_user and together[0].references():
            found = _in_a_circle(tx, push, together, done)
        else:
            found = [_alone(tx, push, together[0], done)]
        done.results.extend(zip(indexes, found, strict=True))
        if bulk.fail_on_errors and done.failures >= bulk.fail_on_errors:
            break
    push.is_about(None, "")
    push.note(
        N_("%(done)s operations done, %(failed)s refused."),
        done=str(len(done.results) - done.failures),
        failed=str(done.failures),
    )
    listed = [result for _, result in sorted(done.results, key=lambda one: one[0])]
    return Answer(200, {"schemas": [BULK_RESPONSE_URN], "Operations": listed})


def _alone(tx: Transaction, push: Push, operation: BulkOperation, done: _Done) -> dict[str, Any]:
    done.to_come.discard(operation.bulk_id or "")
    try:
        with savepoint(tx):
            answer = carry_out(tx, push, _change(operation, operation.data, done))
    except DatabaseBusy:
        raise
    except VestibuleError as error:
        return _refused(tx, push, operation, error, done)
    return _told(push, operation, answer, done)


def _in_a_circle(tx: Transaction, push: Push, operations: Sequence[BulkOperation], done: _Done) -> list[dict[str, Any]]:
    """Make users who refer to each other, or one to themselves: without those managers who are not there yet, and then with them.

    All of them are made, or none.
    """
    answers: dict[str, Answer] = {}
    known, at = dict(done.known), operations[0]
    try:
        with savepoint(tx):
            cut: list[tuple[BulkOperation, Any]] = []
            for at in operations:
                now, later = cut_managers(at.data, done.to_come)
                done.to_come.discard(at.bulk_id or "")
                cut.append((at, later))
                answers[at.bulk_id or ""] = answer = carry_out(tx, push, _change(at, now, done))
                settle(tx)  # a name that somebody else took just now is this one's fault, and not the next one's
                done.know(at, answer)
            for at, later in cut:
                if later is not None:
                    body = {"Operations": [{"op": "add", "value": put_in(later, done.known)}]}
                    change = Change("PATCH", at.endpoint, done.known[at.bulk_id or ""], body, _ID_ONLY)
                    answers[at.bulk_id or ""] = replace(carry_out(tx, push, change), status=201)
                    settle(tx)
    except DatabaseBusy:
        raise
    except VestibuleError as error:
        done.known = known
        others = CircularReference("Another operation of its circle was refused.")
        return [_refused(tx, push, one, error if one is at else others, done) for one in operations]
    return [_told(push, one, answers[one.bulk_id or ""], done) for one in operations]


def _change(operation: BulkOperation, data: Any, done: _Done) -> Change:
    return Change(
        method=operation.method,
        endpoint=operation.endpoint,
        resource_id=put_in(operation.resource_id, done.known, done.to_come),
        body=put_in(data, done.known, done.to_come),
        # What an operation comes to is told by its address: nobody reads the members of a thousand groups.
        parameters=_ID_ONLY if operation.method in {"POST", "PUT"} else {},
        if_match=operation.version,
    )


def _refused(
    tx: Transaction, push: Push, operation: BulkOperation, error: VestibuleError, done: _Done
) -> dict[str, Any]:
    refusal = in_scim(error)
    if isinstance(error, DeparturesHeld):
        hold(tx, push)
    done.failures += 1
    where = f"/{operation.endpoint}" + (f"/{operation.resource_id}" if operation.resource_id else "")
    what = {"method": operation.method, "path": where, "bulk_id": operation.bulk_id or "–"}
    push.note(N_("Refused: %(method)s %(path)s, bulkId %(bulk_id)s. %(detail)s"), detail=refusal.detail, **what)
    return {**_named(push, operation, done), "status": str(refusal.status), "response": refusal.body()}


def _told(push: Push, operation: BulkOperation, answer: Answer, done: _Done) -> dict[str, Any]:
    done.know(operation, answer)
    result = _named(push, operation, done)
    for header, name in (("Location", "location"), ("ETag", "version")):
        if header in answer.headers:
            result[name] = answer.headers[header]
    return {**result, "status": str(answer.status)}


def _named(push: Push, operation: BulkOperation, done: _Done) -> dict[str, Any]:
    """Return which operation is meant: its bulkId, and the resource, which only a POST that failed has not (RFC 7644, 3.7)."""
    named = {"method": operation.method} | ({"bulkId": operation.bulk_id} if operation.bulk_id else {})
    resource_id = stands_for(operation.resource_id, done.known)
    if resource_id is not None:
        base = base_url(push.runtime.public_url, push.connection_id)
        named["location"] = f"{base}/{operation.endpoint}/{resource_id}"
    return named
