from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"


class StrictJSONParser(JSONParser):
    """JSON of bounded size and depth, all of whose text a database can keep."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        raw = stream.read(settings.BODY_LIMIT + 1)
        if len(raw) > settings.BODY_LIMIT:
            raise BodyTooLarge(f"The body is larger than {settings.BODY_LIMIT} bytes.")
        try:
            body = json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse_constant)
            unkept = next(filter(_cannot_be_kept, _texts(body)), None)
        except UnicodeDecodeError as error:
            raise ParseError(
                f"The body is not UTF-8: byte {error.start + 1} does not fit."
            ) from None
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise ParseError(f"The body is not JSON: {error.msg} at {where}.") from None
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}.") from None
        except RecursionError:
            raise ParseError("The body is nested too deeply.") from None
        if unkept is not None:
            raise ParseError(f"The text {unkept[:50]!a} holds a character that no text may have.")
        return body


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"“{name}” is no number of JSON")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _cannot_be_kept(text: str) -> bool:
    return "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text)
