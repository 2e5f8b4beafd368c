"""Celery's door, and nothing behind it."""

from __future__ import annotations

from celery import shared_task

import automation.answers  # noqa: F401  takes the answers to calls
from apikeys import services
from automation import bulk, key_use, queue, retention, schedules, triggers
from automation.outbox.crew import call_crew
from automation.trouble import each_alone


@shared_task(ignore_result=True)
def settle_received() -> None:
    if not queue.settle_all():
        settle_received.apply_async(retry=False)


@shared_task(ignore_result=True)
def start_by_itself() -> None:
    """What schedules, triggers and bulk runs have to do; a trigger may lead to another."""
    if not each_alone(schedules.start_due, triggers.fire, bulk.work_off):
        start_by_itself.apply_async(retry=False)


@shared_task(ignore_result=True)
def send_outgoing() -> None:
    call_crew()


@shared_task(ignore_result=True)
def mail_key_uses() -> None:
    key_use.note_uses()
    services.mail_uses()


@shared_task(ignore_result=True)
def prune() -> None:
    retention.prune()
