"""Two writers never overwrite each other in silence: ETag names what was read, If-Match asks."""

from __future__ import annotations

from typing import Any

from django.utils.crypto import salted_hmac
from django.utils.http import parse_etags
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from rest.errors import ChangedMeanwhile


def etag_of(representation: Any, unshown: str = "") -> str:
    """``unshown`` is part of the row too, such as a secret, which the ETag does not betray."""
    state = JSONRenderer().render([representation, unshown])
    return f'"{salted_hmac("ETag", state, algorithm="sha256").hexdigest()[:32]}"'


def check_unchanged(request: Request, etag: str) -> None:
    """Raise ChangedMeanwhile unless ``If-Match``, where it is given, names ``etag``."""
    wanted = request.headers.get("If-Match")
    if wanted is None:
        return
    names = parse_etags(wanted)
    if not names:
        problem = "Give the ETag of what you read, in its quotes, or “*” for whatever it is now."
        raise ValidationError({"If-Match": [problem]})
    if "*" not in names and etag not in names:
        raise ChangedMeanwhile


def is_known(request: Request, etag: str) -> bool:
    """Whether the caller has it already, by ``If-None-Match``."""
    names = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in names or etag in (name.removeprefix("W/") for name in names)
