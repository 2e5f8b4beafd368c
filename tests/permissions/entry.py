"""One row of the table: a request, and who may make it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from tests.permissions.addresses import route_of
from tests.permissions.cast import NOWHERE
from tests.permissions.roles import AT_PAGES, EVERYONE

Body = dict[str, Any] | Callable[[Any], dict[str, Any]] | None


@dataclass(frozen=True)
class Entry:
    """``path`` and ``body`` name rows of the cast; ``answer`` is what those allowed are told."""

    method: str
    path: str
    allowed: Collection[str]
    body: Body = None
    answer: int = 200
    refusal: Collection[int] = (403, 404)
    changes: bool = True  # whether a request that is allowed, and no GET, leaves something behind
    what: str = ""
    asked_by: Collection[str] = ()  # those who try it, where it is too slow for everybody

    @property
    def rest(self) -> bool:
        return self.path.startswith("/api/v1/")

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def roles(self) -> Collection[str]:
        everybody = EVERYONE if self.path.startswith("/api/") else AT_PAGES
        return self.asked_by or everybody

    @property
    def route(self) -> str:
        return route_of(self.nowhere)

    @property
    def nowhere(self) -> str:
        """The same address, but of rows that are not there."""
        return self.path.format_map(NOWHERE)

    @property
    def names_rows(self) -> bool:
        return "{" in self.path

    def given(self, world: Any) -> Any:
        return self.body(world) if callable(self.body) else self.body

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.what}".strip()
