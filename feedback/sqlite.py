"""What SQLite is taught: to look into custom data as PostgreSQL does by itself."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from feedback.data_paths import Asked, asked

HOLDS = "hub_holds"


def teach(connection: Any, **_: Any) -> None:
    """For the signal that tells of a new connection."""
    if connection.vendor == "sqlite":
        connection.connection.create_function(HOLDS, 2, _holds, deterministic=True)


def _holds(content: str, texts: str) -> bool:
    told = json.loads(content)
    return any(what.is_met_by(told) for what in _all_asked(texts))


@lru_cache(maxsize=64)
def _all_asked(texts: str) -> list[Asked]:
    return [asked(text) for text in json.loads(texts)]
