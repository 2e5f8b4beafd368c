"""Two writers never overwrite each other in silence: ETag names what was read, If-Match asks."""

from __future__ import annotations

import hashlib
from typing import Any

from django.utils.http import parse_etags
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from rest.errors import ChangedMeanwhile


def etag_of(representation: Any) -> str:
    return f'"{hashlib.sha256(JSONRenderer().render(representation)).hexdigest()[:32]}"'


def check_unchanged(request: Request, representation: Any) -> None:
    """Raise ChangedMeanwhile unless ``If-Match``, where it is given, names ``representation``."""
    wanted = request.headers.get("If-Match")
    if wanted is None:
        return
    names = parse_etags(wanted)
    if "*" not in names and etag_of(representation) not in names:
        raise ChangedMeanwhile


def is_known(request: Request, etag: str) -> bool:
    """Whether the caller has it already, by ``If-None-Match``."""
    names = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in names or etag in (name.removeprefix("W/") for name in names)
