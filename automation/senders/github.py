from __future__ import annotations

from collections.abc import Mapping
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
    first,
    from_iso,
    kinds_of,
    reach,
)

NUMBERED = ("issue", "pull_request", "discussion")
STATUSES = {"closed": ("open", "closed"), "reopened": ("closed", "open")}
KIND_OF_ACTION = {
    "opened": Kind.CREATED,
    "closed": Kind.STATUS_CHANGED,
    "reopened": Kind.STATUS_CHANGED,
    "deleted": Kind.DELETED,
    "transferred": Kind.MOVED,
}
CHANGES = {"created": Change.ADDED, "edited": Change.EDITED, "deleted": Change.DELETED}


class GitHub(Sender):
    """In GitHub: Settings → Webhooks → Add webhook, of the repository or the organization.

    Paste the API Endpoint URL, without ``find=``, into “Payload URL”; choose “application/json”;
    enter the same secret here and there; choose “Let me select individual events” → Issues and,
    where comments are wanted, Issue comments.
    """

    slug = "github"
    label = "GitHub"
    placeholder = ""
    system = "github"
    signature = Signature(header="X-Hub-Signature-256", prefix="sha256=")
    kinds = (Kind.CREATED, Kind.STATUS_CHANGED, Kind.COMMENTED)
    delivery_headers = ("X-GitHub-Delivery",)

    def read(self, headers: Mapping[str, str], payload: Any) -> Event:
        """Fields as in https://docs.github.com/webhooks/webhook-events-and-payloads."""
        event = clean_text(headers.get("X-GitHub-Event", ""))
        action, subject = dig(payload, "action"), _subject(payload)
        comment = _comment(payload, action) if subject else None
        of_item = subject and not isinstance(reach(payload, "comment"), dict)
        before, after = STATUSES.get(action, ("", "")) if of_item else ("", "")
        item = _item(payload, subject)
        return Event(
            name=" / ".join(filter(None, (event, action))),
            kinds=_kinds(event, payload, action if of_item else "", comment),
            references=tuple(
                filter(None, (*_numbers(payload, subject), item if subject == "issue" else ""))
            ),
            item=item,
            status_before=before,
            status_after=after,
            resolution=_resolution(payload, subject),
            actor=dig(payload, "sender.login"),
            comment=comment,
            occurred_at=from_iso(first(payload, "comment.updated_at", f"{subject}.updated_at")),
            delivery_id=clean_text(headers.get("X-GitHub-Delivery", "")),
        )


def _subject(payload: Any) -> str:
    """What the event is about; "" where it is nothing that has a number."""
    return next((name for name in NUMBERED if isinstance(reach(payload, name), dict)), "")


def _item(payload: Any, subject: str) -> str:
    """Issues, pull requests and discussions share their numbers, but not their ids."""
    number = dig(payload, f"{subject}.id") if subject else ""
    return number if subject == "issue" or not number else f"{subject}:{number}"


def _numbers(payload: Any, subject: str) -> list[str]:
    """``owner/repo#30``; of a transferred issue also what it is called at its other place."""
    places = (
        ("changes.new_repository.full_name", "changes.new_issue.number"),
        ("repository.full_name", f"{subject}.number"),
        ("changes.old_repository.full_name", "changes.old_issue.number"),
    )
    found = ((dig(payload, repository), dig(payload, number)) for repository, number in places)
    return [f"{repository}#{number}" for repository, number in found if repository and number]


def _resolution(payload: Any, subject: str) -> str:
    """“completed”, “not_planned”, “duplicate”; of a pull request “merged”."""
    merged = subject == "pull_request" and reach(payload, "pull_request.merged") is True
    return "merged" if merged else dig(payload, f"{subject}.state_reason")


def _kinds(event: str, payload: Any, action: str, comment: RemoteComment | None) -> tuple[str, ...]:
    """At its new place a transferred issue is “opened” once more, which makes it no new one."""
    pinged = event == "ping" or (not event and bool(dig(payload, "zen")))
    arrived = isinstance(reach(payload, "changes.old_issue"), dict)
    named = Kind.MOVED if arrived and action == "opened" else KIND_OF_ACTION.get(action)
    added = comment is not None and comment.change == Change.ADDED
    return kinds_of(
        {
            named: True,
            Kind.COMMENTED: added,
            Kind.COMMENT_CHANGED: comment is not None and not added,
            Kind.PING: pinged,
        }
    )


def _comment(payload: Any, action: str) -> RemoteComment | None:
    if not dig(payload, "comment.id") or action not in CHANGES:
        return None
    change = CHANGES[action]
    return RemoteComment(
        id=dig(payload, "comment.id"),
        change=change,
        body=dig(payload, "comment.body"),
        author=dig(payload, "comment.user.login"),
        version=dig(payload, "comment.updated_at") if change == Change.EDITED else "",
    )
