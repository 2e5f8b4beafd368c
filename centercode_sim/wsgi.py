from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "centercode_sim.settings")


class Request(WSGIRequest):
    """A body's charset does not concern the address; one that is no charset breaks nothing."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        with suppress(LookupError, UnicodeError, SuspiciousOperation):
            super()._set_content_type_params(meta)  # type: ignore[misc]  # not in the stubs
        self._encoding = None


application = get_wsgi_application()
application.request_class = Request
