"""What people decide about a row of the outbox."""

from __future__ import annotations

from django.utils import timezone

from automation.models import Outgoing
from automation.outbox.put import announce
from automation.outbox.secrets import without_secrets


def send_again(outgoing: Outgoing) -> bool:
    """Let it go at once, with all its attempts; False where it went, or goes at this moment."""
    now = timezone.now()
    undecided = Outgoing.objects.filter(
        pk=outgoing.pk, status__in=(Outgoing.Status.WAITING, Outgoing.Status.FAILED)
    ).exclude(pk__in=Outgoing.objects.in_hand(now).values("pk"))
    changed = undecided.update(
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
    undecided = Outgoing.objects.waiting().filter(pk=outgoing.pk)
    return bool(
        undecided.exclude(pk__in=Outgoing.objects.in_hand(timezone.now()).values("pk")).update(
            status=Outgoing.Status.CANCELLED,
            outcome=f"Cancelled by {actor}.",
            content=without_secrets(outgoing.content),
            claimed_at=None,
        )
    )
