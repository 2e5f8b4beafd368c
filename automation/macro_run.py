"""A macro does its actions to a ticket, one after the other."""

from __future__ import annotations

import logging

from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError

from automation.actions import ACTIONS
from automation.actions.base import Action, Settings
from automation.models import ExecutionStep, Macro
from automation.reasons import Reason, Stop
from feedback.models import Ticket

log = logging.getLogger(__name__)


def run_macro(macro: Macro, ticket: Ticket, *, actor: str, cause: str) -> list[ExecutionStep]:
    """Every action's params are checked before the first action changes anything."""
    return [
        _run_action(macro, action, checked, ticket, actor=actor, cause=cause)
        for action, checked in _checked_actions(macro, ticket)
    ]


def _checked_actions(macro: Macro, ticket: Ticket) -> list[tuple[Action, Settings]]:
    rows = [(ACTIONS[row.kind], row.params) for row in macro.actions.all()]
    try:
        return [(action, action.clean(params, ticket.feedback_type)) for action, params in rows]
    except ValidationError as error:
        why = " ".join(error.messages)
        raise Stop(Reason.MACRO_BROKEN, macro=macro.name, ticket=ticket.ref, why=why) from error


def _run_action(
    macro: Macro, action: Action, checked: Settings, ticket: Ticket, *, actor: str, cause: str
) -> ExecutionStep:
    try:
        record = action.apply(ticket, checked, actor=actor, cause=cause)
    except (OperationalError, InterfaceError):  # may heal
        raise
    except Exception as error:
        log.exception("Action %s failed on %s", action.kind, ticket.ref)
        raise Stop(
            Reason.ACTION_FAILED,
            action=action.label,
            macro=macro.name,
            ticket=ticket.ref,
            why=_why(error),
        ) from error
    return ExecutionStep(kind=action.kind, sentence=action.describe(checked), record=record)


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    return f"{type(error).__name__}: {error}."
