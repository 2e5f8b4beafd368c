from __future__ import annotations

from django.db import models
from django.utils import timezone


class KeptAnswer(models.Model):
    """What a request with an ``Idempotency-Key`` was answered, for those that repeat it."""

    caller = models.CharField(max_length=60)
    key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64, help_text="Of method, path and body.")
    status_code = models.PositiveSmallIntegerField(default=0)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["caller", "key"], name="idempotency_key_once")
        ]

    def __str__(self) -> str:
        return self.key
