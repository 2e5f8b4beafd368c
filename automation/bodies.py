"""Bodies as trackers send them: JSON, forms, XML, or none."""

from __future__ import annotations

import json
from email.message import Message
from typing import Any

from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict

from automation.reasons import Reason, Stop
from automation.xml_tree import XMLProblem, read_xml

FORM = "application/x-www-form-urlencoded"


def check_type(body: bytes, content_type: str, *, xml: bool = False) -> None:
    """Raise Stop unless a body of ``content_type`` can be read. An empty one is no body.

    XML is read where ``xml`` says that the sender sends it.
    """
    kind, _ = _type_and_charset(content_type)
    if body and not (_is_json(kind) or kind == FORM or (xml and is_xml(content_type))):
        raise Stop(Reason.CONTENT_TYPE_REFUSED, content_type=kind or "unknown")


def read_body(body: bytes, content_type: str) -> Any:
    """What ``body`` holds, None where it is empty; raises Stop BODY_UNREADABLE.

    XML becomes a tree as JSON would be, whose shape ``read_xml`` describes.
    """
    if not body:
        return None
    kind, charset = _type_and_charset(content_type)
    if kind == FORM:
        return _read_form(body)
    if is_xml(content_type):
        return _read_xml(body, charset)
    return _read_json(body, charset)


def is_xml(content_type: str) -> bool:
    kind, _ = _type_and_charset(content_type)
    return kind in ("text/xml", "application/xml") or kind.endswith("+xml")


def _type_and_charset(content_type: str) -> tuple[str, str]:
    message = Message()
    message["Content-Type"] = content_type
    return message.get_content_type() if content_type else "", message.get_content_charset() or ""


def _is_json(kind: str) -> bool:
    """A type that is missing is taken for JSON: some senders leave it out."""
    return kind in ("", "application/json", "text/json") or kind.endswith("+json")


def _read_form(body: bytes) -> dict[str, Any]:
    """The form's fields; one named ``payload`` holds the JSON body of senders that wrap it."""
    try:
        fields = QueryDict(body, encoding="utf-8")
    except TooManyFieldsSent as error:
        raise Stop(Reason.BODY_UNREADABLE, format="a form", why="it has too many fields") from error
    if "payload" in fields:
        return _read_json(str(fields["payload"]).encode("utf-8", "replace"), "")
    return {name: str(value) for name, value in fields.items()}


def _read_xml(body: bytes, charset: str) -> Any:
    try:
        return read_xml(body, charset)
    except XMLProblem as problem:
        raise Stop(Reason.BODY_UNREADABLE, format="XML", why=str(problem)) from problem


def _read_json(body: bytes, charset: str) -> Any:
    try:
        return json.loads(_decode(body, charset))
    except json.JSONDecodeError as error:
        why = f"line {error.lineno}, column {error.colno}: {error.msg}"
    except UnicodeDecodeError as error:
        before = body[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        why = f"line {line}, column {column}: bytes that are not {error.encoding}"
    except RecursionError:
        why = "it is nested too deeply"
    except ValueError as error:  # a number of too many digits
        why = str(error)
    raise Stop(Reason.BODY_UNREADABLE, format="JSON", why=why)


def _decode(body: bytes, charset: str) -> str:
    """In the given character set where it is known, else in one of Unicode's."""
    try:
        return body.decode(charset or json.detect_encoding(body)).removeprefix("\ufeff")
    except LookupError:
        return body.decode()
