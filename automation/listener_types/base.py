from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from automation.macro_run import Step
from automation.models import Delivery, ExternalListener, Macro
from automation.reasons import Reason, Stop
from feedback.models import Ticket


@dataclass(frozen=True)
class Work:
    """What a listener does at one delivery, the same on every ticket."""

    title: str  # as people read it: Macro “Close”
    macro: Macro | None = None

    def do(self, ticket: Ticket, *, actor: str, cause: str) -> list[Step]:
        """Do it to ``ticket``; raises Stop where it must not."""
        raise NotImplementedError

    def nothing_done(self, steps: list[Step]) -> tuple[Reason, dict[str, str]]:
        """How a run ends in which no step changed anything, and what its sentence names."""
        return Reason.UNCHANGED, {}


class ListenerType:
    """A kind of listener: what it does with an event that it wants."""

    slug: ClassVar[str]  # stored in rows: never renamed
    waits: ClassVar[bool] = True  # for the events that the listener's “When” chose
    follows_status: ClassVar[bool] = False  # an older status than one applied is late

    def wanted(self, listener: ExternalListener) -> str:
        """What it waits for, as in “waits for a new comment”."""
        return listener.wanted()

    def work_at(self, listener: ExternalListener, delivery: Delivery) -> Work:
        """What is to do; raises Stop EVENT_NOT_WANTED where there is nothing."""
        raise NotImplementedError


def not_wanted(listener: ExternalListener, wanted: str, event: str) -> Stop:
    return Stop(Reason.EVENT_NOT_WANTED, listener=listener.name, wanted=wanted, event=event)


def late(moment: datetime, newer: datetime, item: str) -> Stop:
    """``item`` is what something of the time ``newer`` was already applied to."""
    return Stop(Reason.LATE, time=_in_utc(moment), newer=_in_utc(newer), item=item)


def _in_utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
