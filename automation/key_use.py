from __future__ import annotations

from apikeys.models import APICall, APIKey, RequestRecord
from apikeys.services import note_use
from automation.models import Delivery

RECORDS: tuple[type[RequestRecord], ...] = (Delivery, APICall)


def note_uses() -> None:
    """Keep when each key last called a listener or the REST API, whatever was answered."""
    for records in RECORDS:
        newest = {
            key: records._default_manager.filter(api_key=key)
            .order_by("-pk")
            .values_list("received_at")
            .first()
            for key in APIKey.objects.values_list("pk", flat=True)
        }
        note_use({key: row[0] for key, row in newest.items() if row})
