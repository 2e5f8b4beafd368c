from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from automation.actions.base import effect_of, kept_effects
from automation.expressions import evaluate
from automation.listener_types.base import ListenerType, Work, late, not_wanted
from automation.macro_run import Step
from automation.models import Delivery, ExecutionStep, ExternalListener
from feedback.data_content import LIMITS
from feedback.errors import ContentRefused, OutOfOrder
from feedback.following import keep_data
from feedback.models import Ticket


class CustomData(ListenerType):
    """Keeps the body, or the part that the listener's expression finds, on the ticket."""

    slug = ExternalListener.Type.CUSTOM_DATA

    def work_at(self, listener: ExternalListener, delivery: Delivery) -> Work:
        content = delivery.payload
        if content is None:
            raise not_wanted(listener, f"{listener.wanted()} with a body", "a request without one")
        if listener.data_expression:
            content = evaluate(listener.data_expression, content)
        if content is None:
            wanted = f"a body in which {listener.data_expression} finds something"
            raise not_wanted(listener, wanted, f"{delivery.told}, in which it finds nothing")
        return DataWork(
            title=f"Listener “{listener}”",
            listener=listener,
            content=content,
            at=delivery.occurred_at,
        )


@dataclass(frozen=True)
class DataWork(Work):
    listener: ExternalListener = field(kw_only=True)
    content: Any = field(kw_only=True)
    at: datetime | None = field(kw_only=True)

    def do(self, ticket: Ticket, *, actor: str, cause: str) -> list[Step]:
        name = self.listener.kept_as
        try:
            change = keep_data(
                ticket, name=name, content=self.content, at=self.at, actor=actor, cause=cause
            )
        except OutOfOrder as order:
            item = f"the custom data {name} of {ticket.ref}"
            raise late(order.moment, order.newer, item) from order
        except ContentRefused as refused:
            was = f"{refused}: enter which part of the body to keep"
            raise not_wanted(self.listener, LIMITS, was) from refused
        record = {"changes": [change.pk]} if change else {}
        row = ExecutionStep(
            kind=CustomData.slug,
            sentence=f"Keep the custom data {name}",
            record=record,
            changes=kept_effects([effect_of(change)] if change else []),
        )
        return [Step(row)]
