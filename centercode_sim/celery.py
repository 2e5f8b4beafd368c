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
    """Pick up what was received, or became due, while no worker ran."""
    app.send_task("automation.tasks.settle_received")
    app.send_task("automation.tasks.start_by_itself")
