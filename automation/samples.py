"""Requests as senders make them: ``samples/<sender>/<event>.json``, to try the road with."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from automation.outbound_messages import notifications
from automation.senders import SENDERS
from automation.senders.base import dig
from automation.xml_tree import read_xml

FOLDER = Path(__file__).with_suffix("")
DELIVERY_ID = ("X-Atlassian-Webhook-Identifier", "Idempotency-Key")
PLACEHOLDER = re.compile(r"\$\{([\w.]+)\}")
NOTIFICATION_ID = re.compile(r"\b04l[0-9A-Za-z]{15}\b")


@dataclass(frozen=True)
class Sample:
    sender: str
    name: str
    headers: dict[str, str]
    payload: Any
    event: dict[str, Any]  # what the sender should read from it
    xml: tuple[str, ...] = ()  # lines, of an outbound message; then ``payload`` is its first part


@dataclass(frozen=True)
class Answer:
    code: int
    text: str

    @property
    def content(self) -> Any:
        """The answer's JSON; None where it is something else."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> Request | None:
        return None


def known() -> list[tuple[str, str]]:
    """(sender, event) of every sample."""
    return sorted((path.parent.name, path.stem) for path in FOLDER.glob("*/*.json"))


def load(sender: str, event: str) -> Sample:
    """Raises LookupError, which names those that there are."""
    if (sender, event) not in known():
        there_are = ", ".join(" ".join(pair) for pair in known())
        raise LookupError(f"There is no sample “{sender} {event}”. There are: {there_are}.")
    parts = json.loads((FOLDER / sender / f"{event}.json").read_text())
    if "xml" in parts:
        parts["payload"] = notifications(read_xml("\n".join(parts["xml"]).encode()))[0]
    return Sample(sender, event, **parts)


def post(url: str, sample: Sample, secret: str = "", delivery_id: str = "") -> Answer:
    """Send ``sample`` to ``url``, as its sender would; raises OSError where nobody answers."""
    body = _body(sample, delivery_id or str(uuid.uuid4()))
    headers = dict(sample.headers)
    for name in headers.keys() & set(DELIVERY_ID):
        headers[name] = delivery_id or str(uuid.uuid4())
    if secret:
        signature = SENDERS[sample.sender].signature
        headers[signature.header] = signature.sign(secret, body)
    request = Request(filled_in(url, sample.payload), body, headers, method="POST")
    try:
        with build_opener(ProxyHandler({}), _NoRedirect).open(request, timeout=30) as answer:
            return _read(answer)
    except HTTPError as error:
        with error:
            return _read(error)


def _body(sample: Sample, delivery_id: str) -> bytes:
    """XML has the delivery id inside: one for each notification."""
    if not sample.xml:
        return json.dumps(sample.payload, ensure_ascii=False).encode()
    return NOTIFICATION_ID.sub(
        lambda old: "04l" + hashlib.sha256(f"{delivery_id} {old[0]}".encode()).hexdigest()[:15],
        "\n".join(sample.xml),
    ).encode()


def filled_in(url: str, payload: Any) -> str:
    """``url`` as Jira would call it: ``${issue.key}`` replaced by what the body has there."""
    return PLACEHOLDER.sub(lambda match: quote(dig(payload, match.group(1)), safe=""), url)


def _read(answer: HTTPResponse | HTTPError) -> Answer:
    message: Message = answer.headers
    charset = message.get_content_charset() or "utf-8"
    return Answer(answer.status or 0, answer.read().decode(charset, "replace"))
