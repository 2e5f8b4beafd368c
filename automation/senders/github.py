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
    reach,
)

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

    def read(self, headers: Mapping[str, str], payload: Any) -> Event:
        """Fields as in https://docs.github.com/webhooks/webhook-events-and-payloads."""
        event = clean_text(headers.get("X-GitHub-Event", ""))
        action = dig(payload, "action")
        subject = "issue" if isinstance(reach(payload, "issue"), dict) else "pull_request"
        comment = _comment(payload, action)
        before, after = ("", "") if comment else STATUSES.get(action, ("", ""))
        item = dig(payload, f"{subject}.id")
        return Event(
            name=" / ".join(filter(None, (event, action))),
            kinds=_kinds(action, comment),
            references=tuple(filter(None, (*_numbers(payload, subject), item))),
            item=item,
            status_before=before,
            status_after=after,
            resolution=dig(payload, f"{subject}.state_reason"),
            actor=dig(payload, "sender.login"),
            comment=comment,
            occurred_at=from_iso(first(payload, "comment.updated_at", f"{subject}.updated_at")),
            delivery_id=clean_text(headers.get("X-GitHub-Delivery", "")),
        )


def _numbers(payload: Any, subject: str) -> list[str]:
    """``owner/repo#30``; of a transferred issue also what it is called at its new place."""
    places = (
        ("changes.new_repository.full_name", "changes.new_issue.number"),
        ("repository.full_name", f"{subject}.number"),
    )
    found = ((dig(payload, repository), dig(payload, number)) for repository, number in places)
    return [f"{repository}#{number}" for repository, number in found if repository and number]


def _kinds(action: str, comment: RemoteComment | None) -> tuple[str, ...]:
    if comment:
        added = comment.change == Change.ADDED
        return (str(Kind.COMMENTED if added else Kind.COMMENT_CHANGED),)
    return (str(KIND_OF_ACTION.get(action, Kind.OTHER)),)


def _comment(payload: Any, action: str) -> RemoteComment | None:
    if not dig(payload, "comment.id") or action not in CHANGES:
        return None
    return RemoteComment(
        id=dig(payload, "comment.id"),
        change=CHANGES[action],
        body=dig(payload, "comment.body"),
        author=dig(payload, "comment.user.login"),
    )
