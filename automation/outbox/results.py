"""How an attempt ended, whatever was sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any


@dataclass(frozen=True)
class Sent:
    outcome: str
    answer: dict[str, Any] = field(default_factory=dict)


class NotSent(Exception):
    """The sentence says why; ``heals`` whether to try again, ``wait`` how long to wait at least."""

    def __init__(
        self,
        sentence: str,
        *,
        heals: bool,
        answer: dict[str, Any] | None = None,
        wait: timedelta = timedelta(0),
    ) -> None:
        super().__init__(sentence)
        self.heals = heals
        self.answer = answer or {}
        self.wait = wait
