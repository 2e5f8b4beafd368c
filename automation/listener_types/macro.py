from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from automation.listener_types.base import ListenerType, Work, not_wanted
from automation.macro_run import MacroRun, Step
from automation.models import Delivery, Execution, ExternalListener, Macro, StatusRow
from automation.reasons import DeliveryStatus, Reason, Stop
from automation.senders.base import Change, Kind
from automation.words import words_for
from feedback.models import Status, Ticket


class MacroExecution(ListenerType):
    """Runs the macro of the first row of the status table that matches, else its own macro."""

    slug = ExternalListener.Type.MACRO
    follows_status = True

    def work_at(self, listener: ExternalListener, delivery: Delivery) -> Work:
        macro, row = chosen(listener, listener.status_rows.all(), delivery)
        if macro is None:
            found = f"{row} does nothing" if row else "no row matches"
            raise not_wanted(listener, _table(listener), f"{_told(delivery)}, where {found}")
        title = f"Macro “{macro}”" + (f" ({row})" if row else "")
        comment = _comment_alone(listener, delivery)
        return MacroWork(title, macro, delivery, tuple(listener.protected_statuses.all()), comment)


def chosen(
    listener: ExternalListener, rows: Iterable[StatusRow], delivery: Delivery
) -> tuple[Macro | None, str]:
    """The macro to run, and the row of the status table that says so."""
    for number, row in enumerate(rows, start=1):
        if row.matches(delivery):
            return row.macro, f"row {number} of the status table, {row}"
    return listener.macro, ""


def _table(listener: ExternalListener) -> str:
    rows = ", ".join(str(row) for row in listener.status_rows.all())
    return f"a status of its table ({rows})" if rows else "nothing, since it has no macro"


def _told(delivery: Delivery) -> str:
    told = filter(None, (delivery.status_after, delivery.resolution))
    return " / ".join(told) or "an event that tells no status"


def _comment_alone(listener: ExternalListener, delivery: Delivery) -> ToldComment | None:
    """The comment that makes the macro run, where nothing else does."""
    about = {Kind.COMMENTED, Kind.COMMENT_CHANGED}
    waits = listener.when == ExternalListener.When.COMMENTED
    if not delivery.kinds or not (waits or about.issuperset(delivery.kinds)):
        return None
    told = {name: delivery.comment.get(name, "") for name in ("id", "change", "version")}
    told_apart = told["version"] or told["change"] != Change.EDITED
    return ToldComment(listener, told) if told["id"] and told_apart else None


@dataclass(frozen=True)
class ToldComment:
    """What became of a comment over there, as one request or another tells it."""

    listener: ExternalListener
    told: dict[str, Any]

    def check_new(self, ticket: Ticket) -> None:
        """Raise Stop DUPLICATE where another request told it and ran a macro on ``ticket``.

        Data Center tells one comment as a comment and as an update, each with a delivery id of its
        own, and a listener may get either or both; so does Azure DevOps.
        """
        runs = Execution.objects.filter(
            ticket=ticket, listener=self.listener, status=DeliveryStatus.DONE
        ).filter(**{f"delivery__comment__{name}": text for name, text in self.told.items()})
        first = runs.values_list("delivery__public_id", flat=True).first()
        if first:
            raise Stop(Reason.DUPLICATE, first=first)


@dataclass(frozen=True)
class MacroWork(Work):
    """A macro on a ticket; ``delivery`` is the request that its texts may name."""

    delivery: Delivery | None = None
    protected: tuple[Status, ...] = ()
    comment: ToldComment | None = None

    def do(self, ticket: Ticket, *, actor: str, cause: str) -> list[Step]:
        assert self.macro is not None
        if self.comment:
            self.comment.check_new(ticket)
        before = ticket.status
        words = partial(words_for, ticket, actor=actor, delivery=self.delivery)
        steps = MacroRun(ticket, actor, cause, words).of(self.macro)
        if before in self.protected and ticket.status != before:
            raise Stop(
                Reason.STATUS_PROTECTED, run=self.title, ticket=ticket.ref, status=str(before)
            )
        return steps
