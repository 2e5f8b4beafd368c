from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from automation.senders.base import (
    Event,
    Kind,
    Sender,
    Signature,
    clean_text,
    dig,
    from_milliseconds,
    reach,
)

ISSUE_IN_ADDRESS = re.compile(r"/issue/([0-9]+)/comment/")

KIND_OF_EVENT = {
    "jira:issue_created": Kind.CREATED,
    "jira:issue_deleted": Kind.DELETED,
    "comment_created": Kind.COMMENTED,
}


class Jira(Sender):
    """In Jira, as an administrator: Settings → System → WebHooks → Create a WebHook.

    Paste the API Endpoint URL, tick the issue event “updated” (and “created”, where the listener
    waits for that), and choose the issues by JQL. Jira fills in ``${issue.key}``.
    """

    slug = "jira"
    label = "Jira"
    placeholder = "${issue.key}"
    system = "jira"
    signature = Signature(header="X-Hub-Signature", prefix="sha256=")
    kinds = (Kind.CREATED, Kind.STATUS_CHANGED, Kind.COMMENTED)

    def read(self, headers: Mapping[str, str], payload: Any) -> Event:
        """Fields as in https://developer.atlassian.com/cloud/jira/platform/webhooks/.

        Bodies of Data Center differ: a comment's own events carry no issue, only its address.
        """
        issue = _issue(payload)
        status, moved = _changed(payload, "status"), _changed(payload, "Key")
        before, after = status or _transition(payload)
        item = dig(issue, "id") or _issue_of_comment(payload)
        return Event(
            name=_name(payload),
            kinds=tuple(_kinds(payload, bool(after), bool(moved))),
            references=tuple(filter(None, (dig(issue, "key"), moved and moved[0], item))),
            item=item,
            status_before=before,
            status_after=after,
            occurred_at=from_milliseconds(dig(payload, "timestamp")),
            delivery_id=clean_text(headers.get("X-Atlassian-Webhook-Identifier", "")),
            stamped=bool(dig(payload, "timestamp") or dig(payload, "changelog.id")),
        )


def _name(payload: Any) -> str:
    names = (dig(payload, "webhookEvent"), dig(payload, "issue_event_type_name"))
    return " / ".join(filter(None, names))


def _issue(payload: Any) -> Any:
    """The issue; a rule of Jira Automation may send it alone, without an envelope."""
    issue = reach(payload, "issue")
    alone = reach(payload, "fields") is not None and dig(payload, "key")
    return payload if issue is None and alone else issue


def _issue_of_comment(payload: Any) -> str:
    found = ISSUE_IN_ADDRESS.search(dig(payload, "comment.self"))
    return found.group(1) if found else ""


def _changed(payload: Any, field: str) -> tuple[str, str] | None:
    """(before, after) of ``field`` in the changelog; custom fields of that name do not count."""
    items = reach(payload, "changelog.items")
    for item in items if isinstance(items, list) else ():
        if dig(item, "field") == field and dig(item, "fieldtype") != "custom":
            return dig(item, "fromString"), dig(item, "toString")
    return None


def _transition(payload: Any) -> tuple[str, str]:
    """What a workflow's post-function says: it has no changelog, and the issue's old status."""
    return dig(payload, "transition.from_status"), dig(payload, "transition.to_status")


def _kinds(payload: Any, status_changed: bool, moved: bool) -> list[str]:
    named = KIND_OF_EVENT.get(dig(payload, "webhookEvent"))
    kinds = {
        named: named is not None,
        Kind.STATUS_CHANGED: status_changed,
        Kind.COMMENTED: _is_new_comment(payload) or named == Kind.COMMENTED,
        Kind.MOVED: moved,
    }
    return [str(kind) for kind, told in kinds.items() if told] or [str(Kind.OTHER)]


def _is_new_comment(payload: Any) -> bool:
    """Data Center tells comments as updates of the issue; an edited one has two times."""
    updated = dig(payload, "webhookEvent") == "jira:issue_updated"
    created = dig(payload, "comment.created")
    return updated and bool(created) and created == dig(payload, "comment.updated")
