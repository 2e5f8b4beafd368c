"""Several names in one line of text, with commas between them."""

from __future__ import annotations

import re
from collections.abc import Iterable

NAME = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?=[,;]|\Z)|([^,;]+)')


def split_names(text: str) -> list[str]:
    """Commas or semicolons part them; a name that holds one stands in quotation marks."""
    names = (quoted.replace('""', '"') or plain for quoted, plain in NAME.findall(text))
    return list(filter(None, (name.strip() for name in names)))


def join_names(names: Iterable[str]) -> str:
    """The text that ``split_names`` makes ``names`` of."""
    return ", ".join(
        '"' + name.replace('"', '""') + '"' if re.search('[,;"]', name) else name for name in names
    )
