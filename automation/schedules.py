"""Macros that run at their times. A due schedule is claimed, so that two beats do it once."""

from __future__ import annotations

import calendar
import logging
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from automation.bulk import start_bulk
from automation.healing import HEALS, renew_connection
from automation.models import BulkRun, Schedule
from automation.pauses import unpaused
from automation.trouble import as_sentence
from feedback.errors import BrokenFilter
from feedback.filter_groups import narrow
from feedback.models import Ticket

log = logging.getLogger(__name__)

CLOCK = "%Y-%m-%d %H:%M %Z"

LATE = timedelta(minutes=5)  # a sweep always comes a moment after the time
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
    due = list(_due().order_by("next_run_at").values_list("pk", flat=True))
    return sum(_start_alone(pk) for pk in due)


def _due() -> QuerySet[Schedule]:
    due = Schedule.objects.filter(enabled=True, next_run_at__lte=timezone.now())
    return due.filter(unpaused("feedback_type__project"))


def _start_alone(pk: int) -> bool:
    """Whatever becomes of it, the others begin; the next sweep tries again what heals."""
    try:
        return _start(pk)
    except HEALS as error:
        log.warning("Schedule %s met trouble: %s", pk, error)
        renew_connection()
        return False


@transaction.atomic
def _start(pk: int) -> bool:
    """False where somebody else has it, or had it."""
    schedule = _due().select_for_update(of=("self",), skip_locked=True).filter(pk=pk).first()
    if schedule is None:
        return False
    now, due = timezone.now(), schedule.next_run_at or timezone.now()
    schedule.next_run_at = next_time(schedule, now)
    schedule.save(update_fields=["next_run_at"])
    if schedule.ends_at is not None and schedule.ends_at < now and now - due > LATE:
        ended = timezone.localtime(schedule.ends_at)
        _keep_problem(schedule, f"Its time was missed, and no run may come after {ended:{CLOCK}}.")
    else:
        _begin(schedule)
    return True


def _begin(schedule: Schedule) -> None:
    tickets = Ticket.objects.filter(feedback_type=schedule.feedback_type_id)
    try:
        with transaction.atomic():
            inside = narrow(tickets, schedule.filter) if schedule.filter else tickets
            start_bulk(
                schedule.macro,
                inside,
                schedule=schedule,
                within=schedule.filter,
                chosen=f"Schedule “{schedule}”",
                actor=f"{schedule} → {schedule.macro}",
            )
    except HEALS:
        raise
    except ValidationError as error:
        _keep_problem(schedule, " ".join(error.messages))
    except BrokenFilter as error:
        _keep_problem(schedule, str(error))
    except Exception as error:  # a mistake in one schedule is no reason to stop the others
        log.exception("Schedule %s failed", schedule.pk)
        _keep_problem(schedule, as_sentence(error))


def _keep_problem(schedule: Schedule, problem: str) -> None:
    BulkRun.objects.create(
        macro=schedule.macro,
        schedule=schedule,
        state=BulkRun.State.CANCELLED,
        problem=problem,
        ended_at=timezone.now(),
        chosen=f"Schedule “{schedule}”",
        actor=f"{schedule} → {schedule.macro}",
    )
