from __future__ import annotations

from typing import Any


def storable(text: Any) -> str:
    """``text`` as every database can keep it: no NUL, no half of a surrogate pair."""
    return str(text).encode("utf-8", "replace").decode().replace("\0", "")
