"""A POST that is repeated with its ``Idempotency-Key`` gets its first answer again.

The key's row and what the request does commit together, so that of two at the same moment the
second waits for the first. A request that is refused leaves no row, and may be sent again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from access.callers import Caller
from rest.errors import Conflict, KeyReused
from rest.models import KeptAnswer

HEADER = "Idempotency-Key"
REPEATED = "Idempotency-Replayed"
KEPT = timedelta(days=7)  # what is repeated later is done anew

Handler = Callable[..., Response]


def once(
    handler: Handler,
    caller: Caller,
    *,
    secrets: Collection[str],
    check_told: Callable[[Any], None],
) -> Handler:
    """``handler``, which a repeated request does not reach.

    ``secrets`` are not told again, and nothing is unless ``check_told`` lets the answer pass.
    """

    def handle(request: Request, *args: Any, **options: Any) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return handler(request, *args, **options)
        if not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
            raise ValidationError({HEADER: ["Use 1 to 255 printable ASCII characters."]})
        digest = _digest(request)
        try:
            with transaction.atomic():
                with transaction.atomic():
                    row = KeptAnswer.objects.create(
                        caller=caller.identity, key=key, request_digest=digest
                    )
                response = handler(request, *args, **options)
                row.status_code = response.status_code
                row.answer = _without(secrets, response.data)
                row.save(update_fields=["status_code", "answer"])
            return response
        except IntegrityError:
            kept = KeptAnswer.objects.filter(caller=caller.identity, key=key)
            response = _again(kept, digest)
            check_told(response.data)
            return response

    return handle


def _again(rows: Any, digest: str) -> Response:
    row = rows.first()
    if row is None:  # the error was the request's own
        raise Conflict
    if row.request_digest != digest:
        raise KeyReused
    return Response(row.answer, status=row.status_code, headers={REPEATED: "true"})


def _digest(request: Request) -> str:
    body = json.dumps(request.data, sort_keys=True)
    path = request.path.rstrip("/")
    said = f"{request.method} {path} {body}"
    return salted_hmac(HEADER, said, algorithm="sha256").hexdigest()  # a body may hold a secret


def _without(secrets: Collection[str], data: Any) -> Any:
    kept = json.loads(JSONRenderer().render(data))
    return {**kept, **{name: None for name in secrets if name in kept}} if secrets else kept
