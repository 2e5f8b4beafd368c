from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from automation.senders.base import (
    Change,
    Event,
    Kind,
    RemoteComment,
    Sender,
    Signature,
    clean_text,
    dig,
    entries,
    first,
    from_iso,
    from_milliseconds,
    kinds_of,
    reach,
)
from automation.senders.texts import text_of_document

IDENTIFIER = "X-Atlassian-Webhook-Identifier"
ISSUE_IN_ADDRESS = re.compile(r".*/issue/([0-9]{1,19})/comment/")

# What a webhook or a workflow sends beside the issue, in one form or another
SAID_BY_EVENTS = (
    *("webhookEvent", "issue_event_type_name", "timestamp"),
    *("changelog.items", "transition", "comment"),
)
KIND_OF_EVENT = {"jira:issue_created": Kind.CREATED, "jira:issue_deleted": Kind.DELETED}

# Cloud and Data Center have events of comments; Data Center tells each as an update too.
CHANGE_OF_EVENT = {
    "comment_created": Change.ADDED,
    "comment_updated": Change.EDITED,
    "comment_deleted": Change.DELETED,
    "issue_commented": Change.ADDED,
    "issue_comment_edited": Change.EDITED,
    "issue_comment_deleted": Change.DELETED,
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
    delivery_headers = (IDENTIFIER,)

    def read(self, headers: Mapping[str, str], payload: Any) -> Event:
        """Fields as in https://developer.atlassian.com/cloud/jira/platform/webhooks/.

        Bodies of Data Center differ: a comment's own events carry no issue, only its address. Those
        of Automation are an issue alone; those of workflows have a transition and no changelog.
        """
        issue = _issue(payload)
        moved = _changed(payload, "Key")
        before, after, category = _status(payload, issue)
        item = dig(issue, "id") or _issue_of_comment(payload)
        return Event(
            name=_name(payload),
            kinds=() if _is_alone(payload, issue) else _kinds(payload, bool(after)),
            references=tuple(filter(None, (dig(issue, "key"), dig(moved, "fromString"), item))),
            item=item,
            status_before=before,
            status_after=after,
            category=category,
            resolution=dig(issue, "fields.resolution.name"),
            actor=_actor(payload),
            comment=_comment(payload, item),
            occurred_at=_time(payload, issue),
            delivery_id=clean_text(headers.get(IDENTIFIER, "")),
            stamped=bool(dig(payload, "timestamp") or dig(payload, "changelog.id")),
        )


def _name(payload: Any) -> str:
    names = (dig(payload, "webhookEvent"), dig(payload, "issue_event_type_name"))
    return " / ".join(filter(None, names)) or ("transition" if _transition(payload) else "")


def _issue(payload: Any) -> Any:
    """The issue; a rule of Jira Automation may send it alone, without an envelope."""
    issue = reach(payload, "issue")
    alone = isinstance(reach(payload, "fields"), dict) and dig(payload, "key")
    return payload if issue is None and alone else issue


def _is_alone(payload: Any, issue: Any) -> bool:
    """Whether there is an issue and not a word on what happened to it.

    https://support.atlassian.com/cloud-automation/docs/issue-data-jira-format-payload-for-send-web-request-action
    """
    named = dig(issue, "key") or dig(issue, "id")
    return bool(named) and all(reach(payload, path) is None for path in SAID_BY_EVENTS)


def _issue_of_comment(payload: Any) -> str:
    found = ISSUE_IN_ADDRESS.match(dig(payload, "comment.self"))
    return found.group(1) if found else ""


def _changed(payload: Any, field: str) -> Any:
    """The changelog's entry about ``field``; custom fields of that name do not count."""
    for entry in entries(payload, "changelog.items"):
        if dig(entry, "field") == field and dig(entry, "fieldtype") != "custom":
            return entry
    return None


def _transition(payload: Any) -> Any:
    """What a workflow's post-function tells, whose issue still has its old status."""
    found = reach(payload, "transition")
    return found if isinstance(found, dict) else None


def _status(payload: Any, issue: Any) -> tuple[str, str, str]:
    """(before, after, category of after). Of an issue alone its status now, whatever it was."""
    now = reach(issue, "fields.status")
    name, category = dig(now, "name"), dig(now, "statusCategory.key")
    entry = _changed(payload, "status")
    if entry is not None:
        after = dig(entry, "toString")
        is_now = dig(entry, "to") == dig(now, "id") if dig(entry, "to") else after == name
        return dig(entry, "fromString"), after, category if is_now else ""
    if _transition(payload):
        return dig(payload, "transition.from_status"), dig(payload, "transition.to_status"), ""
    return ("", name, category) if _is_alone(payload, issue) else ("", "", "")


def _kinds(payload: Any, status_changed: bool) -> tuple[str, ...]:
    change = _comment_change(payload)
    return kinds_of(
        {
            KIND_OF_EVENT.get(dig(payload, "webhookEvent")): True,
            Kind.STATUS_CHANGED: status_changed,
            Kind.COMMENTED: change == Change.ADDED,
            Kind.COMMENT_CHANGED: change in (Change.EDITED, Change.DELETED),
            Kind.MOVED: _changed(payload, "Key") is not None,
        }
    )


def _comment_change(payload: Any) -> str:
    """What became of the comment; "" where nothing is told of one.

    Old servers name no type of event: then an edited comment is known by its two times. A comment
    made with a transition is a part of that.
    """
    told = (dig(payload, "webhookEvent"), dig(payload, "issue_event_type_name"))
    named = next((CHANGE_OF_EVENT[name] for name in told if name in CHANGE_OF_EVENT), None)
    if named:
        return str(named)
    if _transition(payload) and dig(payload, "comment"):
        return str(Change.ADDED)
    created, updated = dig(payload, "comment.created"), dig(payload, "comment.updated")
    if not created or told[0] != "jira:issue_updated":
        return ""
    return str(Change.ADDED if created == updated else Change.EDITED)


def _comment(payload: Any, item: str) -> RemoteComment | None:
    change, number = _comment_change(payload), dig(payload, "comment.id")
    if _transition(payload):
        return _comment_of_transition(payload, item) if change else None
    if not (change and number):
        return None
    return RemoteComment(
        id=number,
        change=change,
        body=text_of_document(reach(payload, "comment.body")),
        author=_person(payload, "comment.author"),
        version=dig(payload, "comment.updated") if change == Change.EDITED else "",
        restricted=_readers(payload),
    )


def _comment_of_transition(payload: Any, item: str) -> RemoteComment | None:
    """A text without an id. Its transition has none either, but a time."""
    sent = dig(payload, "timestamp")
    if not (item and sent):
        return None
    return RemoteComment(
        id=f"{item}.transition.{sent}",
        body=text_of_document(reach(payload, "comment")),
        author=_person(payload, "user"),
    )


def _readers(payload: Any) -> str:
    """The role or group that alone may read the comment; of a service desk, its agents."""
    internal = reach(payload, "comment.jsdPublic") is False
    return first(payload, "comment.visibility.value") or ("internal" if internal else "")


def _person(payload: Any, path: str) -> str:
    return first(payload, f"{path}.displayName", f"{path}.name")


def _actor(payload: Any) -> str:
    people = ("user", "comment.updateAuthor", "comment.author")
    return next(filter(None, (_person(payload, path) for path in people)), "")


def _time(payload: Any, issue: Any) -> datetime | None:
    """When it happened. A transition is newer than the last update that its issue tells."""
    sent = from_milliseconds(dig(payload, "timestamp"))
    if sent or _transition(payload):
        return sent
    return from_iso(dig(payload, "comment.updated") or dig(issue, "fields.updated"))
