from __future__ import annotations

import os
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_ready
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "centercode_sim.settings")

app = Celery("centercode_sim")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def log_as_django_does(**signal: Any) -> None:
    dictConfig(settings.LOGGING)


@worker_ready.connect
def sweep(**signal: Any) -> None:
    """Pick up what was received, became due or should have left, while no worker ran."""
    for task in ("settle_received", "start_by_itself", "send_outgoing"):
        app.send_task(f"automation.tasks.{task}")
