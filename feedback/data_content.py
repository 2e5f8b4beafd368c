"""What a ticket's custom data may be, and how they differ from what they were."""

from __future__ import annotations

import json
import math
from typing import Any

from feedback.data_paths import DEEPEST, leaves, shown, written
from feedback.errors import ContentRefused

MOST_BYTES = 64 * 1024  # as JSON
LIMITS = f"data of at most {MOST_BYTES // 1024} KiB, nested at most {DEEPEST} deep"
EXPONENT = 1e16  # from here on Python writes one, and PostgreSQL gives an integer back
FEW = 3
SHORT = 150  # characters


def cleaned(content: Any) -> Any:
    """``content`` as every database can keep it and gives it back; raises ContentRefused.

    Texts lose what is no Unicode, and NUL; NaN and the infinities, which JSON does not know, are
    null.
    """
    clean = _clean(content, DEEPEST)
    if clean is None:
        raise ContentRefused("no value that JSON knows")
    size = len(as_json(clean).encode())
    if size > MOST_BYTES:
        raise ContentRefused(f"{math.ceil(size / 1024)} KiB")
    return clean


def _clean(value: Any, deeper: int) -> Any:
    if deeper < 0:
        raise ContentRefused("nested deeper")
    if isinstance(value, dict):
        return {_text(name): _clean(inner, deeper - 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner, deeper - 1) for inner in value]
    if isinstance(value, float):
        return _number(value)
    return value if value is None or isinstance(value, int) else _text(value)


def _text(value: Any) -> str:
    return str(value).encode("utf-8", "replace").decode().replace("\0", "")


def _number(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    return int(value) if abs(value) >= EXPONENT else value


def as_json(content: Any) -> str:
    """The same text for what is the same in JSON, where 1 and true differ."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True)


def told(name: str, before: Any, after: Any) -> tuple[str, str]:
    """The first differences as two short texts: “jirafixed: priority.name Low”, and High."""
    old, new = (_by_path(content) for content in (before, after))
    differing = [path for path in {**new, **old} if _differ(old.get(path), new.get(path))]
    more = f" and {len(differing) - FEW} more" if len(differing) > FEW else ""
    return _short(name, old, differing[:FEW], more), _short(name, new, differing[:FEW], more)


def _by_path(content: Any) -> dict[str, Any]:
    return {written("", steps).removeprefix("."): value for steps, value in leaves(content)}


def _differ(before: Any, after: Any) -> bool:
    return as_json(before) != as_json(after)


def _short(name: str, values: dict[str, Any], paths: list[str], more: str) -> str:
    listed = ", ".join(
        f"{path} {shown(values[path]) if path in values else 'empty'}".strip() for path in paths
    )
    listed = listed if len(listed) <= SHORT else f"{listed[:SHORT]}…"
    return f"{name}: {listed}{more}" if listed else name
