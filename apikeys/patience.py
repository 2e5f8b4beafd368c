"""Bad keys from one address are answered, and kept, for a while only; a good key never waits."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import QuerySet
from django.utils import timezone

from apikeys.models import APIKey


def refusals_from(address: str | None) -> int:
    """How many requests without a known key came from there in this minute, with this one.

    Each web process counts for itself.
    """
    name = f"refused:{address}"
    cache.add(name, 0, timeout=60)
    with suppress(ValueError):  # its minute just ended
        return cache.incr(name)
    return 1


def may_keep(refused: QuerySet[Any], key: APIKey | None, address: str | None) -> bool:
    """REFUSED_PER_HOUR for each key, and for all without one, of whom each address has a share.

    The first that is answered 429 stands for those that follow.
    """
    hour = refused.filter(api_key=key, received_at__gt=timezone.now() - timedelta(hours=1))
    share = settings.REFUSED_PER_MINUTE + 1
    if key is None and _at_least(share, hour.filter(address=address)):
        return False
    return not _at_least(settings.REFUSED_PER_HOUR, hour)


def _at_least(number: int, rows: QuerySet[Any]) -> bool:
    return len(rows.values_list("pk")[:number]) >= number
