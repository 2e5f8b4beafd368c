from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from automation.models import Delivery

AT_ONCE = 1000


def prune() -> int:
    """Delete settled requests past RETENTION_DAYS, some at a time; tickets keep their history."""
    if not settings.RETENTION_DAYS:
        return 0
    past = timezone.now() - timedelta(days=settings.RETENTION_DAYS)
    old = Delivery.objects.filter(received_at__lt=past).exclude(settled_at=None).order_by("pk")
    deleted = 0
    while pks := list(old.values_list("pk", flat=True)[:AT_ONCE]):
        Delivery.objects.filter(pk__in=pks).delete()
        deleted += len(pks)
    return deleted
