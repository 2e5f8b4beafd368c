"""Variables in the texts of macros: ``{{ event.status_after }}``, in a sandbox.

The language is Jinja's (https://jinja.palletsprojects.com/templates/), less what a text does not
need: no calls, no attributes of objects, no arithmetic; ``for`` once, over a list of up to 1,000.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ValidationError
from django.utils.html import escape
from jinja2 import TemplateError, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.runtime import ChainableUndefined, LoopContext, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from rest.nearest import nearest

Words = Mapping[str, Any]  # texts, numbers, truth values, and lists and objects of them

LONGEST_TEXT = 100_000  # characters that a text may become
LONGEST_LIST = 1_000
SECONDS = 2.0
NOTHING = "there is no "

ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Keyword,
    nodes.If,
    nodes.For,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Test,
    nodes.Concat,
    nodes.List,
    nodes.Tuple,
    nodes.Neg,
)
FILTERS = (
    *("capitalize", "default", "first", "int", "last", "length", "lower"),
    *("round", "string", "title", "trim", "truncate", "upper"),
)
TESTS = ("defined", "undefined", "none", "number", "string", "in", "eq", "equalto", "ne")

# What every text may name. “payload” is whatever the tracker sent; “ticket.values” a type's own.
KNOWN: dict[str, dict[str, str] | None] = {
    "ticket": {
        "ref": "BUG-0001",
        "summary": "What it is about",
        "description": "The whole text",
        "status": "Its status now",
        "workflow": "The workflow of that status",
        "team": "The responsible team",
        "submitter": "Who submitted it, by name",
        "submitter_email": "That person's address",
        "blocking": "true or false",
        "exposure": "public or internal",
        "score": "Its priority score",
        "points": "The submitter's rank points",
        "tags": "A list of names",
        "type": "Bugs, Suggestions, …",
        "url": "The ticket's page",
        "values": "Its form fields, by their keys",
        "links": "A list of what it is called elsewhere: system, key, id, url",
        "data": "What Custom data listeners keep, by name",
    },
    "project": {"key": "beta", "name": "Beta", "url": "The project's page"},
    "actor": {"name": "Who or what runs the macro"},
    "event": {
        "name": "What happened, as the tracker calls it",
        "item": "What the item is called there for good",
        "references": "A list of what the item is called there",
        "status_before": "The status over there before",
        "status_after": "The status over there now",
        "resolution": "Why it is done over there",
        "actor": "Who did it over there",
        "comment": "The comment's text",
        "comment_author": "Who wrote that comment",
        "time": "When it happened there, as in 2026-01-31T12:00:00+00:00",
    },
    "payload": None,
}


class Verbatim(str):
    """A text that is written as it is, as a part of a URL too."""


class Missing(ChainableUndefined, StrictUndefined):
    """What is not there: it may be asked for its parts, but has no text."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: Any) -> Missing:  # type: ignore[override]
        return Missing(name=f"{self._undefined_name}.{name}")

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
        if isinstance(obj, LoopContext) and argument in ("index", "index0", "first", "last"):
            return getattr(obj, argument)
        try:
            if isinstance(obj, (dict, list)):
                return obj[argument]
        except (LookupError, TypeError):
            pass
        return Missing(name=str(argument))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _join(values: Iterable[Any], between: str = ", ") -> str:
    return str(between)[:100].join(str(value) for value in list(values)[:LONGEST_LIST])


def _quoted(value: Any) -> str:
    """As a part of a URL (RFC 3986, 2.1)."""
    return value if isinstance(value, Verbatim) else quote(str(value), safe="")


def _capped(values: Any) -> list[Any]:
    if not isinstance(values, (list, tuple)):
        raise SecurityError("“for” takes a list")
    return list(values)[:LONGEST_LIST]


def _sandbox() -> Sandbox:
    sandbox = Sandbox(undefined=Missing, keep_trailing_newline=True)
    sandbox.globals.clear()
    own = {"json": _json, "join": _join, "escape": escape, "e": escape}
    own |= {"capped": _capped, "quoted": _quoted}
    sandbox.filters = {name: sandbox.filters[name] for name in FILTERS} | own
    sandbox.tests = {name: sandbox.tests[name] for name in TESTS}
    return sandbox


SANDBOX = _sandbox()


def check(text: str, *, known: Mapping[str, Any] = KNOWN) -> None:
    """Raise ValidationError unless ``text`` can be filled in, as far as that can be known now."""
    tree = _parsed(text)
    loops = [name for loop in tree.find_all(nodes.For) for name in _loop_names(loop)]
    for names in _chains(tree):
        _check_names(names, known, loops)


def names_in(text: str) -> set[str]:
    """What ``text`` names, without parts: “ticket” for ``ticket.ref``; raises ValidationError."""
    return {names[0] for names in _chains(_parsed(text))}


def fill(text: str, words: Words, *, url: bool = False) -> str:
    """``text`` with its variables filled in; raises ValidationError that says what was missing.

    ``url``: the words become parts of a URL; one with which the text begins is the URL's own
    beginning, and stays as it is.
    """
    tree = _parsed(text)
    for loop in list(tree.find_all(nodes.For)):
        loop.iter = nodes.Filter(loop.iter, "capped", [], [], None, None, environment=SANDBOX)
    if url:
        _quote_words(tree)
    try:
        template = SANDBOX.from_string(tree)
        return "".join(_within_limits(template.generate(words)))
    except ValidationError:
        raise
    except UndefinedError as error:
        missing = _whole_name(str(error.message), tree)
        raise ValidationError(f"“{_short(text)}” cannot be filled in: {missing}.") from error
    except (TemplateError, ArithmeticError, ValueError, TypeError, RecursionError) as error:
        raise ValidationError(f"“{_short(text)}” cannot be filled in: {error}.") from error


def _quote_words(tree: nodes.Template) -> None:
    outputs = list(tree.find_all(nodes.Output))
    first = outputs[0].nodes[0] if outputs and tree.body[0] is outputs[0] else None
    for output in outputs:
        output.nodes = [
            node
            if isinstance(node, nodes.TemplateData) or node is first
            else nodes.Filter(node, "quoted", [], [], None, None, environment=SANDBOX)
            for node in output.nodes
        ]


def _within_limits(parts: Iterator[str]) -> Iterator[str]:
    end, length = time.monotonic() + SECONDS, 0
    for part in parts:
        length += len(part)
        if length > LONGEST_TEXT:
            raise ValidationError(f"The text becomes longer than {LONGEST_TEXT:,} characters.")
        if time.monotonic() > end:
            raise ValidationError(f"The text takes longer than {SECONDS:.0f} seconds to fill in.")
        yield part


def _parsed(text: str) -> nodes.Template:
    """Raises ValidationError where ``text`` is no text with variables, or does too much."""
    try:
        tree = SANDBOX.parse(text)
        _check_nodes(tree)
        SANDBOX.from_string(
            tree
        )  # knows the filters that there are, and works out what is constant
    except TemplateSyntaxError as error:
        raise ValidationError(f"Line {error.lineno}: {error.message}") from error
    except RecursionError as error:
        raise ValidationError("It is nested too deeply.") from error
    return tree


def _check_nodes(tree: nodes.Template) -> None:
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, ALLOWED):
            what = type(node).__name__.lower()
            raise ValidationError(
                f"Line {node.lineno}: “{what}” is not for texts. Use variables as in "
                "{{ ticket.ref }}, filters as in {{ ticket.summary|upper }}, “if” and “for”."
            )
    if any(list(loop.find_all(nodes.For)) for loop in tree.find_all(nodes.For)):
        raise ValidationError("A “for” inside another one is not for texts.")


def _loop_names(loop: nodes.For) -> list[str]:
    """What the text itself names in a loop."""
    targets = (loop.target, *loop.target.find_all(nodes.Name))
    return ["loop", *(each.name for each in targets if isinstance(each, nodes.Name))]


def _chains(tree: nodes.Template) -> Iterator[list[str]]:
    """The names of every variable: ``["ticket", "ref"]``; the longest chain and its parts."""
    for node in tree.find_all((nodes.Name, nodes.Getattr, nodes.Getitem)):
        names: list[str] = []
        while isinstance(node, (nodes.Getattr, nodes.Getitem)):
            part = node.attr if isinstance(node, nodes.Getattr) else _constant(node.arg)
            names.insert(0, part)
            node = node.node
        if isinstance(node, nodes.Name) and node.ctx == "load":
            yield [node.name, *names]


def _whole_name(problem: str, tree: nodes.Template) -> str:
    """The problem with the missing name as the text has it: what failed knows its end alone."""
    missing = problem.removeprefix(NOTHING)
    whole = (name for name in map(".".join, _chains(tree)) if name.endswith(f".{missing}"))
    return NOTHING + next(whole, missing) if problem.startswith(NOTHING) else problem


def _constant(node: nodes.Expr) -> str:
    return str(node.value) if isinstance(node, nodes.Const) else ""


def _check_names(names: list[str], known: Mapping[str, Any], own: Iterable[str]) -> None:
    root, *rest = names
    if root in own:
        return
    if root not in known:
        raise ValidationError(f"There is no variable “{root}”.{nearest(root, known)}")
    parts = known[root]
    if parts and rest and rest[0] and rest[0] not in parts:
        near = nearest(rest[0], parts)
        raise ValidationError(f"There is no variable “{root}.{rest[0]}”.{near}")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
