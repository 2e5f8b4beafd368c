"""In which order the macros of a file are kept: those that others run come first."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from automation.actions import ACTIONS
from automation.actions.fields import RowsOfProject
from automation.models import Macro
from automation.rules.document import LIST, MAPPING, TEXT
from automation.rules.items import Item

Part = tuple[str, Item]  # a macro's name, and where it stands


def in_order_of_running(parts: list[Part]) -> list[Part]:
    """Where macros run one another in a circle, that is noted, and the order is the file's."""
    by_name = {name.lower(): (name, item) for name, item in parts}
    runs = {name: {*_names_run(item)} & by_name.keys() for name, (_, item) in by_name.items()}
    try:
        return [by_name[name] for name in TopologicalSorter(runs).static_order()]
    except CycleError as error:
        path = [by_name[name] for name in reversed(error.args[1])]
        shown = " → ".join(name for name, _ in path)
        path[0][1].note("actions", f"The macro would run itself: {shown}.")
        return parts


def _names_run(item: Item) -> Iterator[str]:
    actions = item.nodes.get("actions")
    for action in actions.value if actions and actions.kind == LIST else ():
        for kind, params in action.value.items() if action.kind == MAPPING else ():
            fields = ACTIONS[kind].Form.base_fields if kind in ACTIONS else {}
            for name, node in params.value.items() if params.kind == MAPPING else ():
                field = fields.get(name)
                if isinstance(field, RowsOfProject) and field.model is Macro and node.kind == TEXT:
                    yield node.value.strip().lower()
