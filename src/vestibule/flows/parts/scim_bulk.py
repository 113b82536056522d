"""A bulk request carried out: its operations in an order that bulkIds allow, each in a savepoint of the one transaction."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from vestibule.flows.parts.departing import hold
from vestibule.flows.parts.push_errors import DeparturesHeld
from vestibule.flows.parts.pushing import Push
from vestibule.flows.parts.scim_answers import Answer
from vestibule.flows.parts.scim_changes import Change, carry_out, in_scim
from vestibule.kernel.errors import DatabaseBusy, VestibuleError
from vestibule.kernel.text import N_
from vestibule.scim.bulk import BULK_RESPONSE_URN, Bulk, BulkOperation, in_order, makers_of, put_in
from vestibule.storage.database import Transaction, savepoint


def carry_out_bulk(tx: Transaction, push: Push, bulk: Bulk) -> Answer:
    """Carry out operations until `failOnErrors` of them have failed (RFC 7644, 3.7.3). Raises DatabaseBusy: nothing is done then."""
    known: dict[str, str] = {}
    to_come = set(makers_of(bulk))
    results: list[tuple[int, dict[str, Any]]] = []
    failures = 0
    for index in in_order(bulk.operations):
        operation = bulk.operations[index]
        to_come.discard(operation.bulk_id or "")
        result, failed = _carry_out(tx, push, operation, known, to_come)
        results.append((index, result))
        failures += failed
        if bulk.fail_on_errors and failures >= bulk.fail_on_errors:
            break
    push.is_about(None, "")
    push.note(
        N_("%(done)s operations done, %(failed)s refused."), done=str(len(results) - failures), failed=str(failures)
    )
    listed = [result for _, result in sorted(results, key=lambda one: one[0])]
    return Answer(200, {"schemas": [BULK_RESPONSE_URN], "Operations": listed})


def _carry_out(
    tx: Transaction, push: Push, operation: BulkOperation, known: dict[str, str], to_come: AbstractSet[str]
) -> tuple[dict[str, Any], bool]:
    result: dict[str, Any] = {"method": operation.method}
    if operation.bulk_id:
        result["bulkId"] = operation.bulk_id
    try:
        change = Change(
            method=operation.method,
            endpoint=operation.endpoint,
            resource_id=put_in(operation.resource_id, known, to_come),
            body=put_in(operation.data, known, to_come),
            if_match=operation.version,
        )
        with savepoint(tx):
            answer = carry_out(tx, push, change)
    except DatabaseBusy:
        raise
    except VestibuleError as error:
        refusal = in_scim(error)
        if isinstance(error, DeparturesHeld):
            hold(tx, push)
        return {**result, "status": str(refusal.status), "response": refusal.body()}, True
    if operation.bulk_id and answer.body is not None:
        known[operation.bulk_id] = str(answer.body["id"])
    for header, name in (("Location", "location"), ("ETag", "version")):
        if header in answer.headers:
            result[name] = answer.headers[header]
    return {**result, "status": str(answer.status)}, False
