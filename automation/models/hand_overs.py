from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from automation.models.listeners import ExternalListener


class HandOver(models.Model):
    """A link to a listener's set-up guide for somebody without an account here.

    The token of the link is not kept, only its digest. ``opened_at`` is when the secrets were
    shown, which happens once.
    """

    listener = models.ForeignKey(
        ExternalListener, on_delete=models.CASCADE, related_name="hand_overs"
    )
    way = models.CharField(max_length=30, blank=True, help_text="Which of the tracker's ways.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    gives_key = models.BooleanField(
        default=False, help_text="An API key is made for the listener when the secrets are shown."
    )
    key_prefix = models.CharField(max_length=20, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    opened_from = models.GenericIPAddressField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Hand-over of {self.listener}, {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def state(self) -> str:
        if self.revoked_at:
            return "revoked"
        if self.expires_at <= timezone.now():
            return "expired"
        return "opened" if self.opened_at else "open"

    @property
    def is_valid(self) -> bool:
        return self.state in ("open", "opened")
