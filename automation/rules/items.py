"""The parts of a file, read by name and kind; whatever is wrong with them is noted, not raised."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from django import forms

from automation.rules.document import (
    LIST,
    MAPPING,
    NOTHING,
    NUMBER,
    TEXT,
    TRUTH,
    Node,
    Problem,
    RulesRefused,
)
from rest.nearest import nearest

MOST = 500
SECRET = ("secret", "new_secret", "remove_secret")


class Problems(list[Problem]):
    """What is wrong with the file; raises RulesRefused once nobody would read any more of it."""

    def __init__(self) -> None:
        super().__init__()
        self.follow_ups: list[Problem] = []  # told only where nothing else is wrong

    def note(self, node: Node, sentence: str, line: int = 0) -> None:
        self.append(Problem(line or node.line, node.path, sentence[:1000]))
        if len(self) == MOST:
            raise RulesRefused(self)


class Item:
    """A mapping of the file, of which only the ``known`` keys may be there."""

    def __init__(self, node: Node, known: Collection[str], problems: Problems) -> None:
        self.node, self.known, self.problems = node, known, problems
        self.before = len(problems)
        self.doomed = False
        if node.kind != MAPPING:
            self.nodes: dict[str, Node] = {}
            problems.note(node, f"Here belong {' and '.join(known)}, each with its value.")
            return
        self.nodes = {key: each for key, each in node.value.items() if each.kind != NOTHING}
        for key, line in node.twice:
            first = node.value[key].line
            problems.note(node, f"“{key}” stands in line {first} already.", line)
        for key, unknown in node.value.items():
            if key not in known:
                problems.note(node, _unknown(key, known), unknown.line)

    @property
    def whole(self) -> bool:
        """Nothing was wrong with it, or within it, so far."""
        return len(self.problems) == self.before and not self.doomed

    def note(self, name: str, sentence: str) -> None:
        """That something is wrong with the value called ``name``, or with the whole."""
        node = self.nodes.get(name, self.node)
        if name in self.known and name not in self.nodes:
            node = replace(node, path=(*node.path, name))
        self.problems.note(node, sentence)

    def doom(self, node: Node, sentence: str) -> None:
        """That it names what was refused, which was said there."""
        self.doomed = True
        self.problems.follow_ups.append(Problem(node.line, node.path, sentence))

    def require(self, *names: str) -> None:
        for name in names:
            node = self.nodes.get(name)
            if node is None or (node.kind == TEXT and not node.value.strip()):
                self.problems.note(node or self.node, f"“{name}” is missing.")

    def text(self, name: str, default: str = "") -> str:
        node = self.nodes.get(name)
        return default if node is None else text_of(node, self.problems)

    def flag(self, name: str, default: bool = False) -> bool:
        node = self.nodes.get(name)
        if node is None:
            return default
        if node.kind != TRUTH:
            self.problems.note(node, "Write true or false here.")
        return bool(node.plain())

    def number(self, name: str, default: int) -> int:
        node = self.nodes.get(name)
        if node is None:
            return default
        if node.kind != NUMBER or not node.value.isdecimal():
            self.problems.note(node, "Write a whole number here.")
            return default
        return int(node.value[:18])

    def value(self, name: str, default: Any) -> Any:
        """What belongs where ``default`` is what is meant by nothing."""
        readers: dict[type, Any] = {bool: self.flag, int: self.number, list: self.texts}
        return readers.get(type(default), self.text)(name, default)

    def texts(self, name: str, default: list[str]) -> list[str]:
        if name not in self.nodes:
            return default
        return [text_of(node, self.problems) for node in self.parts(name)]

    def parts(self, name: str) -> list[Node]:
        node = self.nodes.get(name)
        if node is None:
            return []
        if node.kind != LIST:
            self.problems.note(node, "Here belongs a list: a line with “- ” for each.")
            return []
        return list(node.value)

    def items(self, name: str, known: Collection[str], by: str) -> Iterator[tuple[str, Item]]:
        """Each mapping of the list ``name``, with what it goes by: once in any letter case."""
        seen: dict[str, int] = {}
        for node in self.parts(name):
            item = Item(node, known, self.problems)
            if by not in item.nodes:
                if node.kind == MAPPING:
                    item.require(by)
                continue
            called = item.text(by).strip()
            if called.lower() in seen:
                line = seen[called.lower()]
                item.note(by, f"“{called}” stands there twice: first in line {line}.")
                continue
            seen[called.lower()] = node.line
            yield called, item

    def refuse(self, errors: Mapping[str, Iterable[str]]) -> None:
        for name, messages in errors.items():
            for message in messages:
                self.note(name, str(message))

    def accepted(self, form: forms.ModelForm) -> bool:
        """Whether ``form`` takes what was read from here; what it does not is noted."""
        for name, field in form.fields.items():
            if name in self.nodes and (problem := choice_problem(field, form.data.get(name))):
                self.note(name, problem)
                form.errors.pop(name, None)
        self.refuse({name: list(map(str, errors)) for name, errors in form.errors.items()})
        return self.whole


def text_of(node: Node, problems: Problems) -> str:
    if node.kind == TEXT:
        return str(node.value)
    if node.kind in (LIST, MAPPING):
        problems.note(node, f"Here belongs a text, not a {node.kind}.")
    elif node.kind == NOTHING:
        problems.note(node, "Here belongs a text.")
    else:
        problems.note(
            node, f'YAML reads {node.value} as a {node.kind}: write "{node.value}", in quotes.'
        )
    return ""


def choice_problem(field: Any, value: Any) -> str:
    """What is wrong with ``value`` where one of a few words belongs; empty where nothing is."""
    choices = getattr(field, "choices", None)
    if not choices or hasattr(field, "queryset") or value in (None, ""):
        return ""
    known = [str(word) for word, _ in choices if word != ""]
    wrong = [each for each in (value if isinstance(value, list) else [value]) if each not in known]
    if not wrong:
        return ""
    near = nearest(wrong[0], known)
    return f"“{wrong[0]}” is none of {', '.join(known)}.{near}"


def _unknown(key: str, known: Collection[str]) -> str:
    if key in SECRET:
        return "Secrets do not stand in files: enter it on the listener's page, and leave it out."
    return f"There is no “{key[:100]}” here.{nearest(key, known)}"
