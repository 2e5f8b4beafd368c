from __future__ import annotations

import re

ROW_ID = re.compile(r"[0-9]{1,18}")  # what every database takes; int() itself stops at 4300 digits


def row_id(text: str) -> int | None:
    """The id, or the place in a list, that ``text`` from an address names."""
    return int(text) if ROW_ID.fullmatch(text) else None
