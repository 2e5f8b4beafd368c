"""A macro on many tickets: chosen once, worked off some at a time, cancelled at any moment.

Each ticket that is still to come has a row; a worker that dies leaves it, and another goes on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from access.callers import Caller
from access.rules import may_change
from automation.leaving import close_digest_of
from automation.listener_types.base import Work
from automation.listener_types.macro import MacroWork
from automation.models import BulkRun, BulkTicket, Execution, Macro, Outgoing, Schedule
from automation.pauses import unpaused
from automation.reasons import Reason
from automation.runs import locked
from automation.trouble import carry_out_alone, try_later
from automation.undo import UndoWork, title_of_undo
from feedback.models import SavedFilter, Ticket

MOST_TICKETS = 20_000
AT_ONCE = 25
LONGEST_CHOSEN = BulkRun._meta.get_field("chosen").max_length
LONGEST_ACTOR = BulkRun._meta.get_field("actor").max_length
ONE_TASK = 5.0  # seconds, so that a worker with much to do can be stopped


@transaction.atomic
def start_bulk(
    macro: Macro,
    tickets: QuerySet[Ticket],
    *,
    chosen: str,
    actor: str,
    schedule: Schedule | None = None,
    started_by: User | None = None,
    within: SavedFilter | None = None,
) -> BulkRun:
    """Let ``macro`` run on ``tickets``, as they are now; raises ValidationError for too many.

    ``within`` is the filter that they were chosen by, if it is a saved one.
    """
    own = tickets.filter(feedback_type=macro.feedback_type_id).order_by("pk")
    ids = list(own.values_list("pk", flat=True)[: MOST_TICKETS + 1])
    bulk = BulkRun(macro=macro, chosen=chosen, actor=actor, schedule=schedule)
    bulk.started_by = started_by
    bulk.filter_version_id = within.version_id if within else None
    return _started(bulk, ids)


@transaction.atomic
def undo_bulk(
    bulk: BulkRun,
    *,
    by: str,
    even: Iterable[str] = (),
    even_on: Mapping[int, Iterable[str]] | None = None,
) -> BulkRun:
    """Take back what ``bulk`` did, ticket by ticket; what somebody touched since is left alone.

    Fields that ``even`` names go back on every ticket, those of ``even_on`` on that one (by its
    id). Raises ValidationError for a run that is not over, or is being taken back already.
    """
    bulk = BulkRun.objects.select_for_update(of=("self",)).select_related("macro").get(pk=bulk.pk)
    if bulk.state == BulkRun.State.RUNNING:
        raise ValidationError("It still runs: cancel the rest of it first, or wait for its end.")
    if bulk.undone_by.filter(state=BulkRun.State.RUNNING).exists():
        raise ValidationError("It is being taken back already: wait for the end of that.")
    applied = bulk.executions.filter(reason=Reason.APPLIED).order_by("ticket")
    if not applied.exists():
        raise ValidationError("It did nothing that could be taken back.")
    undo = BulkRun(macro=bulk.macro, undoes=bulk, chosen=f"Undo of {bulk}"[:LONGEST_CHOSEN])
    undo.actor = f"{by} → {title_of_undo(bulk)}"[:LONGEST_ACTOR]
    ids = list(applied.values_list("ticket", flat=True))
    own = even_on or {}
    return _started(undo, ids, {pk: sorted({*even, *own.get(pk, ())}) for pk in ids})


def _started(bulk: BulkRun, ids: list[int], even: Mapping[int, list[str]] | None = None) -> BulkRun:
    if len(ids) > MOST_TICKETS:
        raise ValidationError(
            f"These are more than {MOST_TICKETS:,} tickets, the most of one bulk run. "
            "Choose fewer by a filter."
        )
    bulk.total = len(ids)
    bulk.save()
    known = even or {}
    BulkTicket.objects.bulk_create(
        (BulkTicket(bulk=bulk, ticket_id=pk, even=known.get(pk, [])) for pk in ids),
        batch_size=1000,
    )
    return bulk


def may_cancel(bulk: BulkRun, caller: Caller) -> bool:
    """Who began it, and who manages the project."""
    began = caller.person is not None and bulk.started_by_id == caller.person.pk
    return began or may_change(bulk, caller)


@transaction.atomic
def cancel(bulk: BulkRun) -> None:
    """What was done stays done, and can be undone; the rest is left alone."""
    running = BulkRun.objects.filter(pk=bulk.pk, state=BulkRun.State.RUNNING)
    if running.update(state=BulkRun.State.CANCELLED, ended_at=timezone.now()):
        bulk.waiting.all().delete()
        close_digest_of(bulk)


def work_off() -> bool:
    """Some of what waits, oldest first; says whether nothing is left that could be done now."""
    end = time.monotonic() + ONE_TASK
    while _work_off_some():
        if time.monotonic() > end:
            return False
    return True


def _work_off_some() -> int:
    """Each ticket by a transaction of its own: whoever has one ticket or person waits for none."""
    due = list(_due().order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    if not due:
        _end()
    return sum(_run_alone(pk) for pk in due)


def _due() -> QuerySet[BulkTicket]:
    """Of each ticket the oldest row, whoever has it: bulk runs do a ticket in their order."""
    running = BulkTicket.objects.filter(bulk__state=BulkRun.State.RUNNING)
    earlier = running.filter(ticket=OuterRef("ticket"), pk__lt=OuterRef("pk"))
    return (
        running.filter(unpaused("bulk__macro__feedback_type__project"))
        .filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=timezone.now()))
        .filter(~Exists(earlier))
    )


def _run_alone(pk: int) -> bool:
    """Whatever becomes of it, the others go on; False where another worker has it."""
    try:
        return _run(_due().filter(pk=pk))
    except Exception as error:
        try_later(BulkTicket.objects.filter(pk=pk), f"Ticket {pk} of a bulk run", error)
        return True


@transaction.atomic
def _run(rows: QuerySet[BulkTicket]) -> bool:
    """The only one of ``rows``, if it still is one: a pause may have come, or another worker."""
    related = ("bulk__macro__feedback_type__project", "bulk__undoes", "bulk__schedule")
    free = rows.select_related(*related).select_for_update(of=("self",), skip_locked=True)
    waiting = free.first()
    if waiting is None:
        return False
    bulk = waiting.bulk
    start = Execution.Start.UNDO if bulk.undoes else Execution.Start.BULK
    start = Execution.Start.SCHEDULE if bulk.schedule else start
    work = _work(waiting)
    if work is not None:
        execution = Execution(
            ticket=locked(waiting.ticket_id), start=start, bulk=bulk, actor=bulk.actor
        )
        execution.filter_version_id = bulk.filter_version_id
        if isinstance(work, UndoWork):
            execution.undoes = work.run
        carry_out_alone(work, execution, attempts=waiting.attempts)
    waiting.delete()
    return True


def _work(waiting: BulkTicket) -> Work | None:
    bulk = waiting.bulk
    if bulk.undoes is None:
        return MacroWork(f"Macro “{bulk.macro}”", bulk.macro)
    run = bulk.undoes.executions.filter(ticket=waiting.ticket_id, reason=Reason.APPLIED).first()
    return UndoWork(title_of_undo(run), run=run, even=waiting.even) if run else None


@transaction.atomic
def _end() -> None:
    """Those that have no ticket left, locked by nobody, are done."""
    left = BulkTicket.objects.filter(bulk=OuterRef("pk"))
    running = BulkRun.objects.filter(~Exists(left), state=BulkRun.State.RUNNING)
    for bulk in running.select_for_update(skip_locked=True):
        bulk.state, bulk.ended_at = BulkRun.State.DONE, timezone.now()
        bulk.save(update_fields=["state", "ended_at"])
        close_digest_of(bulk)


def do_at_once(bulk: BulkRun) -> list[Outgoing]:
    """The whole of a short run; what it gathered leaves, and is returned."""
    for pk in list(bulk.waiting.order_by("ticket_id").values_list("pk", flat=True)):
        _run(bulk.waiting.filter(pk=pk))
    return close_digest_of(bulk)
