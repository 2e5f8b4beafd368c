from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from automation.jql.tokens import EMPTY, OPERATOR_SIGNS, PREDICATES, Kind, Token

DEEPEST = 50  # brackets within brackets


class Expected(Enum):
    FIELD = "a field"
    OPERATOR = "an operator, such as ="
    VALUE = "a value"
    CONNECTOR = "AND or OR"
    COMMA = "a comma or )"
    CLOSE = ")"
    BY = "BY"
    FEWER_BRACKETS = "fewer brackets"


class Stuck(Exception):
    """At token number ``at`` the query is none; ``clause`` is the one that was being read."""

    def __init__(self, at: int, expected: Expected, first: int) -> None:
        super().__init__(at, expected)
        self.at = at
        self.expected = expected
        self.first = first  # the first token of the clause


@dataclass(frozen=True)
class Value:
    text: str
    kind: str = "text"  # or “function”, “empty”
    token: Token | None = None  # where it is a single one


@dataclass(frozen=True)
class Predicate:
    name: str
    values: tuple[Value, ...]
    listed: bool = False


@dataclass(frozen=True)
class Clause:
    field: str
    operator: str  # in small letters, with single spaces: ``was not in``
    values: tuple[Value, ...]
    listed: bool  # the values stand in brackets
    predicates: tuple[Predicate, ...]
    operator_at: tuple[int, int]
    start: int
    end: int


@dataclass(frozen=True)
class AllOf:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class AnyOf:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    part: Node


Node = Clause | AllOf | AnyOf | Not


@dataclass(frozen=True)
class Query:
    where: Node | None
    order_at: int | None  # where ORDER BY begins
    tokens: tuple[Token, ...]


def parse(tokens: list[Token]) -> Query:
    """Raises Stuck."""
    return _Parser(tokens).query()


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.first = 0

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    @property
    def next(self) -> Token:
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def sees(self, kind: Kind) -> bool:
        return self.here.kind is kind

    def take(self) -> Token:
        token = self.here
        self.at += token.kind is not Kind.END
        return token

    def stuck(self, expected: Expected) -> Stuck:
        return Stuck(self.at, expected, self.first)

    def query(self) -> Query:
        starts_with_order = self.here.word == "order" and self.next.word == "by"
        where = None if starts_with_order else self.any_of()
        order_at = self.order_by()
        if not self.sees(Kind.END):
            raise self.stuck(Expected.CONNECTOR)
        return Query(where, order_at, tuple(self.tokens))

    def any_of(self) -> Node:
        parts = [self.all_of()]
        while self.here.connector == "or":
            self.take()
            parts.append(self.all_of())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def all_of(self) -> Node:
        parts = [self.one()]
        while self.here.connector == "and":
            self.take()
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def one(self) -> Node:
        negated = 0
        while self.here.word == "not" or self.here.text == "!":
            self.take()
            negated += 1
        self.first = self.at
        found = self.group() if self.sees(Kind.OPEN) else self.clause()
        return Not(found) if negated % 2 else found

    def group(self) -> Node:
        if self.depth >= DEEPEST:
            raise self.stuck(Expected.FEWER_BRACKETS)
        self.take()
        self.depth += 1
        found = self.any_of()
        if not self.sees(Kind.CLOSE):
            raise self.stuck(Expected.CONNECTOR)
        self.take()
        self.depth -= 1
        return found

    def clause(self) -> Clause:
        start = self.here.start
        field = self.field()
        operator, at = self.operator()
        values, listed = ((), False) if operator == "changed" else self.operand()
        predicates = self.predicates() if operator.startswith(("was", "changed")) else ()
        end = self.tokens[self.at - 1].end
        return Clause(field, operator, values, listed, predicates, at, start, end)

    def field(self) -> str:
        if not self.here.is_value:
            raise self.stuck(Expected.FIELD)
        name = self.take().value
        while self.sees(Kind.LEFT):  # cf[10042], issue.property[key].path
            self.take()
            if not self.here.is_value:
                raise self.stuck(Expected.VALUE)
            name += f"[{self.take().value}]"
            if not self.sees(Kind.RIGHT):
                raise self.stuck(Expected.OPERATOR)
            self.take()
            if self.here.word.startswith("."):
                name += self.take().text
        return name

    def operator(self) -> tuple[str, tuple[int, int]]:
        token = self.here
        words = [token.text.lower()]
        if token.text in OPERATOR_SIGNS or token.word in ("in", "changed"):
            self.take()
        elif token.word in ("is", "was"):
            self.take()
            words += self.taken("not")
            words += self.taken("in") if token.word == "was" else []
        elif token.word == "not" and self.next.word == "in":
            self.take()
            words += self.taken("in")
        else:
            raise self.stuck(Expected.OPERATOR)
        return " ".join(words), (token.start, self.tokens[self.at - 1].end)

    def taken(self, word: str) -> list[str]:
        return [self.take().word] if self.here.word == word else []

    def operand(self) -> tuple[tuple[Value, ...], bool]:
        if not self.sees(Kind.OPEN):
            return (self.value(),), False
        self.take()
        values = [self.value()]
        while self.sees(Kind.COMMA):
            self.take()
            values.append(self.value())
        if not self.sees(Kind.CLOSE):
            raise self.stuck(Expected.COMMA)
        self.take()
        return tuple(values), True

    def value(self) -> Value:
        token = self.here
        if not token.is_value:
            raise self.stuck(Expected.VALUE)
        self.take()
        if self.sees(Kind.OPEN) and token.kind is Kind.WORD:
            return self.function(token)
        return Value(token.value, "empty" if token.word in EMPTY else "text", token)

    def function(self, name: Token) -> Value:
        self.take()
        while not self.sees(Kind.CLOSE):
            if not self.here.is_value:
                raise self.stuck(Expected.VALUE)
            self.take()
            if self.sees(Kind.COMMA):
                self.take()
            elif not self.sees(Kind.CLOSE):
                raise self.stuck(Expected.COMMA)
        self.take()
        return Value(name.value, "function")

    def predicates(self) -> tuple[Predicate, ...]:
        found = []
        while self.here.word in PREDICATES:
            name = self.take().word
            found.append(Predicate(name, *self.operand()))
        return tuple(found)

    def order_by(self) -> int | None:
        if self.here.word != "order":
            return None
        start = self.take().start
        if self.here.word != "by":
            raise self.stuck(Expected.BY)
        more = True
        while more:
            self.take()
            self.field()
            if self.here.word in ("asc", "desc"):
                self.take()
            more = self.sees(Kind.COMMA)
        return start
