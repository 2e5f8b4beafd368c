"""Jinja with what texts need of it alone, each step of which keeps to the limits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ValidationError
from django.utils.html import escape
from jinja2 import TemplateError, TemplateRuntimeError, nodes, pass_context
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.runtime import ChainableUndefined, Context, LoopContext, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from automation.variables.limits import LONGEST_LIST, Effort, as_text, bounded

Step = Callable[..., Any]

NOTHING = "there is no "
LONGEST_NAME = 100
MOST_DIGITS = 20
LOOP = ("index", "index0", "first", "last")  # what a loop tells of itself
# No text can write names with spaces: these are ours alone.
EFFORT = "the effort"
ROUNDS, LOOKED, TOGETHER, QUOTED = "each round", "one look", "put together", "in a URL"
OF_TEXTS = ("capitalize", "lower", "string", "title", "truncate", "upper")
OF_VALUES = ("default", "first", "int", "last", "length")
TESTS = ("defined", "undefined", "none", "number", "string", "in", "eq", "equalto", "ne")


class Verbatim(str):
    """A text that is written as it is, as a part of a URL too."""


class Missing(ChainableUndefined, StrictUndefined):
    """What is not there: it may be asked for its parts, but has no text."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: Any) -> Missing:  # type: ignore[override]
        return Missing(name=f"{self._undefined_name}.{_as_name(name)}")

    def _fail_with_undefined_error(self, *args: Any, **options: Any) -> Any:
        raise UndefinedError(f"{NOTHING}{self._undefined_name}")

    def __bool__(self) -> bool:  # type: ignore[override]
        return False

    __str__ = __len__ = __iter__ = __eq__ = __ne__ = __hash__ = __contains__ = (
        _fail_with_undefined_error
    )


class Sandbox(ImmutableSandboxedEnvironment):
    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """An entry of an object or list; nothing else has parts."""
        if isinstance(obj, Missing):
            return obj[argument]
        if isinstance(obj, LoopContext) and argument in LOOP:
            return getattr(obj, argument)
        try:
            if isinstance(obj, (dict, list)):
                return obj[argument]
        except (LookupError, TypeError):
            pass
        return Missing(name=_as_name(argument))


class Bounding(NodeTransformer):
    """Lets what takes long in a text pass by the clock, and what grows by the limits."""

    def visit_For(self, node: nodes.For) -> nodes.For:
        self.generic_visit(node)
        node.iter = through(ROUNDS, node.iter)
        return node

    def visit_Operand(self, node: nodes.Operand) -> nodes.Operand:
        self.generic_visit(node)
        node.expr = through(LOOKED, node.expr)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:
        self.generic_visit(node)
        return through(TOGETHER, nodes.List(node.nodes, lineno=node.lineno))


def through(name: str, node: Any) -> nodes.Filter:
    """``node`` with a filter behind it."""
    lineno = node.lineno
    return nodes.Filter(node, name, [], [], None, None, lineno=lineno, environment=SANDBOX)


def _as_name(argument: Any) -> str:
    """What is asked for, as a failure tells it."""
    return str(argument)[:LONGEST_NAME] if isinstance(argument, (str, int)) else "…"


def _limited(name: str, step: Any, *, of_missing: bool = False) -> Step:
    """A filter or test that keeps to the limits; what is wrong with it is told by its name.

    Because it asks for the context, Jinja does not try it on what is constant before there is one.
    """

    @pass_context
    def limited(context: Context, value: Any, *given: Any, **options: Any) -> Any:
        if isinstance(value, Missing) and not of_missing:
            str(value)
        effort: Effort = context[EFFORT]
        effort.look()
        try:
            return effort.count(step(value, *given, **options))
        except (TemplateError, ValidationError):
            raise
        except Exception as error:  # whatever a filter makes of strange values
            raise TemplateRuntimeError(f"“{name}” does not fit ({str(error)[:200]})") from error

    return limited


def _of_text(step: Step) -> Step:
    return lambda value, *given, **options: step(as_text(value), *given, **options)


@pass_context
def _as_output(context: Context, value: Any) -> str:
    context[EFFORT].look()
    return as_text(value)


@pass_context
def _rounds(context: Context, values: Any) -> Iterator[Any]:
    if isinstance(values, Missing):
        str(values)
    if not isinstance(values, (list, tuple)):
        raise SecurityError("“for” takes a list")
    for value in values[:LONGEST_LIST]:
        context[EFFORT].look()
        yield value


def _json(value: Any) -> str:
    encoder = json.JSONEncoder(ensure_ascii=False, indent=2, default=str)
    return "".join(bounded(encoder.iterencode(value)))


def _join(values: Iterable[Any], between: Any = ", ") -> str:
    return as_text(between)[:100].join(bounded(map(as_text, islice(values, LONGEST_LIST))))


def _trim(text: str, characters: Any = None) -> str:
    return text.strip(characters if characters is None else as_text(characters)[:100])


def _quoted(value: Any) -> str:
    """As a part of a URL (RFC 3986, 2.1)."""
    return value if isinstance(value, Verbatim) else quote(as_text(value), safe="")


def _sandbox() -> Sandbox:
    sandbox = Sandbox(
        undefined=Missing, keep_trailing_newline=True, optimized=False, finalize=_as_output
    )
    sandbox.globals.clear()
    steps = _filters(sandbox)
    sandbox.filters = {
        name: _limited(name, step, of_missing=name in ("default", LOOKED))
        for name, step in steps.items()
    } | {ROUNDS: _rounds}
    sandbox.tests = {name: _limited(name, sandbox.tests[name], of_missing=True) for name in TESTS}
    return sandbox


def _filters(sandbox: Sandbox) -> dict[str, Step]:
    of_jinja = sandbox.filters
    with_sandbox = {
        name: partial(of_jinja[name], sandbox) for name in ("first", "last", "truncate")
    }
    known: dict[str, Step] = {
        **of_jinja,
        **with_sandbox,
        "trim": _trim,
        "escape": escape,
        "e": escape,
    }

    def rounded(value: Any, precision: int = 0, method: str = "common") -> Any:
        if precision not in range(-MOST_DIGITS, MOST_DIGITS + 1):
            raise ValueError(f"it takes up to {MOST_DIGITS} digits")
        return of_jinja["round"](value, precision, method)

    return {
        **{name: _of_text(known[name]) for name in (*OF_TEXTS, "trim", "escape", "e")},
        **{name: known[name] for name in OF_VALUES},
        "round": rounded,
        "json": _json,
        "join": _join,
        QUOTED: _quoted,
        LOOKED: lambda value: value,
        TOGETHER: lambda values: "".join(bounded(map(as_text, values))),
    }


SANDBOX = _sandbox()
