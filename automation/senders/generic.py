from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automation.senders.base import Event, Kind, Sender, clean_text


class Generic(Sender):
    """Let your system send a POST request to the API Endpoint URL.

    Put the ticket's id after ``find=``, or tell the listener by a JMESPath expression where the
    body holds it. An ``Idempotency-Key`` header makes repeats harmless.
    """

    slug = "generic"
    label = "Anything that can POST"
    where = "your system"
    delivery_headers = ("Idempotency-Key",)

    def read(self, headers: Mapping[str, str], payload: Any) -> Event:
        return Event(
            kinds=(str(Kind.OTHER),), delivery_id=clean_text(headers.get("Idempotency-Key", ""))
        )
