"""What people decide about a row of the outbox."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from automation.models import Outgoing
from automation.outbox.put import announce
from automation.outbox.secrets import without_secrets


def send_again(outgoing: Outgoing) -> bool:
    """Let it go at once, with all its attempts; False where it went, or goes at this moment."""
    now = timezone.now()
    undecided = Q(status=Outgoing.Status.WAITING) & not_in_hand(now)
    undecided |= Q(status=Outgoing.Status.FAILED)
    changed = Outgoing.objects.filter(undecided, pk=outgoing.pk).update(
        status=Outgoing.Status.WAITING,
        attempts=0,
        next_attempt_at=now,
        claimed_at=None,
        digest="",
        outcome="",
    )
    announce()
    return bool(changed)


def cancel(outgoing: Outgoing, *, actor: str) -> bool:
    """Never send it; False where it went, or goes at this moment."""
    undecided = Outgoing.objects.waiting().filter(not_in_hand(timezone.now()), pk=outgoing.pk)
    return bool(
        undecided.update(
            status=Outgoing.Status.CANCELLED,
            outcome=f"Cancelled by {actor}.",
            content=without_secrets(outgoing.content),
            claimed_at=None,
        )
    )


def not_in_hand(now: datetime) -> Q:
    """Asked of the row itself, so that whoever waited for a claim of it sees that claim."""
    return Q(claimed_at=None) | Q(next_attempt_at__lte=now)
