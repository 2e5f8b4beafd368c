from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

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
    reach,
)

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
SIGNS = {"issue": "#", "work_item": "#", "merge_request": "!"}  # group/project#23, …!4
OF_NOTE = {"Issue": "issue", "WorkItem": "issue", "MergeRequest": "merge_request"}
PATH = re.compile(r"^https?://[^/]+/(.+?)(?:/-)?/(?:issues|work_items|merge_requests)/([0-9]+)")


class GitLab(Sender):
    """In GitLab: Settings → Webhooks → Add new webhook, of the project or the group.

    Paste the API Endpoint URL, without ``find=``, into “URL”; enter the same secret token here
    and there; tick “Issues events” and, where comments are wanted, “Comments”.
    """

    slug = "gitlab"
    label = "GitLab"
    placeholder = ""
    system = "gitlab"
    signature = SharedToken(header="X-Gitlab-Token")
    kinds = (Kind.CREATED, Kind.STATUS_CHANGED, Kind.COMMENTED)

    def read(self, headers: Mapping[str, str], payload: Any) -> Event:
        """Fields as in https://docs.gitlab.com/user/project/integrations/webhook_events/."""
        kind, action = dig(payload, "object_kind"), dig(payload, "object_attributes.action")
        comment = _comment(payload, kind, action)
        subject, path = _subject(payload, kind)
        before, after = STATUSES.get(action, ("", "")) if subject and not comment else ("", "")
        item = dig(payload, f"{path}.id") if subject else ""
        return Event(
            name=" / ".join(filter(None, (kind, action))),
            kinds=_kinds(subject, action, comment, _moved(payload)),
            references=tuple(filter(None, (_number(payload, subject, path), item))),
            item=item,
            status_before=before,
            status_after=after,
            actor=first(payload, "user.username", "user.name", "user_username"),
            comment=comment,
            occurred_at=from_iso(first(payload, "object_attributes.updated_at")),
            delivery_id=clean_text(
                headers.get("Idempotency-Key", "") or headers.get("X-Gitlab-Event-UUID", "")
            ),
            stamped=bool(dig(payload, "object_attributes.updated_at")),
        )


def _subject(payload: Any, kind: str) -> tuple[str, str]:
    """What the event is about (issue, merge_request, …) and where the body has it."""
    if kind == "note":
        about = OF_NOTE.get(dig(payload, "object_attributes.noteable_type"), "")
        return about, about
    return (kind, "object_attributes") if kind in SIGNS else ("", "")


def _number(payload: Any, subject: str, path: str) -> str:
    """``group/project#23``. The item's own address tells its project, also in a group's hook."""
    number = dig(payload, f"{path}.iid") if subject else ""
    if not number:
        return ""
    project = dig(payload, "project.path_with_namespace")
    address = PATH.match(dig(payload, f"{path}.url"))
    project = project or (address.group(1) if address else "")
    return f"{project}{SIGNS[subject]}{number}" if project else ""


def _moved(payload: Any) -> bool:
    return bool(dig(payload, "changes.moved_to_id.current"))


def _kinds(
    subject: str, action: str, comment: RemoteComment | None, moved: bool
) -> tuple[str, ...]:
    """Only “close”, “reopen” and “merge” change a status: “update” changes texts and labels."""
    if comment:
        added = comment.change == Change.ADDED
        return (str(Kind.COMMENTED if added else Kind.COMMENT_CHANGED),)
    named = KIND_OF_ACTION.get(action, Kind.OTHER) if subject else Kind.OTHER
    return (str(named), str(Kind.MOVED)) if moved else (str(named),)


def _comment(payload: Any, kind: str, action: str) -> RemoteComment | None:
    """GitLab tells new and edited notes; those that it writes itself are no comments."""
    if kind != "note" or reach(payload, "object_attributes.system") is True:
        return None
    return RemoteComment(
        id=dig(payload, "object_attributes.id"),
        change=Change.EDITED if action == "update" else Change.ADDED,
        body=dig(payload, "object_attributes.note"),
        author=first(payload, "user.username", "user.name"),
    )
