"""Macros that run at their times. A due schedule is claimed, so that two beats do it once."""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from automation.bulk import start_bulk
from automation.models import BulkRun, Schedule
from automation.pauses import unpaused
from feedback.errors import BrokenFilter
from feedback.filters import narrow
from feedback.models import Ticket

STEPS = {
    Schedule.Every.HOUR: timedelta(hours=1),
    Schedule.Every.DAY: timedelta(days=1),
    Schedule.Every.WEEK: timedelta(weeks=1),
}


def save_schedule(schedule: Schedule) -> Schedule:
    """Keep ``schedule`` with its next time; what would have run before now does not."""
    schedule.full_clean()
    schedule.next_run_at = next_time(schedule, timezone.now())
    schedule.save()
    return schedule


def next_time(schedule: Schedule, after: datetime) -> datetime | None:
    """The first of the schedule's times that is later than ``after``; None: it is over.

    Days, weeks and months keep the hour on the clock, also over a change of summer time.
    """
    moment = schedule.starts_at
    if moment <= after and schedule.every != Schedule.Every.ONCE:
        moment = _following(schedule, after)
    over = moment <= after or (schedule.ends_at is not None and moment > schedule.ends_at)
    return None if over else moment


def _following(schedule: Schedule, after: datetime) -> datetime:
    start = schedule.starts_at
    if schedule.every == Schedule.Every.MONTH:
        local = timezone.localtime(after)
        months = (local.year - timezone.localtime(start).year) * 12
        months += local.month - timezone.localtime(start).month
        candidates = [_months_later(start, count) for count in (months, months + 1)]
        return next(each for each in candidates if each > after)
    step = STEPS[Schedule.Every(schedule.every)]
    if schedule.every == Schedule.Every.HOUR:
        return start + step * ((after - start) // step + 1)
    count = (after - start) // step
    candidates = [_on_the_clock(start, step * (count + more)) for more in (0, 1, 2)]
    return next(each for each in candidates if each > after)


def _on_the_clock(start: datetime, later: timedelta) -> datetime:
    local = timezone.localtime(start)
    return timezone.make_aware(local.replace(tzinfo=None) + later)


def _months_later(start: datetime, count: int) -> datetime:
    """The same day of a later month; its last day where that month has fewer."""
    local = timezone.localtime(start).replace(tzinfo=None)
    year, month = divmod(local.month - 1 + count, 12)
    year, month = local.year + year, month + 1
    day = min(local.day, calendar.monthrange(year, month)[1])
    return timezone.make_aware(local.replace(year=year, month=month, day=day))


def start_due() -> int:
    """Begin what is due; a time that was missed is not made up for."""
    begun = 0
    while _start_one():
        begun += 1
    return begun


@transaction.atomic
def _start_one() -> bool:
    now = timezone.now()
    schedule = (
        Schedule.objects.filter(enabled=True, next_run_at__lte=now)
        .filter(unpaused("feedback_type__project"))
        .select_for_update(of=("self",), skip_locked=True)
        .order_by("next_run_at")
        .first()
    )
    if schedule is None:
        return False
    schedule.next_run_at = next_time(schedule, now)
    schedule.save(update_fields=["next_run_at"])
    _begin(schedule)
    return True


def _begin(schedule: Schedule) -> None:
    chosen, actor = f"Schedule “{schedule}”", f"{schedule} → {schedule.macro}"
    tickets = Ticket.objects.filter(feedback_type=schedule.feedback_type_id)
    try:
        inside = narrow(tickets, schedule.filter) if schedule.filter else tickets
        start_bulk(
            schedule.macro,
            inside,
            chosen=chosen,
            actor=actor,
            schedule=schedule,
            within=schedule.filter,
        )
    except (BrokenFilter, ValidationError) as error:
        why = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        BulkRun.objects.create(
            macro=schedule.macro,
            schedule=schedule,
            chosen=chosen,
            actor=actor,
            state=BulkRun.State.CANCELLED,
            problem=why,
            ended_at=timezone.now(),
        )
