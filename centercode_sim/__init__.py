from __future__ import annotations

from centercode_sim.celery import app as celery_app

__all__ = ["celery_app"]
