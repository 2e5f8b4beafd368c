"""What is past its time is deleted, some rows at a time; tickets keep their history."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from apikeys.models import APICall
from automation.models import Delivery, HandOver, Outgoing
from rest.models import KeptAnswer
from rest.once import KEPT

AT_ONCE = 1000


def prune() -> int:
    """Delete what came and went past RETENTION_DAYS, if set, and kept answers past their end."""
    requests = timedelta(days=settings.RETENTION_DAYS)
    kept: list[tuple[QuerySet[Any], str, timedelta]] = [
        (_settled(), "received_at", requests),
        (Outgoing.objects.exclude(status=Outgoing.Status.WAITING), "created_at", requests),
        (APICall.objects.all(), "received_at", requests),
        (HandOver.objects.all(), "expires_at", requests),
        (KeptAnswer.objects.all(), "created_at", KEPT),
    ]
    return sum(_delete(rows, since, age) for rows, since, age in kept if age)


def _settled() -> QuerySet[Delivery]:
    """Those that are at their end, and with a body whose every part is: the parts go with it."""
    unsettled = Delivery.objects.filter(whole=OuterRef("pk"), settled_at=None)
    return Delivery.objects.exclude(settled_at=None).exclude(Exists(unsettled))


def _delete(rows: QuerySet[Any], since: str, age: timedelta) -> int:
    old = rows.filter(**{f"{since}__lt": timezone.now() - age}).order_by("pk")
    deleted = 0
    while pks := list(old.values_list("pk", flat=True)[:AT_ONCE]):
        rows.model._default_manager.filter(pk__in=pks).delete()
        deleted += len(pks)
    return deleted
