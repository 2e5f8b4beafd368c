"""What a listener has seen of its tracker, while somebody sets that up and waits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import unquote

from django.db.models import Q
from django.utils import timezone

from automation.models import Delivery, ExternalListener
from automation.reasons import DeliveryStatus, Reason
from automation.references import Directory
from automation.rehearsals import received_anew, whole
from automation.waiting import Wait, what_holds
from feedback.models import Ticket

LATELY = timedelta(hours=1)
MOST_REFUSED = 5
MOST_LOOKED_AT = 200
ADDRESS = re.compile(r"/api/v1/projects/([^/?]+)/feedbackListeners/([^/?]+)", re.IGNORECASE)


@dataclass
class Refusal:
    """Requests that were refused for the same reason, with the same words."""

    newest: Delivery
    times: int = 1


@dataclass(frozen=True)
class Light:
    delivery: Delivery | None = None  # the newest that is no repeat, and was not refused
    tickets: list[Ticket] = field(default_factory=list)  # that it hit, or would hit
    would: Delivery | None = None  # how it had ended, were the listener on
    refused: list[Refusal] = field(default_factory=list)
    waits: Wait | None = None  # what holds the newest, where it is not settled

    @property
    def waiting(self) -> bool:
        return self.delivery is None or self.delivery.status == DeliveryStatus.RECEIVED

    @property
    def state(self) -> str:
        """The same as long as there is nothing new to show."""
        newest = self.refused[0].newest.pk if self.refused else 0
        if self.delivery is None:
            return f"0.{newest}"
        told = f"{self.delivery.pk}.{self.delivery.status}.{self.delivery.attempts}.{newest}"
        return f"{told}.{self.waits.url}" if self.waits else told


def light_of(listener: ExternalListener, *, after: int = 0, since: datetime | None = None) -> Light:
    """What came after the delivery with row id ``after``, and at ``since`` or later."""
    refused = refused_lately(listener, since)
    delivery = _newest(listener, after, since)
    if delivery is None:
        return Light(refused=refused)
    if delivery.status == DeliveryStatus.RECEIVED:
        return Light(delivery, refused=refused, waits=what_holds(delivery))
    would = rehearse(delivery) if delivery.reason == Reason.LISTENER_OFF else None
    return Light(delivery, tickets_of(delivery), would, refused)


def _newest(listener: ExternalListener, after: int, since: datetime | None) -> Delivery | None:
    deliveries = (
        Delivery.objects.filter(listener=listener, pk__gt=after)
        .exclude(status=DeliveryStatus.REFUSED)
        .exclude(reason=Reason.DUPLICATE)
    )
    if since is not None:
        deliveries = deliveries.filter(received_at__gte=since)
    related = deliveries.select_related("listener__feedback_type__project", "api_key")
    return related.defer("body", "headers").order_by("-pk").first()


def tickets_of(delivery: Delivery) -> list[Ticket]:
    """Those that it ran on; else those that go by the names in it, whatever became of it."""
    tickets = Ticket.objects.select_related("feedback_type__project", "status").order_by("pk")
    ran_on = list(tickets.filter(executions__delivery=delivery).distinct())
    if ran_on:
        return ran_on
    return list(tickets.filter(pk__in=Directory([delivery]).named_by(delivery).tickets))


def rehearse(delivery: Delivery) -> Delivery | None:
    """``delivery`` as it would have ended with its listener on. Nothing of it is kept."""
    request = whole(delivery.pk)
    if request is None:
        return None
    with received_anew(request) as ended:
        return ended


def refused_lately(listener: ExternalListener, begin: datetime | None = None) -> list[Refusal]:
    """Requests that were meant for ``listener``, or for none that its project has, newest first."""
    lately = timezone.now() - LATELY
    since = max(begin, lately) if begin else lately
    refused = Delivery.objects.refused().filter(received_at__gt=since).defer("body", "headers")
    nobodys = Q(project=listener.project, listener=None)
    known = refused.filter(Q(listener=listener) | nobodys).exclude(api_key=None)
    rows = [*known.order_by("-pk")[:MOST_LOOKED_AT], *_without_key(listener, since)]
    alike: dict[tuple[str, str, str | None], Refusal] = {}
    for row in sorted(rows, key=lambda row: -row.pk):
        words = (row.reason, row.sentence, row.address)
        if words in alike:
            alike[words].times += 1
        elif len(alike) < MOST_REFUSED:
            alike[words] = Refusal(row)
    return list(alike.values())


def _without_key(listener: ExternalListener, since: datetime) -> list[Delivery]:
    """Of a request without a known key nothing is kept but its path, which says for whom it was."""
    rows = (
        Delivery.objects.refused()
        .filter(api_key=None, received_at__gt=since)
        .defer("body", "headers")
        .order_by("-received_at")[:MOST_LOOKED_AT]
    )
    others = set(listener.project.listeners.exclude(pk=listener.pk).values_list("key", flat=True))
    return [row for row in rows if _is_meant_for(row, listener, others)]


def _is_meant_for(row: Delivery, listener: ExternalListener, others: set[str]) -> bool:
    match = ADDRESS.match(row.path)
    if match is None:
        return row.listener_id == listener.pk
    project, key = (unquote(part).lower() for part in match.groups())
    return project == listener.project.key and key not in others
