"""Requests as senders make them: ``samples/<sender>/<event>.json``, to try the road with."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
import time
import uuid
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from automation.bodies import FORM
from automation.outbound_messages import notifications
from automation.senders import SENDERS
from automation.senders.base import dig, reach
from automation.xml_tree import read_xml

FOLDER = Path(__file__).with_suffix("")
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
    """Raises LookupError, which names those that there are: of the sender, if it has any."""
    if (sender, event) not in known():
        of_sender = [pair for pair in known() if pair[0] == sender]
        there_are = ", ".join(" ".join(pair) for pair in of_sender or known())
        raise LookupError(f"There is no sample “{sender} {event}”. There are: {there_are}.")
    parts = json.loads((FOLDER / sender / f"{event}.json").read_text())
    if "xml" in parts:
        parts["payload"] = notifications(read_xml("\n".join(parts["xml"]).encode()))[0]
    return Sample(sender, event, **parts)


def post(
    url: str, sample: Sample, secret: str = "", delivery_id: str = "", key: str = ""
) -> Answer:
    """Send ``sample`` to ``url``, as its sender would; raises OSError where nobody answers.

    ``key`` is an API key that is not part of ``url``: the password of Basic authentication.
    """
    headers, body = request_of(sample, secret, delivery_id)
    if key:
        headers["Authorization"] = f"Basic {base64.b64encode(f':{key}'.encode()).decode()}"
    request = Request(filled_in(url, sample.payload), body, headers, method="POST")
    try:
        with build_opener(ProxyHandler({}), _NoRedirect).open(request, timeout=30) as answer:
            return _read(answer)
    except HTTPError as error:
        with error:
            return _read(error)


def request_of(
    sample: Sample, secret: str = "", delivery_id: str = ""
) -> tuple[dict[str, str], bytes]:
    """Headers and body: with ``delivery_id`` or a new one, sent now, signed with ``secret``."""
    sender = SENDERS[sample.sender]
    headers, payload = dict(sample.headers), copy.deepcopy(sample.payload)
    number = delivery_id or str(uuid.uuid4())
    headers |= dict.fromkeys(headers.keys() & set(sender.delivery_headers), number)
    _put(payload, sender.delivery_path, number)
    _put(payload, sender.sent_path, int(time.time() * 1000))
    body = json.dumps(payload, ensure_ascii=False)
    if sample.xml:
        body = _xml(sample, number)
    if headers.get("Content-Type") == FORM:
        body = urlencode({"payload": body})
    if secret:
        headers |= sender.signature.headers(secret, body.encode())
    return headers, body.encode()


def _put(payload: Any, path: str, value: Any) -> None:
    """Replace what ``payload`` has at ``path``, if it has anything there."""
    parent, _, name = path.rpartition(".")
    holder = reach(payload, parent) if parent else payload
    if name and isinstance(holder, dict) and name in holder:
        holder[name] = value


def _xml(sample: Sample, delivery_id: str) -> str:
    """XML has the delivery id inside: one for each notification."""
    return NOTIFICATION_ID.sub(
        lambda old: "04l" + hashlib.sha256(f"{delivery_id} {old[0]}".encode()).hexdigest()[:15],
        "\n".join(sample.xml),
    )


def filled_in(url: str, payload: Any) -> str:
    """``url`` as Jira would call it: ``${issue.key}`` replaced by what the body has there."""
    return PLACEHOLDER.sub(lambda match: quote(dig(payload, match.group(1)), safe=""), url)


def _read(answer: HTTPResponse | HTTPError) -> Answer:
    message: Message = answer.headers
    charset = message.get_content_charset() or "utf-8"
    return Answer(answer.status or 0, answer.read().decode(charset, "replace"))
