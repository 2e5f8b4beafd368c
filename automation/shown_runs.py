"""Runs as people see them: each with what it changed and what leaves because of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import prefetch_related_objects

from access.callers import Caller
from access.rules import seen
from automation.models import Execution, Outgoing
from automation.outbox.secrets import shown_content
from feedback.models import TicketChange

LONGEST_TEXT = 4000  # characters of what would leave


@dataclass(frozen=True)
class Leaving:
    """A mail or a call, without its secrets."""

    row: Outgoing
    title: str  # the subject, or method and address
    text: str


@dataclass(frozen=True)
class ShownRun:
    run: Execution
    changes: list[TicketChange]
    leaving: list[Leaving]


def shown_runs(runs: Iterable[Execution], caller: Caller) -> list[ShownRun]:
    """All that is to be known of ``runs``, read at once: they may be gone a moment later."""
    runs = list(runs)
    prefetch_related_objects(runs, "steps", "outgoing", "ticket__feedback_type__project", "macro")
    changes = changes_of(runs, caller)
    return [
        ShownRun(run, changes[run.public_id], [_leaving(row) for row in run.outgoing.all()][::-1])
        for run in runs
    ]


def _leaving(row: Outgoing) -> Leaving:
    content = shown_content(row.content)
    mail = row.kind == Outgoing.Kind.MAIL
    title = content["subject"] if mail else f"{content['method']} {content['url']}"
    text = content["text"] if mail else content["body"]
    return Leaving(row, title, text[:LONGEST_TEXT])


def changes_of(executions: Iterable[Execution], caller: Caller) -> dict[str, list[TicketChange]]:
    """What each execution, by its public id, changed, as far as ``caller`` may know."""
    executions = list(executions)
    changes = defaultdict(list)
    for change in seen(TicketChange, caller).filter(
        ticket__in=[execution.ticket_id for execution in executions],
        cause__in=[execution.public_id for execution in executions],
    ):
        changes[change.cause].append(change)
    return changes
