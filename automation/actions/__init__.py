from __future__ import annotations

from automation.actions.add_comment import AddComment
from automation.actions.adjust_workflow import AdjustWorkflow
from automation.actions.base import Action
from automation.actions.set_field import SetField

# In this order they stand on the macro's page, and run.
ACTIONS: dict[str, Action] = {
    action.kind: action for action in (AdjustWorkflow(), SetField(), AddComment())
}


def action_choices() -> list[tuple[str, str]]:
    return [(action.kind, action.label) for action in ACTIONS.values()]
