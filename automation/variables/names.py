"""What texts may name, and whether a text names what there is, as far as that can be known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from jinja2 import nodes

from automation.variables.sandbox import LOOP
from rest.nearest import nearest

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

# What is known of a value: an object by its parts, a list by what is in it, or one of the words
# below; a function says it once it is asked.
Shape = Any
Shapes = Mapping[str, Shape]
ANYTHING, PLAIN, SECRET = "anything", "plain", "secret"
INSIDE: Shapes = {
    "ticket.tags": [PLAIN],
    "ticket.links": [dict.fromkeys(("system", "key", "id", "url"), PLAIN)],
    "ticket.values": ANYTHING,
    "ticket.data": ANYTHING,
    "event.references": [PLAIN],
}
ALONE = (
    "“{name}” is never shown, so it stands alone: write {{{{ {name} }}}} or, in JSON, "
    "{{{{ {name}|json }}}}, and nothing else between these braces."
)


def shapes(*, secrets: Iterable[str] = (), values: Shape = ANYTHING) -> Shapes:
    """Of all that a text may name; ``values`` are a ticket's form fields."""
    known = {**INSIDE, "ticket.values": values}
    of_roots = {
        root: {part: known.get(f"{root}.{part}", PLAIN) for part in parts} if parts else ANYTHING
        for root, parts in KNOWN.items()
    }
    return {**of_roots, **dict.fromkeys(secrets, SECRET)}


def check_names(node: nodes.Node, known: Shapes) -> None:
    """Raise ValidationError where ``node`` names what is not among ``known``."""
    check = CHECKS.get(type(node), _check_inner)
    check(node, known)


def _check_inner(node: nodes.Node, known: Shapes) -> None:
    for inner in node.iter_child_nodes():
        check_names(inner, known)


def _check_output(output: nodes.Node, known: Shapes) -> None:
    for node in output.iter_child_nodes():
        if not _is_secret_alone(node, known):
            check_names(node, known)


def _is_secret_alone(node: nodes.Node, known: Shapes) -> bool:
    """As it is or as JSON, whose text is struck out wherever it is shown."""
    if isinstance(node, nodes.Filter) and node.name == "json":
        given = (*node.args, *node.kwargs, node.dyn_args, node.dyn_kwargs)
        node = node if any(given) else node.node or node
    return isinstance(node, nodes.Name) and known.get(node.name) == SECRET


def _check_loop(loop: Any, known: Shapes) -> None:
    shape = _shape_of(loop.iter, known)
    if shape == PLAIN or isinstance(shape, dict):
        raise ValidationError(f"“for” takes a list: “{'.'.join(_names(loop.iter))}” is none.")
    within = {**known, "loop": dict.fromkeys(LOOP, PLAIN), **_targets(loop.target, shape)}
    for node in (loop.test, *loop.body):
        if node is not None:
            check_names(node, within)
    for node in loop.else_:
        check_names(node, known)


def _targets(target: nodes.Node, shape: Shape) -> dict[str, Shape]:
    """What the text itself names in a loop over ``shape``."""
    if isinstance(target, nodes.Name):
        return {target.name: shape[0] if isinstance(shape, list) else ANYTHING}
    return {name.name: ANYTHING for name in target.find_all(nodes.Name)}


def _shape_of(node: nodes.Node, known: Shapes) -> Shape:
    """Raises ValidationError where there is nothing of that name."""
    if isinstance(node, nodes.Name):
        return _shape_of_name(node.name, known)
    if isinstance(node, (nodes.Getattr, nodes.Getitem)):
        if isinstance(node, nodes.Getitem):
            check_names(node.arg, known)
        return _part(_shape_of(node.node, known), node)
    _check_inner(node, known)
    return ANYTHING


def _shape_of_name(name: str, known: Shapes) -> Shape:
    if name not in known:
        raise ValidationError(f"There is no variable “{name}”.{nearest(name, known)}")
    if known[name] == SECRET:
        raise ValidationError(ALONE.format(name=name))
    return known[name]


def _part(shape: Shape, node: nodes.Getattr | nodes.Getitem) -> Shape:
    part, whole = _part_of(node), ".".join(_names(node.node))
    if shape == ANYTHING or part is None:
        return ANYTHING
    if isinstance(shape, list):
        if isinstance(part, int):
            return shape[0]
        raise ValidationError(
            f"“{whole}” is a list: name one of it, as in {{{{ {whole}[0] }}}}, or each by “for”."
        )
    if shape == PLAIN:
        raise ValidationError(
            f"There is no variable “{whole}.{part}”: “{whole}” has nothing within it."
        )
    if part not in shape:
        near = nearest(str(part), shape)
        raise ValidationError(f"There is no variable “{whole}.{part}”.{near}")
    inner = shape[part]
    return inner() if callable(inner) else inner


def _part_of(node: nodes.Getattr | nodes.Getitem) -> Any:
    """The part's name or place; None where a variable decides."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.arg.value if isinstance(node.arg, nodes.Const) else None


CHECKS: dict[type[nodes.Node], Callable[[Any, Shapes], Any]] = {
    nodes.Output: _check_output,
    nodes.For: _check_loop,
    nodes.Name: _shape_of,
    nodes.Getattr: _shape_of,
    nodes.Getitem: _shape_of,
}


def chains(tree: nodes.Node) -> Iterator[list[str]]:
    """The names of every variable: ``["ticket", "ref"]``; the longest chain and its parts."""
    for node in tree.find_all((nodes.Name, nodes.Getattr, nodes.Getitem)):
        if names := _names(node):
            yield names


def _names(node: Any) -> list[str]:
    """Nothing where it does not begin with a name."""
    names: list[str] = []
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        part = _part_of(node)
        names.insert(0, "" if part is None else str(part))
        node = node.node
    known = isinstance(node, nodes.Name) and node.ctx == "load"
    return [node.name, *names] if known else []
