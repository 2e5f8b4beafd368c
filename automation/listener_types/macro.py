from __future__ import annotations

from dataclasses import dataclass

from automation.listener_types.base import ListenerType, Work, not_wanted
from automation.macro_run import run_macro
from automation.models import Delivery, ExecutionStep, ExternalListener, Macro
from automation.reasons import Reason, Stop
from feedback.models import Status, Ticket


class MacroExecution(ListenerType):
    """Runs the macro of the first row of the status table that matches, else its own macro."""

    slug = ExternalListener.Type.MACRO
    follows_status = True

    def work_at(self, listener: ExternalListener, delivery: Delivery) -> Work:
        macro, row = _chosen(listener, delivery)
        if macro is None:
            found = f"{row} does nothing" if row else "no row matches"
            raise not_wanted(listener, _table(listener), f"{_told(delivery)}, where {found}")
        title = f"Macro “{macro}”" + (f" ({row})" if row else "")
        return MacroWork(title, macro, tuple(listener.protected_statuses.all()))


def _chosen(listener: ExternalListener, delivery: Delivery) -> tuple[Macro | None, str]:
    """The macro to run, and the row of the status table that says so."""
    for number, row in enumerate(listener.status_rows.all(), start=1):
        if row.matches(delivery.status_after, delivery.resolution):
            return row.macro, f"row {number} of the status table, {row}"
    return listener.macro, ""


def _table(listener: ExternalListener) -> str:
    rows = ", ".join(str(row) for row in listener.status_rows.all())
    return f"a status of its table ({rows})" if rows else "nothing, since it has no macro"


def _told(delivery: Delivery) -> str:
    told = filter(None, (delivery.status_after, delivery.resolution))
    return " / ".join(told) or "an event that tells no status"


@dataclass(frozen=True)
class MacroWork(Work):
    protected: tuple[Status, ...] = ()

    def do(self, ticket: Ticket, *, actor: str, cause: str) -> list[ExecutionStep]:
        assert self.macro is not None
        before = ticket.status
        steps = run_macro(self.macro, ticket, actor=actor, cause=cause)
        if before in self.protected and ticket.status != before:
            raise Stop(
                Reason.STATUS_PROTECTED, run=self.title, ticket=ticket.ref, status=str(before)
            )
        return steps
