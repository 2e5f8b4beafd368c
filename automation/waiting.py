"""What a request waits for that was received and is not settled yet."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from automation.models import Delivery
from automation.pauses import pause_over
from automation.references import listener_of


@dataclass(frozen=True)
class Wait:
    """Why, in a sentence, and where to do something about it."""

    sentence: str
    url: str = ""
    link: str = ""


def what_holds(delivery: Delivery) -> Wait:
    listener = listener_of(delivery)
    kind = listener.feedback_type
    switch = reverse("automation", args=[kind.project.key, kind.prefix])
    if pause := pause_over(listener.project):
        where = "" if pause.project else " everywhere"
        told = f"Execution is paused{where}, by {pause.by}: it waits until somebody lets it go on."
        return Wait(told, switch, "Feedback Automation")
    if listener.held_at:
        told = (
            f"External listener “{listener}” holds, because it was about to change more tickets "
            "at once than it may: it waits until somebody lets it go on."
        )
        return Wait(told, switch, "Feedback Automation")
    earlier = Delivery.objects.unsettled().filter(pk=delivery.behind or 0).only("public_id").first()
    if earlier is not None:
        told = "It waits behind an earlier request about the same ticket."
        return Wait(told, earlier.get_absolute_url(), "The earlier request")
    if delivery.next_attempt_at:
        return Wait(_trouble(delivery))
    return Wait(delivery.sentence)


def _trouble(delivery: Delivery) -> str:
    assert delivery.next_attempt_at is not None
    at = date_format(timezone.localtime(delivery.next_attempt_at), "H:i:s T")
    why = f" ({delivery.evidence['why']})" if delivery.evidence.get("why") else ""
    return f"Attempt {delivery.attempts} met trouble{why}; the next one comes at {at}."
