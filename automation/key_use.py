from __future__ import annotations

from apikeys.models import APIKey
from apikeys.services import note_use
from automation.models import Delivery


def note_uses() -> None:
    """Keep when each key last called a listener, whatever was answered."""
    newest = {
        key: Delivery.objects.filter(api_key=key).order_by("-pk").values_list("received_at").first()
        for key in APIKey.objects.values_list("pk", flat=True)
    }
    note_use({key: row[0] for key, row in newest.items() if row})
