from __future__ import annotations

from datetime import datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

from django.utils import timezone

from automation import safe_http
from automation.loops import trace_of
from automation.models import Outgoing
from automation.outbox.results import NotSent, Sent
from automation.outbox.secrets import strike_sent
from automation.safe_http import Answer, CallFailed
from automation.storable import storable

AGENT = "feedback-hub"
HEALS = {408, 425, 429}  # and 5xx
LONGEST_WAIT = timedelta(days=1)
KEPT_HEADERS = (
    *("content-type", "content-encoding", "date", "etag", "location", "retry-after"),
    *("x-request-id", "x-correlation-id"),
)
ADVICE = {
    401: "Look at the call's Authorization header.",
    403: "Look at the call's Authorization header, and at what it may do there.",
    404: "Look at the call's address.",
    405: "Look at the call's method.",
    410: "Look at the call's address.",
    413: "Let the call send less.",
    415: "Look at the call's Content-Type header.",
}


def make_call(outgoing: Outgoing) -> Sent:
    """Make it, and return the answer; raises NotSent."""
    content = outgoing.content
    given = content["headers"]
    own = {"Idempotency-Key": outgoing.public_id, "User-Agent": AGENT} | trace_of(outgoing)
    taken = {name.lower() for name in given}
    headers = given | {name: own[name] for name in own if name.lower() not in taken}
    try:
        answer = safe_http.call(
            content["method"],
            content["url"],
            headers=headers,
            body=content["body"].encode(),
            stays=bool(content.get("secrets")),
        )
    except CallFailed as error:
        raise NotSent(strike_sent(str(error), content), heals=error.heals) from error
    kept = _kept(answer, content)
    told = f"{answer.host} answered {answer.told}."
    if 200 <= answer.status < 300:
        return Sent(told, kept)
    heals = answer.status in HEALS or answer.status >= 500
    advice = "" if heals else ADVICE.get(answer.status, "Look at what the call sends.")
    wait = _wait(answer.headers.get("retry-after", ""), timezone.now())
    raise NotSent(f"{told} {advice}".strip(), heals=heals, answer=kept, wait=wait)


def _kept(answer: Answer, sent: dict[str, Any]) -> dict[str, Any]:
    """What a row keeps of an answer, in text that every database can hold."""
    headers = {
        name: strike_sent(storable(answer.headers[name]), sent)[:1000]
        for name in KEPT_HEADERS
        if name in answer.headers
    }
    body = "" if "content-encoding" in headers else _text(answer)
    return {
        "status": answer.status,
        "headers": headers,
        "body": strike_sent(body, sent),
        "cut": answer.cut,
    }


def _text(answer: Answer) -> str:
    declared = Message()
    declared["Content-Type"] = answer.headers.get("content-type", "")
    try:
        text = answer.body.decode(declared.get_content_charset() or "utf-8", "replace")
    except (LookupError, UnicodeError):  # no such charset, or none of text
        text = answer.body.decode("utf-8", "replace")
    return storable(text)


def _wait(told: str, now: datetime) -> timedelta:
    """What a Retry-After header asks for, in seconds or as a date (RFC 9110, 10.2.3)."""
    if told.isascii() and told.isdecimal():
        return min(timedelta(seconds=int(told[:9])), LONGEST_WAIT)
    try:
        wait = parsedate_to_datetime(told) - now
    except (TypeError, ValueError):  # no date, or one without a zone
        return timedelta(0)
    return min(max(wait, timedelta(0)), LONGEST_WAIT)
