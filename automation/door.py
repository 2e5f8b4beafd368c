"""The address that trackers call. Answers are JSON, SOAP for Salesforce; none is a redirect."""

from __future__ import annotations

import logging
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from automation.bodies import is_xml
from automation.intake import receive
from automation.models import Delivery
from automation.outbound_messages import ACKNOWLEDGEMENT
from automation.reasons import EXPLANATIONS, UNAUTHORIZED, Reason, Stop, fill_in
from automation.senders.base import Kind
from rest.address import site_address

log = logging.getLogger(__name__)

HEADERS = {
    401: {"WWW-Authenticate": 'Bearer realm="listener", Basic realm="listener"'},
    405: {"Allow": "POST"},
    429: {"Retry-After": "60"},
    503: {"Retry-After": "30"},
}


@method_decorator(csrf_exempt, name="dispatch")
class ListenView(View):
    def dispatch(
        self, request: HttpRequest, *args: Any, project_key: str, listener_key: str, **kwargs: Any
    ) -> HttpResponse:
        try:
            return accept(request, receive(request, project_key, listener_key))
        except Stop as refusal:
            return refuse(refusal.reason, refusal.evidence)
        except Error as error:
            log.error("Not stored, the sender is asked to repeat it: %s", error)
            return refuse(Reason.NOT_STORED)
        except Exception:  # whatever it was, a tracker is told in JSON to come again
            log.exception("Crashed, the sender is asked to repeat it")
            return refuse(Reason.CRASHED)


def accept(request: HttpRequest, deliveries: list[Delivery]) -> HttpResponse:
    """200: all are kept. Who sends XML wants an acknowledgement in kind, or sends it all again."""
    for each in deliveries:
        first = each.duplicate_of
        log.info("200 %s %s", "duplicate of" if first else "received", (first or each).public_id)
    if is_xml(request.content_type or ""):
        return HttpResponse(ACKNOWLEDGEMENT, content_type="text/xml; charset=utf-8")
    return _receipt(request, deliveries[0])


def _receipt(request: HttpRequest, delivery: Delivery) -> JsonResponse:
    first = delivery.duplicate_of
    kept = first or delivery
    return JsonResponse(
        {
            "delivery": kept.public_id,
            "status": "duplicate" if first else "received",
            "detail": delivery.sentence if first else _detail(delivery),
            "url": site_address(request) + kept.get_absolute_url(),
        }
    )


def _detail(delivery: Delivery) -> str:
    if Kind.PING in delivery.kinds:
        return f"{delivery.listener} hears you: the webhook is set up. This was {Kind.PING.label}."
    return "Stored. What comes of it is told at url."


def refuse(reason: Reason, evidence: dict[str, Any] | None = None) -> JsonResponse:
    """The answer to what was not taken. With 401 it never says why: the key's log does."""
    explanation = EXPLANATIONS[reason]
    detail = f"{explanation.sentence} {explanation.next_step}"
    shown = reason
    if explanation.code == 401:
        detail, shown = UNAUTHORIZED, Reason.KEY_UNKNOWN
    log.info("%s %s", explanation.code, reason)
    return JsonResponse(
        {"status": "refused", "reason": shown, "detail": fill_in(detail, evidence or {})},
        status=explanation.code,
        headers=HEADERS.get(explanation.code),
    )
