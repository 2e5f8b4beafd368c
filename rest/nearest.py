from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that offers the known name most like ``name``; empty where none is."""
    near = difflib.get_close_matches(str(name)[:100], known, n=1)
    return f" Did you mean “{near[0]}”?" if near else ""
