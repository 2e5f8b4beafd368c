"""A ticket's custom data as its page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from access.callers import Caller
from access.rules import seen
from feedback.data_paths import Asked, Step, asked, leaves, shown, written
from feedback.models import Ticket, TicketData

MOST_ROWS = 100
FEW_ROWS = 12  # are shown without being asked for


@dataclass(frozen=True)
class Row:
    path: str
    text: str
    ask: str  # what finds the tickets that have the same there; empty where it cannot be asked for


@dataclass(frozen=True)
class Card:
    name: str
    updated_at: datetime
    rows: list[Row]
    more: bool  # than the rows

    @property
    def open(self) -> bool:
        return len(self.rows) <= FEW_ROWS


def cards(ticket: Ticket, caller: Caller) -> list[Card]:
    return [_card(data) for data in seen(TicketData, caller).filter(ticket=ticket)]


def _card(data: TicketData) -> Card:
    found = list(islice(leaves(data.content), MOST_ROWS + 1))
    rows = [_row(data, steps, value) for steps, value in found[:MOST_ROWS]]
    return Card(data.name, data.updated_at, rows, more=len(found) > MOST_ROWS)


def _row(data: TicketData, steps: tuple[Step, ...], value: Any) -> Row:
    return Row(written(data.name, steps), shown(value), _ask(data, Asked(data.name, steps), value))


def _ask(data: TicketData, place: Asked, value: Any) -> str:
    text = f"{place}={shown(value)}"
    try:
        return text if asked(text).is_met_by(data.content) else ""
    except ValueError:
        return ""
