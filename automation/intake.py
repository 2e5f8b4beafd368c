"""A request becomes a Delivery: checked, kept, announced. Refused ones are kept too, capped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from apikeys.authentication import client_address
from apikeys.patience import may_keep
from apikeys.secrecy import STRUCK, PresentedKey
from automation.bodies import is_xml, read_body
from automation.calls import Call, check_caller, find_listener, take_body
from automation.expressions import evaluate
from automation.models import Delivery, ExternalListener
from automation.outbound_messages import notifications
from automation.reasons import DeliveryStatus, Reason, Stop
from automation.senders.base import Event, Kind, RemoteComment, clean_text, fingerprint
from automation.wake import wake

SECRET_HEADERS = ("authorization", "cookie", "token", "secret", "password", "api-key")
LONGEST = {
    "path": 4000,
    "find": 500,
    "event": 200,
    "item": 200,
    "status": 200,
    "actor": 200,
    "id": 200,
}
LONGEST_COMMENT = 64 * 1024  # characters
MOST_REFERENCES = 20


def receive(request: HttpRequest, project_key: str, listener_key: str) -> list[Delivery]:
    """Keep the request and return its rows, committed: new ones, or duplicates of kept ones.

    One row, or one for each notification of a Salesforce message, whose body the first keeps.
    Raises Stop with a refusal's reason, after keeping what may be kept of it.
    """
    presented = getattr(request, "presented_key", None)
    call = Call(
        request,
        clean_text(project_key.lower()),
        clean_text(listener_key.lower()),
        presented or PresentedKey(""),
        client_address(request.META, settings.TRUSTED_PROXIES),
    )
    try:
        check_caller(call, presented)
        listener = find_listener(call)
        take_body(call, listener)
        payload = read_body(call.body, request.headers.get("Content-Type", ""))
        parts = notifications(payload) if is_xml(request.content_type or "") else []
    except Stop as refusal:
        if call.key is not None and call.listener is None:
            with suppress(Stop):
                find_listener(call)  # in whose log it belongs too
        refusal.evidence = {name: call.kept(str(text)) for name, text in refusal.evidence.items()}
        _keep_refused(call, refusal)
        raise
    deliveries = list(_deliveries(call, listener, payload, parts))
    try:
        return _store(deliveries)
    except IntegrityError:  # of two at the same moment one was first
        return _store(deliveries)


def _deliveries(
    call: Call, listener: ExternalListener, payload: Any, parts: list[dict[str, Any]]
) -> Iterator[Delivery]:
    """Not stored yet. The first has the body; the others are to point to it."""
    trace = _trace(call, code=200)
    numbered = enumerate(parts) if parts else [(None, payload)]
    for part, told in numbered:
        event = listener.external_sender.read(call.request.headers, told)
        yield Delivery(
            **trace | ({"body": b""} if part else {}),
            status=DeliveryStatus.RECEIVED,
            find=call.find,
            part=part,
            **_told(call, as_listener_reads(listener, event, told)),
        )


def _store(deliveries: list[Delivery]) -> list[Delivery]:
    """All of them or, on an error, none; committed."""
    _note_repeats(deliveries)
    first, *others = deliveries
    with transaction.atomic():
        first.save(force_insert=True)
        for each in others:
            each.whole = first
        Delivery.objects.bulk_create(
            each for each in others if each.duplicate_of is None or each.duplicate_of.pk
        )
        Delivery.objects.bulk_create(each for each in others if each.pk is None)
        if any(each.duplicate_of is None for each in deliveries):
            transaction.on_commit(wake)
    return deliveries


def _note_repeats(deliveries: list[Delivery]) -> None:
    """What was kept before, or comes twice in one request, is a duplicate."""
    ids = {each.delivery_id for each in deliveries if each.delivery_id}
    known = Delivery.objects.that_count().filter(listener=deliveries[0].listener)
    known = known.only("public_id", "delivery_id").filter(delivery_id__in=ids)
    counting = {each.delivery_id: each for each in known} if ids else {}
    for each in deliveries:
        each.pk = None  # of an attempt that was rolled back
        first = counting.setdefault(each.delivery_id, each) if each.delivery_id else each
        if first is not each:
            each.duplicate_of = first
            each.end(Reason.DUPLICATE, {"first": first.public_id})


def as_listener_reads(listener: ExternalListener, event: Event, payload: Any) -> Event:
    """``event`` with what the listener's own expressions find in the body."""
    told: dict[str, Any] = {}
    if listener.reference_expression:
        told["references"] = found_by(listener.reference_expression, payload)
    if listener.status_expression:
        told["status_after"] = next(iter(found_by(listener.status_expression, payload)), "")
        told["kinds"] = (str(Kind.STATUS_CHANGED if told["status_after"] else Kind.OTHER),)
    if listener.event_expression:
        words = found_by(listener.event_expression, payload)
        told["name"] = ", ".join(words)
        told["kinds"] = _kinds_called(words)
    return replace(event, **told)


def _kinds_called(words: tuple[str, ...]) -> tuple[str, ...]:
    known = (word.strip().lower() for word in words)
    return tuple(dict.fromkeys(word for word in known if word in Kind.values)) or (str(Kind.OTHER),)


def _told(call: Call, event: Event) -> dict[str, Any]:
    """What was read from the body, as long as rows can keep it."""
    delivery_id = event.delivery_id
    if len(delivery_id) > LONGEST["id"] or (event.stamped and not delivery_id):
        delivery_id = fingerprint(delivery_id.encode() or call.body, call.find)
    return {
        "references": [call.kept(text)[: LONGEST["find"]] for text in event.references][
            :MOST_REFERENCES
        ],
        "event": call.kept(event.name)[: LONGEST["event"]],
        "kinds": list(event.kinds),
        "item": call.kept(event.item)[: LONGEST["item"]],
        "status_before": call.kept(event.status_before)[: LONGEST["status"]],
        "status_after": call.kept(event.status_after)[: LONGEST["status"]],
        "resolution": call.kept(event.resolution)[: LONGEST["status"]],
        "remote_actor": call.kept(event.actor)[: LONGEST["actor"]],
        "comment": _kept_comment(call, event.comment),
        "occurred_at": event.occurred_at,
        "delivery_id": call.kept(delivery_id),
    }


def _kept_comment(call: Call, comment: RemoteComment | None) -> dict[str, str]:
    if comment is None:
        return {}
    if len(comment.id) > LONGEST["id"]:
        comment = replace(comment, id=fingerprint(comment.id.encode(), ""))
    longest = dict.fromkeys(asdict(comment), LONGEST["id"]) | {"body": LONGEST_COMMENT}
    return {name: call.kept(str(text))[: longest[name]] for name, text in asdict(comment).items()}


def found_by(expression: str, payload: Any) -> tuple[str, ...]:
    """The texts and numbers that a JMESPath expression finds; none where it finds nothing."""
    found = evaluate(expression, payload)
    several = found if isinstance(found, list) else [found]
    return tuple(
        clean_text(str(each))
        for each in several
        if isinstance(each, (str, int)) and not isinstance(each, bool)
    )


def _keep_refused(call: Call, refusal: Stop) -> None:
    if not may_keep(Delivery.objects.refused(), call.key, call.address):
        return
    delivery = Delivery(**_trace(call, code=refusal.explanation.code))
    if call.key is not None:
        delivery.find = call.find
    delivery.end(refusal.reason, refusal.evidence)
    delivery.save(force_insert=True)


def _trace(call: Call, *, code: int) -> dict[str, Any]:
    """What any request leaves; without a known key no more than its address and path."""
    known = call.key is not None
    return {
        "api_key": call.key,
        "address": call.address,
        "method": (call.request.method or "")[:10],
        "path": call.kept(call.request.get_full_path())[: LONGEST["path"]],
        "status_code": code,
        "project": call.project,
        "listener": call.listener,
        "headers": json.dumps(_kept_headers(call)) if known else "",
        "body": call.presented.strike_bytes(call.body),
    }


def _kept_headers(call: Call) -> dict[str, str]:
    return {
        name: STRUCK if any(word in name.lower() for word in SECRET_HEADERS) else call.kept(value)
        for name, value in call.request.headers.items()
    }
