"""Runs as people see them: each with what it changed and what leaves because of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.db.models import prefetch_related_objects

from access.callers import Caller
from access.rules import seen
from apikeys.secrecy import STRUCK
from automation.models import Execution, MacroSecret, Outgoing
from automation.outbox.secrets import shown_content
from feedback.models import TicketChange

LONGEST_TEXT = 4000  # characters of what would leave


@dataclass(frozen=True)
class Leaving:
    """A mail or a call, without its secrets."""

    row: Outgoing
    content: dict[str, Any]  # each part cut to LONGEST_TEXT

    @property
    def title(self) -> str:
        """The subject, or method and address."""
        if self.row.kind == Outgoing.Kind.MAIL:
            return str(self.content["subject"])
        return f"{self.content['method']} {self.content['url']}"

    @property
    def text(self) -> str:
        return str(self.content["text" if self.row.kind == Outgoing.Kind.MAIL else "body"])


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
    secrets = _secrets_of(runs)
    return [
        ShownRun(
            run,
            changes[run.public_id],
            [
                leaving(row, secrets)
                for row in run.outgoing.all()
                if row.status != Outgoing.Status.MERGED
            ][::-1],
        )
        for run in runs
    ]


def leaving(row: Outgoing, secrets: Iterable[str] = ()) -> Leaving:
    hidden = secrets if row.kind == Outgoing.Kind.CALL else ()
    return Leaving(row, _without(shown_content(row.content), hidden))


def _without(content: Any, secrets: Iterable[str]) -> Any:
    if isinstance(content, dict):
        return {name: _without(part, secrets) for name, part in content.items()}
    if not isinstance(content, str):
        return content
    for secret in secrets:
        content = content.replace(secret, STRUCK)
    return content[:LONGEST_TEXT]


def _secrets_of(runs: list[Execution]) -> list[str]:
    """What calls of these runs may hold, as addresses and JSON write it, the longest first."""
    if not any(run.outgoing.all() for run in runs):
        return []
    kinds = {run.ticket.feedback_type_id for run in runs}
    kept = MacroSecret.objects.filter(macro__feedback_type__in=kinds)
    values = [value for value in kept.values_list("value", flat=True) if value]
    forms = {form for value in values for form in (value, quote(value, safe=""), _in_json(value))}
    return sorted(forms, key=len, reverse=True)


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def changes_of(executions: Iterable[Execution], caller: Caller) -> dict[str, list[TicketChange]]:
    """What each execution, by its public id, changed, as far as ``caller`` may know."""
    executions = list(executions)
    changes = defaultdict(list)
    for change in (
        seen(TicketChange, caller)
        .select_related("form_field")
        .filter(
            ticket__in=[execution.ticket_id for execution in executions],
            cause__in=[execution.public_id for execution in executions],
        )
    ):
        changes[change.cause].append(change)
    return changes
