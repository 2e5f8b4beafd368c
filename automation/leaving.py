"""What must follow a run: mail and calls, as rows of the run's own transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.html import linebreaks, urlize

from automation.actions.follow_ups import Call, Mail
from automation.macro_run import Step
from automation.models import BulkRun, Execution, Outgoing
from automation.outbox import close_digest, put_call, put_mail
from automation.outbox.put import LONGEST_TEXT
from automation.reasons import Reason, Stop

KEEPER = "keep values"  # who takes the answers to calls


def leave(execution: Execution, steps: list[Step]) -> None:
    """Put what follows ``steps`` into the outbox; raises Stop where it could never be sent."""
    for step in steps:
        for follow_up in step.follow_ups:
            try:
                LEAVES[type(follow_up)](execution, follow_up)
            except ValidationError as error:
                raise Stop(
                    Reason.ACTION_FAILED,
                    action=step.row.sentence,
                    macro=str(execution.macro),
                    ticket=execution.ticket.ref,
                    why=" ".join(error.messages),
                ) from error


def digest_of(bulk: BulkRun) -> str:
    return f"bulk run {bulk.public_id}"


def close_digest_of(bulk: BulkRun) -> list[Outgoing]:
    """The bulk run is over: what it gathered leaves, as one mail for each address."""
    return close_digest(digest_of(bulk))


def as_html(text: str) -> str:
    """``text`` with links and paragraphs, all else escaped; empty where it would be too long."""
    html = str(linebreaks(urlize(text, nofollow=True, autoescape=True)))
    return html if len(html) <= LONGEST_TEXT else ""


def _mail(execution: Execution, mail: Mail) -> None:
    gathered = execution.bulk is not None and mail.gathered
    put_mail(
        **_about(execution),
        to=mail.to,
        subject=mail.subject,
        text=mail.text,
        html=as_html(mail.text),
        digest=digest_of(execution.bulk) if gathered and execution.bulk else "",
    )


def _call(execution: Execution, call: Call) -> None:
    put_call(
        **_about(execution),
        method=call.method,
        url=call.url,
        headers=call.headers,
        body=call.body,
        keep=call.keep,
        secrets=call.secrets,
        taker=KEEPER if call.keep else "",
    )


def _about(execution: Execution) -> dict[str, Any]:
    ticket = execution.ticket
    return {"project": ticket.project, "ticket": ticket, "execution": execution}


LEAVES: dict[type, Callable[[Execution, Any], None]] = {Mail: _mail, Call: _call}
