"""What a bulk run would do to the first of its tickets. Nothing of it stays."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from access.callers import Caller
from automation.bulk import do_at_once, start_bulk
from automation.models import Macro
from automation.runs import rehearsal
from automation.shown_runs import Leaving, ShownRun, leaving, shown_runs
from feedback.models import Ticket

TRIED = 5


@dataclass(frozen=True)
class TriedInBulk:
    """Each ticket as those before it left it."""

    runs: list[ShownRun]
    digests: list[Leaving]  # of mails of several tickets; all others leave with their run


def try_in_bulk(macro: Macro, tickets: QuerySet[Ticket], caller: Caller) -> TriedInBulk:
    """The bulk run itself, on the first of ``tickets`` alone."""
    own = tickets.filter(feedback_type=macro.feedback_type_id).order_by("pk")
    first = Ticket.objects.filter(pk__in=list(own.values_list("pk", flat=True)[:TRIED]))
    with rehearsal():
        bulk = start_bulk(macro, first, chosen="", actor=f"{caller.name} → {macro}")
        mails = do_at_once(bulk)
        return TriedInBulk(
            shown_runs(bulk.executions.order_by("pk"), caller),
            [leaving(mail) for mail in mails if mail.execution_id is None],
        )
