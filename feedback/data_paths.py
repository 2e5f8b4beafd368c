"""Where in a ticket's custom data something stands, such as ``jirafixed.fixVersions[0].name``.

The first name is the data's own. The rest is written as in JMESPath: names with dots between them,
in quotation marks where they have signs of their own, and the place in a list in brackets. A list
without a place stands for each of its elements.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Step = str | int  # the name of a value, or its place in a list

DEEPEST = 50  # steps
LONGEST_ASKED = 300  # characters
SHOWN = 200  # characters of one value
CONTROL = r"\x00-\x1f\x7f"
PLAIN = rf"""[^.="\[\]\s{CONTROL}](?:[^.="\[\]{CONTROL}]*[^.="\[\]\s{CONTROL}])?"""
QUOTED = rf"""(?:[^"\\{CONTROL}]|\\["\\])*"""
STEP = rf"""\.{PLAIN}|\."{QUOTED}"|\[[0-9]{{1,5}}\]"""
VALUE = rf"[^\s{CONTROL}](?:[^{CONTROL}]*[^\s{CONTROL}])?"
ASKED = rf"[A-Za-z0-9][A-Za-z0-9_-]*(?:{STEP}){{0,{DEEPEST}}}(?: *= *{VALUE})?"

NAME_OF = re.compile(r"[a-z0-9][a-z0-9_-]*")
STEP_OF = re.compile(rf"""\.(?P<plain>{PLAIN})|\."(?P<quoted>{QUOTED})"|\[(?P<place>[0-9]+)\]""")
VALUE_OF = re.compile(rf" *= *(?P<value>{VALUE})")
ESCAPED = re.compile(r'\\(["\\])')


@dataclass(frozen=True)
class Asked:
    """One value of the filter on custom data. Without a ``value`` any value will do."""

    name: str
    steps: tuple[Step, ...] = ()
    value: str = ""

    def __str__(self) -> str:
        return f"{self.where}={self.value}" if self.value else self.where

    @property
    def where(self) -> str:
        return written(self.name, self.steps)

    @property
    def truth_or_number(self) -> bool | int | float | None:
        """What ``value`` is in JSON, beside a text; None where it is nothing else."""
        try:
            told = json.loads(self.value.lower())
        except ValueError:
            return None
        is_one = isinstance(told, (bool, int, float)) and math.isfinite(told)
        return told if is_one else None

    def is_met_by(self, content: Any) -> bool:
        return any(map(self._is_met_by_one, found_in(content, self.steps)))

    def _is_met_by_one(self, found: Any) -> bool:
        if not self.value:
            return found not in (None, "")
        if isinstance(found, str):
            return found.upper() == self.value.upper()
        told = self.truth_or_number
        return (
            told is not None and found == told and isinstance(found, bool) == isinstance(told, bool)
        )


@lru_cache(maxsize=1024)
def asked(text: str) -> Asked:
    """``jirafixed.priority.name=High`` taken apart; raises ValueError where it is no such text."""
    text = text.strip()
    if len(text) > LONGEST_ASKED or not re.fullmatch(ASKED, text) or not _is_unicode(text):
        raise ValueError(text)
    name = NAME_OF.match(text.lower())
    assert name is not None
    at, steps = name.end(), list[Step]()
    while step := STEP_OF.match(text, at):
        at = step.end()
        steps.append(_read(step))
    value = VALUE_OF.fullmatch(text, at)
    return Asked(name[0], tuple(steps), value["value"] if value else "")


def _is_unicode(text: str) -> bool:
    """Half of a surrogate pair is no text that a database takes."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def _read(step: re.Match[str]) -> Step:
    if step["place"]:
        return int(step["place"])
    return step["plain"] or ESCAPED.sub(r"\1", step["quoted"] or "")


def written(name: str, steps: tuple[Step, ...]) -> str:
    """The path as people write it; what ``asked`` takes apart."""
    return name + "".join(map(_written, steps))


def _written(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if re.fullmatch(PLAIN, step):
        return f".{step}"
    return '."{}"'.format(step.replace("\\", "\\\\").replace('"', '\\"'))


def found_in(content: Any, steps: tuple[Step, ...]) -> list[Any]:
    """All that stands there; as PostgreSQL's SQL/JSON path language finds it in its lax mode.

    https://www.postgresql.org/docs/current/functions-json.html#FUNCTIONS-SQLJSON-PATH
    """
    found = [content]
    for step in steps:
        found = [inner for each in found for inner in _one_step(each, step)]
    return [inner for each in found for inner in _elements(each)]


def _one_step(value: Any, step: Step) -> list[Any]:
    if isinstance(step, int):
        return _elements(value)[step : step + 1]
    return [each[step] for each in _elements(value) if isinstance(each, dict) and step in each]


def _elements(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def leaves(content: Any, steps: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], Any]]:
    """Each text, number and truth value in ``content``, and where it stands; no empty ones."""
    inner: Iterator[tuple[Step, Any]]
    if isinstance(content, dict):
        inner = iter(content.items())
    elif isinstance(content, list):
        inner = iter(enumerate(content))
    else:
        if content not in (None, ""):
            yield steps, content
        return
    for step, value in inner:
        yield from leaves(value, (*steps, step))


def shown(value: Any) -> str:
    """A value as people read it, and may ask for it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
