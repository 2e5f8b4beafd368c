from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing to look at in a query, as people read it."""

    code: str
    position: int  # in characters of the query, from 0
    sentence: str
    safer: str = ""  # the whole query as it should read

    @property
    def is_advice(self) -> bool:
        """Jira understands the query, though not as it may be meant."""
        return self.code in ADVICE


ADVICE = {
    "everything",
    "history",
    "history_untold",
    "impossible",
    "order_by",
}


@dataclass(frozen=True)
class Edit:
    """Characters ``start`` to ``end`` of a text are to be ``text``."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Found:
    """A finding in a text that earlier ones may have changed, with the change that it wants."""

    code: str
    position: int
    sentence: str
    edit: Edit | None = None
    also: Edit | None = None  # a second change that goes with it

    @property
    def edits(self) -> list[Edit]:
        return [edit for edit in (self.edit, self.also) if edit]


def edited(text: str, edits: Iterable[Edit]) -> str:
    """``text`` with ``edits``, none of which touches another."""
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def quoted(value: str) -> str:
    """``value`` as JQL takes any text."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
