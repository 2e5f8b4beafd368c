"""The parts of a macro's page: an action each, some of them several times, in an order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django import forms

from automation.actions import ACTIONS
from automation.actions.base import Action, ActionForm, Params
from automation.macros import MOST_ACTIONS

PREFIX = re.compile(r"([a-z_]+)(?:-([1-9][0-9]?))?")
BLANK = "__number__"  # stands for the number in what a browser copies
LONGEST_ORDER = 10_000  # characters


@dataclass(frozen=True)
class Place:
    """A part by its action and, where a macro does that several times, a number."""

    kind: str
    number: int = 1

    @property
    def prefix(self) -> str:
        return self.kind if self.number == 1 else f"{self.kind}-{self.number}"

    @property
    def label(self) -> str:
        name = ACTIONS[self.kind].label
        return name if self.number == 1 else f"{name} ({self.number})"

    @property
    def usual(self) -> tuple[int, int]:
        """Where it stands unless somebody chose another place for it."""
        return list(ACTIONS).index(self.kind), self.number


ALWAYS = tuple(Place(kind) for kind in ACTIONS)


def place_named(prefix: str) -> Place | None:
    """None where no part can go by ``prefix``."""
    match = PREFIX.fullmatch(prefix)
    if match is None or match[1] not in ACTIONS:
        return None
    place = Place(match[1], int(match[2] or 1))
    several = place.number == 1 or ACTIONS[place.kind].repeatable
    return place if several and place.prefix == prefix else None


def places_of(rows: Iterable[tuple[str, Params]]) -> dict[Place, Params]:
    """The params of saved actions by their places, in the order in which they run."""
    found: dict[Place, Params] = {}
    for kind, params in rows:
        found[Place(kind, 1 + sum(place.kind == kind for place in found))] = params
    return found


def places_given(order: str, names: Iterable[str]) -> list[Place]:
    """What a browser sent: what ``order`` names and, behind it, what else its ``names`` tick."""
    ordered = filter(None, map(place_named, order[:LONGEST_ORDER].split(",")))
    others = sorted(filter(None, map(place_named, names)), key=lambda place: place.usual)
    return list(dict.fromkeys([*ordered, *others]))


def with_all(places: Iterable[Place]) -> list[Place]:
    """``places`` and, behind them, every action; of copies no more than a macro has room for."""
    known = list(dict.fromkeys([*places, *ALWAYS]))
    copies = [place for place in known if place.number > 1]
    beyond = set(copies[MOST_ACTIONS - len(ALWAYS) :])
    return [place for place in known if place not in beyond]


@dataclass(frozen=True)
class ActionPart:
    """An action on the macro's page: its tick and, below, what it needs to know."""

    place: Place
    tick: forms.BoundField
    ticked: bool
    form: ActionForm
    sentence: str = ""  # what it does as it was saved; empty while somebody is changing it

    @property
    def action(self) -> Action:
        return ACTIONS[self.place.kind]

    @property
    def prefix(self) -> str:
        return str(self.tick.name)

    @property
    def panel(self) -> str:
        return f"{self.prefix}-fields"

    @property
    def rank(self) -> int:
        return self.place.usual[0]
