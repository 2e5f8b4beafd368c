from __future__ import annotations

import uuid

from django.db import models

from automation.reasons import EXPLANATIONS, DeliveryStatus, Explanation, Reason, fill_in


def public_id() -> str:
    return uuid.uuid4().hex


class Outcome(models.Model):
    """A status with its reason, and what the reason's sentence names."""

    status = models.CharField(max_length=10, choices=DeliveryStatus.choices)
    reason = models.CharField(max_length=30, choices=Reason.choices, blank=True)
    evidence = models.JSONField(default=dict)

    class Meta:
        abstract = True

    @property
    def explanation(self) -> Explanation | None:
        return EXPLANATIONS[Reason(self.reason)] if self.reason else None

    @property
    def sentence(self) -> str:
        if self.explanation is None:
            return "It waits, and its page says for what."
        return fill_in(self.explanation.sentence, self.evidence)

    @property
    def cause_text(self) -> str:
        return fill_in(self.explanation.cause, self.evidence) if self.explanation else ""

    @property
    def again(self) -> str:
        """How it is started once more."""
        return "let the sender repeat the request"

    @property
    def next_step(self) -> str:
        if self.explanation is None:
            return ""
        return fill_in(self.explanation.next_step, {"again": self.again, **self.evidence})
