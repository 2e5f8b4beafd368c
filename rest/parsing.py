from __future__ import annotations

import io
import json
import math
from typing import Any

from django.conf import settings
from django.http import HttpRequest, UnreadablePostError
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

DEEPEST = 50  # lists and objects inside each other
MOST_DIGITS = 1000  # of one number
BROKE_OFF = "The body broke off. Send the request again."
TOO_DEEP = f"The body is nested too deeply: at most {DEEPEST} levels."


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"


class StrictJSONParser(BaseParser):
    """JSON of bounded size and depth, all of which a database can keep."""

    media_type = "application/json"
    renderer_class = JSONRenderer  # of the browsable pages' form

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            raw = stream.read(settings.BODY_LIMIT + 1)
        except UnreadablePostError:
            raise ParseError(BROKE_OFF) from None
        if len(raw) > settings.BODY_LIMIT:
            limit = f"{settings.BODY_LIMIT} bytes"
            raise BodyTooLarge(f"The body is larger than {limit}. Send less in one request.")
        return _read(raw)


def take_chunks(request: HttpRequest) -> None:
    """Let a body in chunks, which tells no length beforehand, be read like any other."""
    if "chunked" not in request.headers.get("Transfer-Encoding", "").lower():
        return
    try:
        body = request.META["wsgi.input"].read(settings.BODY_LIMIT + 1)
    except OSError:
        raise ParseError(BROKE_OFF) from None
    request.META["CONTENT_LENGTH"] = str(len(body))
    request._stream = io.BytesIO(body)


def _read(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8-sig")
        body = json.loads(
            text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_short
        )
    except UnicodeDecodeError as error:
        raise ParseError(f"The body is not UTF-8: byte {error.start + 1} does not fit.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ParseError(f"The body is not JSON: {error.msg} at {where}.") from None
    except ValueError as error:
        raise ParseError(f"The body is not JSON: {error}.") from None
    except RecursionError:
        raise ParseError(TOO_DEEP) from None
    _check(body, DEEPEST)
    return body


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"“{name}” is no number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"“{digits[:50]}” is too large a number")
    return number


def _short(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"“{digits[:20]}…” is too large a number")
    return int(digits)


def _check(value: Any, levels: int) -> None:
    """Raise ParseError where ``value`` is too deep, or has a text that no database keeps."""
    if isinstance(value, str):
        if _cannot_be_kept(value):
            raise ParseError(f"The text {value[:50]!a} holds a character that no text may have.")
    elif isinstance(value, (dict, list)):
        if not levels:
            raise ParseError(TOO_DEEP)
        for inner in [*value, *value.values()] if isinstance(value, dict) else value:
            _check(inner, levels - 1)


def _cannot_be_kept(text: str) -> bool:
    return "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text)
