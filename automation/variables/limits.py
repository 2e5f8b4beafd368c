"""What filling in one text may take, counted before anything large is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Any

from django.core.exceptions import ValidationError

LONGEST_TEXT = (
    100_000  # characters that a text may become, and each part of it that is put together
)
LONGEST_LIST = 1_000
MOST_MADE = 10_000_000  # characters that all filters of a text make
SECONDS = 2.0
TOO_LONG = f"The text becomes longer than {LONGEST_TEXT:,} characters."
TOO_MUCH = f"The filters of the text make more than {MOST_MADE:,} characters."
TOO_SLOW = f"The text takes longer than {SECONDS:.0f} seconds to fill in."


class Effort:
    """What one text took so far."""

    def __init__(self) -> None:
        self.end = monotonic() + SECONDS
        self.made = 0

    def look(self) -> None:
        """At the clock; raises ValidationError once the time is up."""
        if monotonic() > self.end:
            raise ValidationError(TOO_SLOW)

    def count(self, made: Any) -> Any:
        """``made``; raises ValidationError once all that was made is too much."""
        self.made += len(made) if isinstance(made, str) else 0
        if self.made > MOST_MADE:
            raise ValidationError(TOO_MUCH)
        return made


def bounded(pieces: Iterable[str]) -> Iterator[str]:
    """``pieces`` of one text; raises ValidationError once they are longer than a text may be."""
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > LONGEST_TEXT:
            raise ValidationError(TOO_LONG)
        yield piece


def as_text(value: Any) -> str:
    if isinstance(value, (dict, list, tuple)):
        _check_size(value)
    return str(value)


def _check_size(whole: Any) -> None:
    """Raise ValidationError where a list or object has so much in it that its text is too long."""
    left, size = [whole], 0
    while left:
        each = left.pop()
        size += len(each) if isinstance(each, (str, dict, list, tuple)) else 1
        if size > LONGEST_TEXT:
            raise ValidationError(TOO_LONG)
        if isinstance(each, dict):
            left += [*each, *each.values()]
        elif isinstance(each, (list, tuple)):
            left += each
