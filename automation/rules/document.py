"""YAML text as a tree of nodes, each of which knows its line and its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

LIMIT = 1024 * 1024  # bytes
DEEPEST = 12
SHOWN = 100  # problems at once

TEXT, LIST, MAPPING, TRUTH, NOTHING = "text", "list", "mapping", "yes or no", "nothing"
NUMBER = "number"
KINDS = {
    "tag:yaml.org,2002:str": TEXT,
    "tag:yaml.org,2002:int": NUMBER,
    "tag:yaml.org,2002:float": NUMBER,
    "tag:yaml.org,2002:bool": TRUTH,
    "tag:yaml.org,2002:null": NOTHING,
    "tag:yaml.org,2002:timestamp": "date",
}
TRUE = ("true", "yes", "on")
BELOW = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "


def joined(path: Iterable[str]) -> str:
    return BELOW.join(path)


@dataclass(frozen=True)
class Problem:
    line: int
    path: tuple[str, ...]
    sentence: str

    def __str__(self) -> str:
        place = [f"line {self.line}"] if self.line else []
        place += [joined(self.path)] if self.path else []
        return f"{', '.join(place)}: {self.sentence}" if place else self.sentence


class RulesRefused(Exception):
    """What keeps a file from being imported, all of it, in the order of its lines."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(dict.fromkeys(problems), key=lambda problem: problem.line)
        super().__init__(*self.sentences)

    @property
    def sentences(self) -> list[str]:
        more = len(self.problems) - SHOWN
        return [str(problem) for problem in self.problems[:SHOWN]] + (
            [f"… and {more} more."] if more > 0 else []
        )


def refusal(sentence: str, line: int = 0) -> RulesRefused:
    return RulesRefused([Problem(line, (), sentence)])


@dataclass
class Node:
    """A value of the file: ``value`` is text as written, a list of nodes, or nodes by their key."""

    line: int
    kind: str
    value: Any
    path: tuple[str, ...] = ()
    twice: list[tuple[str, int]] = field(default_factory=list)  # keys, and where they came again

    def plain(self) -> Any:
        """The same as lists, dictionaries, texts and truth values."""
        if self.kind == LIST:
            return [item.plain() for item in self.value]
        if self.kind == MAPPING:
            return {key: item.plain() for key, item in self.value.items()}
        if self.kind == TRUTH:
            return self.value.lower() in TRUE
        return None if self.kind == NOTHING else self.value

    def walk(self) -> Iterator[Node]:
        yield self
        inner = self.value if self.kind == LIST else ()
        for node in self.value.values() if self.kind == MAPPING else inner:
            yield from node.walk()

    def label(self, place: int) -> tuple[str, ...]:
        """What an item of a list goes by; an action goes by its kind, which is its only key."""
        if self.kind != MAPPING:
            return (str(place),)
        for name in ("prefix", "key", "name"):
            known = self.value.get(name)
            if known is not None and known.kind not in (LIST, MAPPING):
                return (known.value[:100],)
        is_action = [node.kind in (MAPPING, NOTHING) for node in self.value.values()] == [True]
        return () if is_action else (str(place),)

    def place(self, path: tuple[str, ...] = ()) -> None:
        """Let this node and all below it know their path."""
        self.path = path
        if self.kind == MAPPING:
            for key, node in self.value.items():
                node.place((*path, key[:100]))
        if self.kind == LIST:
            for number, node in enumerate(self.value, start=1):
                node.place((*path, *node.label(number)))


def decoded(data: bytes) -> str:
    """The text of an uploaded file; raises RulesRefused."""
    if len(data) > LIMIT:
        raise refusal("This file is larger than 1 MiB: a project's rules are not.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise refusal("This is not UTF-8 text: save the file as UTF-8.", line) from None


def read(text: str) -> Node:
    """The only document in ``text``; raises RulesRefused where it is not plain YAML."""
    if len(text.encode("utf-8", "surrogatepass")) > LIMIT:
        raise refusal("This text is larger than 1 MiB: a project's rules are not.")
    return parse(text)


def parse(text: str) -> Node:
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = f"U+{int(error.character):04X}"
        raise refusal(f"The character {code} may not stand in YAML.", line) from None
    try:
        root = _tree(loader)
    except yaml.MarkedYAMLError as error:
        raise _syntax(error) from None
    except (ValueError, OverflowError) as error:
        line = loader.get_mark().line + 1
        raise refusal(f"This is not YAML: {error}.", line) from None
    finally:
        loader.dispose()
    root.place()
    return root


def _syntax(error: yaml.MarkedYAMLError) -> RulesRefused:
    mark = error.problem_mark or error.context_mark
    why = ", ".join(filter(None, (error.context, error.problem)))
    if mark is None:
        return refusal(f"This is not YAML: {why}.")
    return refusal(f"This is not YAML from column {mark.column + 1} on: {why}.", mark.line + 1)


class Builder:
    """Puts nodes together from the parser's events, without recursion."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.open: list[Node] = []
        self.keys: list[tuple[str, int] | None] = []  # of each open node, the key that waits

    def add(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        parent, key = self.open[-1], self.keys[-1]
        if parent.kind == LIST:
            parent.value.append(node)
        elif key is None:
            if node.kind in (LIST, MAPPING):
                raise refusal("A key is one word, no list and no mapping.", node.line)
            self.keys[-1] = (node.value, node.line)
        else:
            self._set(parent, key, node)

    def _set(self, parent: Node, key: tuple[str, int], node: Node) -> None:
        name, node.line = key
        if name in parent.value:
            parent.twice.append(key)
        parent.value.setdefault(name, node)
        self.keys[-1] = None

    def enter(self, node: Node) -> None:
        if len(self.open) == DEEPEST:
            raise refusal("This is nested more deeply than any rule is.", node.line)
        self.add(node)
        self.open.append(node)
        self.keys.append(None)

    def leave(self) -> None:
        self.open.pop()
        self.keys.pop()


def _tree(loader: Any) -> Node:
    builder, documents = Builder(), 0
    while loader.check_event():
        event = loader.get_event()
        line = event.start_mark.line + 1
        if isinstance(event, yaml.NodeEvent):
            _refuse_extras(event, line)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise refusal("Here a second document begins: a file holds one project.", line)
        elif isinstance(event, yaml.ScalarEvent):
            builder.add(_scalar(loader, event, line))
        elif isinstance(event, yaml.SequenceStartEvent):
            builder.enter(Node(line, LIST, []))
        elif isinstance(event, yaml.MappingStartEvent):
            builder.enter(Node(line, MAPPING, {}))
        elif isinstance(event, yaml.CollectionEndEvent):
            builder.leave()
    if builder.root is None or builder.root.kind == NOTHING:
        raise refusal("There is nothing in it: export a project to see what a file looks like.")
    return builder.root


def _refuse_extras(event: Any, line: int) -> None:
    if event.anchor:
        sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
        raise refusal(f"“{sign}{event.anchor}” is not understood here: write it out.", line)
    if getattr(event, "tag", None):
        raise refusal(f"The tag “{event.tag}” is not understood here: leave it out.", line)


def _scalar(loader: Any, event: yaml.ScalarEvent, line: int) -> Node:
    text = event.value
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise refusal("This text holds a character that cannot be kept.", line)
    tag = loader.resolve(yaml.ScalarNode, text, event.implicit)
    return Node(line, KINDS.get(tag, TEXT), text)
