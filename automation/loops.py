"""What led to a run, over triggers and over calls to a tracker, and whether that is a loop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.datastructures import CaseInsensitiveMapping

from automation.models import Delivery, Execution, Macro, Outgoing
from automation.reasons import Reason, Stop
from feedback.models import Ticket

TRACE = "traceparent"  # W3C Trace Context: version, trace id (32 digits), parent id, flags
TRACE_ID = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}\b")
WINDOW = timedelta(minutes=10)
ECHO = timedelta(minutes=1)  # so soon after a call, a request about the ticket may be its echo
DEEPEST = 10  # runs that led to one another
ROUNDS = 5  # equal ones, over a tracker whose echoes cannot be told from its users' work
LONGEST_PATH = 60  # runs that are looked at


def trace_of(outgoing: Outgoing) -> dict[str, str]:
    """The header by which a request that a call leads to tells which run made the call."""
    run = outgoing.execution
    return {TRACE: f"00-{run.public_id}-{outgoing.public_id[:16]}-01"} if run else {}


def note_what_led_to(execution: Execution, delivery: Delivery) -> None:
    """The run whose call ``delivery`` passes on, or may be the echo of."""
    execution.after = _traced(delivery)
    if execution.after is None:
        execution.after = _called_before(execution.ticket, delivery)
        execution.by_echo = execution.after is not None


def _traced(delivery: Delivery) -> Execution | None:
    found = TRACE_ID.match(CaseInsensitiveMapping(delivery.header_map).get(TRACE, ""))
    if not found:
        return None
    own = Execution.objects.filter(ticket__feedback_type__project=delivery.project_id)
    return own.filter(public_id=found[1]).first()


def _called_before(ticket: Ticket, delivery: Delivery) -> Execution | None:
    just_before = (delivery.received_at - ECHO, delivery.received_at)
    calls = Outgoing.objects.filter(
        Q(created_at__range=just_before) | Q(sent_at__range=just_before),
        ticket=ticket,
        kind=Outgoing.Kind.CALL,
        attempts__gt=0,
    ).exclude(execution=None)
    last = calls.select_related("execution").order_by("-pk").first()
    return last.execution if last else None


def check_no_loop(execution: Execution, macro: Macro) -> None:
    """Raise Stop LOOP_STOPPED where ``macro`` would run because it ran."""
    _check_path(execution, macro)
    _check_echoes(execution, macro)
    _check_count(execution, macro)


def _check_path(execution: Execution, macro: Macro) -> None:
    """Where each run is known to have led to the next, once around is enough."""
    path: list[Execution] = []
    for run in _back_from(execution, over_echoes=False):
        path.insert(0, run)
        if run.macro_id == macro.pk or len(path) == DEEPEST:
            raise _loop(execution, macro, f"it leads back to itself ({_told(path, execution)})")


def _check_echoes(execution: Execution, macro: Macro) -> None:
    """What follows a call may be people's work: the same has to come again and again."""
    if not execution.by_echo:
        return
    path: list[Execution] = []
    rounds = 0
    for run in _back_from(execution, over_echoes=True):
        if rounds == 0:
            path.insert(0, run)
        rounds += run.macro_id == macro.pk and _event(run) == _event(execution)
    if rounds >= ROUNDS:
        told = _told(path, execution)
        why = f"it leads back to itself, {rounds} times in a row so far ({told})"
        raise _loop(execution, macro, why)


def _check_count(execution: Execution, macro: Macro) -> None:
    """Whatever leads there, even what leaves no trace here."""
    recent = Execution.objects.filter(
        ticket=execution.ticket, created_at__gt=timezone.now() - WINDOW, reason=Reason.APPLIED
    )
    count = recent.filter(macro=macro).count()
    if count >= settings.LOOP_LIMIT:
        last = [*recent.order_by("-pk").values_list("actor", flat=True)[:3]][::-1]
        told = "; ".join([*last, execution.actor])
        why = f"it changed it {count} times within {WINDOW.seconds // 60} minutes (last: {told})"
        raise _loop(execution, macro, why)


def _back_from(execution: Execution, *, over_echoes: bool) -> Iterator[Execution]:
    """The runs that led to ``execution``, the last of them first; to an undo, what it undoes."""
    rows = Execution.objects.select_related("delivery")
    run: Execution | None = execution
    for _ in range(LONGEST_PATH):
        before = (run.after_id or run.undoes_id) if run else None
        if run is None or before is None or (run.by_echo and not over_echoes):
            return
        earlier = rows.defer("delivery__body", "delivery__headers").filter(pk=before)
        if (run := earlier.first()) is not None:
            yield run


def _event(run: Execution) -> tuple[str, ...]:
    """What the tracker told, and who did it there: the same in each round of a loop."""
    told = run.delivery
    return (told.event, told.status_after, told.remote_actor) if told else ()


def _told(path: list[Execution], execution: Execution) -> str:
    steps: list[str] = []
    for run in [*path, execution]:
        if steps and run.delivery and run.after_id:
            steps.append(_call_of(run.after_id))
        steps.append(run.actor)
    return " → ".join(steps)


def _call_of(run: int) -> str:
    calls = Outgoing.objects.filter(execution=run, kind=Outgoing.Kind.CALL).order_by("pk")
    host = calls.values_list("destination", flat=True).first()
    return f"call to {host}" if host else "call"


def _loop(execution: Execution, macro: Macro, why: str) -> Stop:
    ticket = execution.ticket.ref
    return Stop(Reason.LOOP_STOPPED, macro=macro.name, ticket=ticket, why=why)
