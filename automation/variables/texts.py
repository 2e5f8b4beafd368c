"""Texts are checked when they are saved, and filled in at each run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from jinja2 import Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.exceptions import UndefinedError

from automation.variables.limits import Effort, bounded
from automation.variables.names import Shapes, chains, check_names, shapes
from automation.variables.sandbox import EFFORT, NOTHING, QUOTED, SANDBOX, Bounding, through

Words = Mapping[str, Any]  # texts, numbers, truth values, and lists and objects of them

TOO_DEEP = "It is nested too deeply."
LARGEST = 10**15
TOO_LARGE = f"A number in a text is less than {LARGEST:,}."
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


def check(text: str, *, known: Shapes | None = None) -> None:
    """Raise ValidationError unless ``text`` can be filled in, as far as that can be known now."""
    tree = _parsed(text)
    try:
        check_names(tree, shapes() if known is None else known)
    except RecursionError as error:
        raise ValidationError(TOO_DEEP) from error
    _compiled(tree)


def names_in(text: str) -> set[str]:
    """What ``text`` names, without parts: “ticket” for ``ticket.ref``; raises ValidationError."""
    return {names[0] for names in chains(_parsed(text))}


def fields_in(text: str) -> set[str]:
    """The keys of the ticket's form fields that ``text`` names; raises ValidationError."""
    if "values" not in text:
        return set()
    names = (each for each in chains(_parsed(text)) if each[:2] == ["ticket", "values"])
    return {each[2] for each in names if len(each) > 2 and each[2]}


def fill(text: str, words: Words, *, url: bool = False) -> str:
    """``text`` with its variables filled in; raises ValidationError that says what was missing.

    ``url``: the words become parts of a URL; one with which the text begins is the URL's own
    beginning, and stays as it is.
    """
    tree = _parsed(text)
    if url:
        _quote_words(tree)
    template = _compiled(tree)
    try:
        return "".join(bounded(template.generate({**words, EFFORT: Effort()})))
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
            node if isinstance(node, nodes.TemplateData) or node is first else through(QUOTED, node)
            for node in output.nodes
        ]


def _parsed(text: str) -> nodes.Template:
    """Raises ValidationError where ``text`` is no text with variables, or does too much."""
    try:
        tree = SANDBOX.parse(text)
        _check_nodes(tree)
    except TemplateSyntaxError as error:
        raise ValidationError(f"Line {error.lineno}: {error.message}") from error
    except RecursionError as error:
        raise ValidationError(TOO_DEEP) from error
    except ValueError as error:  # of a number with thousands of digits
        raise ValidationError(TOO_LARGE) from error
    return tree


def _check_nodes(tree: nodes.Template) -> None:
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, ALLOWED):
            what = type(node).__name__.lower()
            raise ValidationError(
                f"Line {node.lineno}: “{what}” is not for texts. Use variables as in "
                "{{ ticket.ref }}, filters as in {{ ticket.summary|upper }}, “if” and “for”."
            )
        value = getattr(node, "value", None)
        if isinstance(value, (int, float)) and not value < LARGEST:
            raise ValidationError(TOO_LARGE)
    if any(list(loop.find_all(nodes.For)) for loop in tree.find_all(nodes.For)):
        raise ValidationError("A “for” inside another one is not for texts.")


def _compiled(tree: nodes.Template) -> Template:
    """Within the limits; raises ValidationError where a filter is not known."""
    try:
        return SANDBOX.from_string(Bounding().visit(tree))
    except TemplateSyntaxError as error:
        raise ValidationError(f"Line {error.lineno}: {error.message}") from error
    except (RecursionError, SyntaxError, MemoryError) as error:  # Python's own bounds
        raise ValidationError(TOO_DEEP) from error


def _whole_name(problem: str, tree: nodes.Template) -> str:
    """The problem with the missing name as the text has it: what failed knows its end alone."""
    missing = problem.removeprefix(NOTHING)
    whole = (name for name in map(".".join, chains(tree)) if name.endswith(f".{missing}"))
    return NOTHING + next(whole, missing) if problem.startswith(NOTHING) else problem


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
