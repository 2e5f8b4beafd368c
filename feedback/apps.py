from __future__ import annotations

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from feedback.sqlite import teach


class FeedbackConfig(AppConfig):
    name = "feedback"
    verbose_name = "Feedback"

    def ready(self) -> None:
        connection_created.connect(teach)
