from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from automation.senders.base import (
    Change,
    Event,
    Kind,
    RemoteComment,
    Sender,
    SharedToken,
    clean_text,
    dig,
    first,
    from_iso,
    from_milliseconds,
    kinds_of,
    reach,
)

SIGNING_TOKEN = "whsec_"
WINDOW = 300  # seconds

STATUSES = {
    "close": ("opened", "closed"),
    "reopen": ("closed", "opened"),
    "merge": ("opened", "merged"),
}
KIND_OF_ACTION = {
    "open": Kind.CREATED,
    "close": Kind.STATUS_CHANGED,
    "reopen": Kind.STATUS_CHANGED,
    "merge": Kind.STATUS_CHANGED,
}
ISSUES = ("issue", "work_item")
SIGNS = dict.fromkeys(ISSUES, "#") | {"merge_request": "!"}  # group/project#23, …!4
PATH = re.compile(r"^https?://[^/]+/(.+?)(?:/-)?/(?:issues|work_items|merge_requests)/([0-9]+)")


@dataclass(frozen=True)
class TokenOrSignature(SharedToken):
    """The secret token as it is; or, where the secret is a signing token, a signature.

    The latter as in https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944.
    """

    def problem(self, secret: str, body: bytes, headers: Mapping[str, str]) -> str:
        if not secret.startswith(SIGNING_TOKEN):
            return super().problem(secret, body, headers)
        given = headers.get("webhook-signature", "")
        number, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not given:
            return "there is no webhook-signature header"
        expected = self._signature(secret, number, sent, body).encode()
        if not any(
            hmac.compare_digest(expected, each.encode("utf-8", "replace")) for each in given.split()
        ):
            return "its webhook-signature header does not match"
        moment = from_milliseconds(f"{sent}000")
        apart = abs((timezone.now() - moment).total_seconds()) if moment else WINDOW + 1
        return "" if apart <= WINDOW else "its webhook-timestamp header is not of now"

    def headers(self, secret: str, body: bytes) -> dict[str, str]:
        if not secret.startswith(SIGNING_TOKEN):
            return super().headers(secret, body)
        number, sent = str(uuid.uuid4()), str(int(timezone.now().timestamp()))
        signature = self._signature(secret, number, sent, body)
        return {
            "webhook-id": number,
            "webhook-timestamp": sent,
            "webhook-signature": signature,
        }

    def _signature(self, secret: str, number: str, sent: str, body: bytes) -> str:
        encoded = secret.removeprefix(SIGNING_TOKEN)
        try:
            key = base64.b64decode(encoded)
        except (binascii.Error, ValueError):
            key = encoded.encode()
        signed = f"{number}.{sent}.".encode("utf-8", "replace") + body
        return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


class GitLab(Sender):
    """In GitLab: Settings → Webhooks → Add new webhook, of the project or the group.

    Paste the API Endpoint URL, without ``find=``, into “URL”; enter the same secret token here
    and there; tick “Issues events” and, where comments are wanted, “Comments”.
    """

    slug = "gitlab"
    label = "GitLab"
    placeholder = ""
    system = "gitlab"
    signature = TokenOrSignature(header="X-Gitlab-Token")
    kinds = (Kind.CREATED, Kind.STATUS_CHANGED, Kind.COMMENTED)
    delivery_headers = ("Idempotency-Key", "X-Gitlab-Event-UUID")

    def read(self, headers: Mapping[str, str], payload: Any) -> Event:
        """Fields as in https://docs.gitlab.com/user/project/integrations/webhook_events/."""
        kind, action = dig(payload, "object_kind"), dig(payload, "object_attributes.action")
        subject, path = _subject(payload, kind)
        comment = _comment(payload, action) if subject and kind == "note" else None
        of_item = kind in SIGNS
        before, after = STATUSES.get(action, ("", "")) if of_item else ("", "")
        item = _item(payload, subject, path)
        return Event(
            name=" / ".join(filter(None, (kind, action))),
            kinds=_kinds(payload, action if of_item else "", comment),
            references=tuple(
                filter(None, (_number(payload, subject, path), item if subject in ISSUES else ""))
            ),
            item=item,
            status_before=before,
            status_after=after,
            actor=first(payload, "user.username", "user.name", "user_username"),
            comment=comment,
            occurred_at=from_iso(dig(payload, "object_attributes.updated_at")),
            delivery_id=_delivery_id(headers, payload),
            stamped=bool(dig(payload, "object_attributes.updated_at")),
        )


def _delivery_id(headers: Mapping[str, str], payload: Any) -> str:
    """The key that retries repeat. Before GitLab 17.4 there is none, and what other webhooks set
    off has the UUID of what set them off: what it is about tells these apart.

    https://docs.gitlab.com/user/project/integrations/webhooks/#delivery-headers
    """
    key = clean_text(headers.get("Idempotency-Key", ""))
    number = clean_text(headers.get("X-Gitlab-Event-UUID", ""))
    if key or not number:
        return key
    attributes = ("id", "action", "updated_at")
    told = (dig(payload, f"object_attributes.{name}") for name in attributes)
    return "/".join((number, dig(payload, "object_kind"), *told))


def _subject(payload: Any, kind: str) -> tuple[str, str]:
    """What the event is about (issue, merge_request, …) and where the body has it: a note, an
    emoji or a pipeline has it beside itself."""
    if kind in SIGNS:
        return kind, "object_attributes"
    found = next((name for name in SIGNS if dig(payload, f"{name}.iid")), "")
    return found, found


def _item(payload: Any, subject: str, path: str) -> str:
    """Issues and merge requests count their ids apart: each has a number 99."""
    number = dig(payload, f"{path}.id") if subject else ""
    return number if subject in ISSUES or not number else f"{subject}:{number}"


def _number(payload: Any, subject: str, path: str) -> str:
    """``group/project#23``. The item's own address tells its project, also in a group's hook."""
    number = dig(payload, f"{path}.iid") if subject else ""
    if not number:
        return ""
    project = dig(payload, "project.path_with_namespace")
    address = PATH.match(dig(payload, f"{path}.url"))
    project = project or (address.group(1) if address else "")
    return f"{project}{SIGNS[subject]}{number}" if project else ""


def _kinds(payload: Any, action: str, comment: RemoteComment | None) -> tuple[str, ...]:
    """Only “close”, “reopen” and “merge” change a status: “update” changes texts and labels."""
    added = comment is not None and comment.change == Change.ADDED
    return kinds_of(
        {
            KIND_OF_ACTION.get(action): True,
            Kind.COMMENTED: added,
            Kind.COMMENT_CHANGED: comment is not None and not added,
            Kind.MOVED: bool(action and dig(payload, "changes.moved_to_id.current")),
        }
    )


def _comment(payload: Any, action: str) -> RemoteComment | None:
    """GitLab tells new and edited notes; those that it writes itself are no comments."""
    if reach(payload, "object_attributes.system") is True:
        return None
    edited = action == "update"
    internal = reach(payload, "object_attributes.internal") is True
    return RemoteComment(
        id=dig(payload, "object_attributes.id"),
        change=Change.EDITED if edited else Change.ADDED,
        body=dig(payload, "object_attributes.note"),
        author=first(payload, "user.username", "user.name"),
        version=dig(payload, "object_attributes.updated_at") if edited else "",
        restricted="internal" if internal else "",
    )
