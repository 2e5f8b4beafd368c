from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from automation.models import Delivery, ExecutionStep, ExternalListener, Macro
from feedback.models import Ticket


@dataclass(frozen=True)
class Work:
    """What a listener does at one delivery, the same on every ticket."""

    title: str  # as people read it: Macro “Close”
    macro: Macro | None = None

    def do(self, ticket: Ticket, *, actor: str, cause: str) -> list[ExecutionStep]:
        """Do it to ``ticket``, as steps without an execution; raises Stop where it must not."""
        raise NotImplementedError


class ListenerType:
    """A kind of listener: what it does with an event that it wants."""

    slug: ClassVar[str]  # stored in rows: never renamed
    waits: ClassVar[bool] = True  # for the events that the listener's “When” chose

    def work_at(self, listener: ExternalListener, delivery: Delivery) -> Work:
        """What is to do; raises Stop EVENT_NOT_WANTED where there is nothing."""
        raise NotImplementedError
