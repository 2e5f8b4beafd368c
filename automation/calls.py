"""A call on its way in: who calls, which listener, with what. Each check raises its Stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.core.handlers.wsgi import get_str_from_wsgi
from django.http import HttpRequest, UnreadablePostError

from apikeys.authentication import KeyRefused, authenticate, authorize
from apikeys.models import APIKey
from apikeys.patience import refusals_from
from apikeys.secrecy import PresentedKey
from automation.bodies import check_type
from automation.models import Delivery, ExternalListener
from automation.reasons import Reason, Stop
from automation.senders.base import clean_text
from automation.session_ids import strike_sessions
from feedback.models import Project

LONGEST_FIND = Delivery._meta.get_field("find").max_length


@dataclass
class Call:
    """A request on its way in, and what is known of it so far."""

    request: HttpRequest
    project_key: str
    listener_key: str
    presented: PresentedKey
    address: str | None
    key: APIKey | None = None
    listener: ExternalListener | None = None
    project: Project | None = None
    body: bytes = b""

    @property
    def find(self) -> str:
        """In UTF-8: ``request.GET`` would read it in the character set of the body."""
        query = parse_qs(get_str_from_wsgi(self.request.META, "QUERY_STRING", ""))
        return self.kept(query.get("find", [""])[-1])[:LONGEST_FIND]

    def kept(self, text: str) -> str:
        """``text`` as it may be stored: without the key."""
        return self.presented.strike(clean_text(text))


def check_caller(call: Call, presented: PresentedKey | None) -> None:
    """The verb, then the key, then what the key may; raises Stop."""
    try:
        call.key = authenticate(presented)
        _check_method(call)
        authorize(
            call.key,
            scopes=[APIKey.Scope.LISTEN],
            address=call.address,
            project_key=call.project_key,
        )
    except KeyRefused as refused:
        call.key = refused.key
        if call.key is None and refusals_from(call.address) > settings.REFUSED_PER_MINUTE:
            raise Stop(Reason.TOO_MANY_REQUESTS, address=call.address) from refused
        _check_method(call)
        raise Stop(Reason(refused.code), **_key_evidence(call)) from refused


def _check_method(call: Call) -> None:
    if call.request.method != "POST":
        raise Stop(Reason.METHOD_NOT_ALLOWED, method=call.request.method)


def _key_evidence(call: Call) -> dict[str, Any]:
    if call.key is None:
        return {"shown": call.presented.struck()}
    why = "it may act in another project only"  # which one, the managers of this one are not told
    if APIKey.Scope.LISTEN not in call.key.scopes:
        why = f"it lacks the scope “{APIKey.Scope.LISTEN.label}”"
    return key_evidence(call.key, call.address, why)


def key_evidence(key: APIKey, address: str | None, why: str) -> dict[str, Any]:
    """What the sentences about a refused key name."""
    return {
        "prefix": key.prefix,
        "expired": f"{key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else "",
        "address": address or "an unknown address",
        "why": why,
    }


def find_listener(call: Call) -> ExternalListener:
    call.listener = (
        ExternalListener.objects.select_related("project")
        .filter(project__key=call.project_key, key=call.listener_key)
        .first()
    )
    if call.listener is not None:
        call.project = call.listener.project
        return call.listener
    call.project = Project.objects.filter(key=call.project_key).first()
    if call.project is None:
        raise Stop(Reason.PROJECT_UNKNOWN, project=call.project_key)
    raise Stop(Reason.LISTENER_UNKNOWN, project=call.project.key, listener=call.listener_key)


def _read_bytes(request: HttpRequest) -> bytes:
    """The raw body; raises Stop where it is too large, without reading it."""
    limit = settings.BODY_LIMIT
    given = request.META.get("CONTENT_LENGTH") or ""
    length = int(given[:18]) if given.isdecimal() else 0
    if length > limit:
        raise Stop(Reason.BODY_TOO_LARGE, size=length, limit=limit)
    try:
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            body = request.META["wsgi.input"].read(limit + 1)
        else:
            body = request.body
    except UnreadablePostError as error:
        raise Stop(Reason.BODY_UNREADABLE, format="text", why="it broke off") from error
    if len(body) > limit:
        raise Stop(Reason.BODY_TOO_LARGE, size=f"more than {limit}", limit=limit)
    return body


def take_body(call: Call, listener: ExternalListener) -> None:
    """Let the call have its body, without session ids; raises Stop where it is not taken.

    Nothing but this function sees the raw bytes: they are what is signed.
    """
    raw, kind = _read_bytes(call.request), call.request.content_type or ""
    call.body = strike_sessions(raw, kind)
    check_type(raw, kind, xml=listener.external_sender.sends_xml)
    _check_signature(call, listener, raw)


def _check_signature(call: Call, listener: ExternalListener, raw: bytes) -> None:
    """Only where the listener has a secret: then every request must be signed with it."""
    if not listener.secret:
        return
    signature = listener.external_sender.signature
    problem = signature.problem(listener.secret, raw, call.request.headers)
    if problem:
        raise Stop(Reason.SIGNATURE_WRONG, listener=listener.name, why=problem)
