"""What an import would change: the rules before and after it, compared; or the import itself."""

from __future__ import annotations

import difflib
import hashlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from django.db import IntegrityError, OperationalError, transaction

from automation.rules.apply import Allowed, Outcome, apply_parts, begin
from automation.rules.apply_types import apply_types
from automation.rules.document import Node, RulesRefused, joined, parse, read, refusal
from automation.rules.export import rules_of

CONTEXT = 4  # lines around each change
OPERATOR = Allowed(actor="import_project")


@dataclass(frozen=True)
class Line:
    sign: str  # "+", "-", " ", or "@" for where the next lines belong
    text: str

    @property
    def kind(self) -> str:
        return {"+": "added", "-": "removed", "@": "place"}.get(self.sign, "same")

    def __str__(self) -> str:
        return f"@@ {self.text} @@" if self.sign == "@" else f"{self.sign}{self.text}".rstrip()


@dataclass(frozen=True)
class Plan:
    before: str
    after: str
    outcome: Outcome
    carried_out: bool = False

    @property
    def anything(self) -> bool:
        return self.before != self.after

    @property
    def fingerprint(self) -> str:
        """Of what is shown: it stays the same as long as the import would do just that."""
        return hashlib.sha256(f"{self.before}\0{self.after}".encode()).hexdigest()

    @cached_property
    def lines(self) -> list[Line]:
        return list(_compared(self.before, self.after))


def rehearse(text: str, allowed: Allowed = OPERATOR) -> Plan:
    """The plan for ``text``, made by doing it and taking it back; raises RulesRefused."""
    return _run(text, allowed, keep=False)


def carry_out(text: str, allowed: Allowed = OPERATOR, *, seen: str = "") -> Plan:
    """Import ``text``, all or nothing; raises RulesRefused.

    Where the plan is no longer the one whose fingerprint is ``seen``, nothing is done.
    """
    return _run(text, allowed, keep=True, seen=seen)


def _run(text: str, allowed: Allowed, *, keep: bool, seen: str = "") -> Plan:
    root = read(text)
    try:
        with transaction.atomic():
            plan = _import(root, allowed)
            keep = keep and (not seen or seen == plan.fingerprint)
            transaction.set_rollback(not keep)
    except IntegrityError:
        raise refusal(
            "Somebody else changed the same things at the same moment, so nothing was imported. "
            "Try again."
        ) from None
    except OperationalError as error:
        sentence = f"The database did not take it ({error}), so nothing was imported. Try again."
        raise refusal(sentence) from error
    return Plan(plan.before, plan.after, plan.outcome, carried_out=keep)


def _import(root: Node, allowed: Allowed) -> Plan:
    whole, work = begin(root, allowed)
    apply_parts(whole, work)
    apply_types(whole, work)
    if problems := work.problems or work.problems.follow_ups:
        raise RulesRefused(problems)
    work.project.refresh_from_db()
    return Plan(work.before, rules_of(work.project).text, work.outcome)


def _compared(before: str, after: str) -> Iterator[Line]:
    old, new = (text.split("\n")[:-1] for text in (before, after))
    places = _places(after)
    for group in difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT):
        first = next((start for tag, _, _, start, _ in group if tag != "equal"), group[0][3])
        yield Line("@", joined(_place(places, first + 1)))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                yield from (Line(" ", line) for line in old[i1:i2])
            else:
                yield from (Line("-", line) for line in old[i1:i2])
                yield from (Line("+", line) for line in new[j1:j2])


def _places(text: str) -> list[tuple[int, tuple[str, ...]]]:
    return [(node.line, node.path) for node in parse(text).walk()]


def _place(places: list[tuple[int, tuple[str, ...]]], line: int) -> tuple[str, ...]:
    """What stands in ``line``, or began above it."""
    found = bisect_right(places, line, key=lambda place: place[0])
    return places[max(found - 1, 0)][1]
