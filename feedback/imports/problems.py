from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """What is wrong in one place of a file, and what to do about it."""

    message: str
    line: int = 0  # 0: the file as a whole
    column: str = ""


class Refused(Exception):
    """A file of which nothing is imported; ``rows`` can be looked at all the same."""

    def __init__(self, problems: Iterable[Problem], rows: Sequence[Any] = ()) -> None:
        self.rows = rows
        self.problems = sorted(problems, key=lambda problem: (problem.line, problem.column))
        super().__init__(" ".join(problem.message for problem in self.problems[:3]))


def refuse(message: str, line: int = 0, column: str = "") -> Refused:
    return Refused([Problem(message, line, column)])
