"""What SQLite is taught: to look into custom data as PostgreSQL does by itself."""

from __future__ import annotations

import json
from typing import Any

from feedback.data_paths import asked

HOLDS = "hub_holds"


def teach(connection: Any, **_: Any) -> None:
    """For the signal that tells of a new connection."""
    if connection.vendor == "sqlite":
        connection.connection.create_function(HOLDS, 2, _holds, deterministic=True)


def _holds(content: str, text: str) -> bool:
    return asked(text).is_met_by(json.loads(content))
