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
    kinds_of,
    reach,
)
from automation.senders.texts import text_of_html

# “Bug #5 (Some great new idea!) updated by Jamal Hartnett.”, all that Minimal detail leaves, and
# “- New State: Approved” in the lines below it
NUMBER_IN_MESSAGE = re.compile(r"^[^#(]{1,100}#([0-9]{1,18})\b")
STATE_IN_MESSAGE = re.compile(r"^ {0,8}[-*] New State: ([^\r\n]{1,200})", re.MULTILINE)
MAILBOX = re.compile(r" ?<[^<>]*>$")
NO_ID = "00000000-0000-0000-0000-000000000000"

KIND_OF_EVENT = {"workitem.created": Kind.CREATED, "workitem.deleted": Kind.DELETED}
TELL_COMMENTS = ("workitem.commented", "workitem.updated")


class AzureDevOps(Sender):
    """In Azure DevOps or TFS: Project settings → Service hooks → + → Web Hooks.

    Choose “Work item updated” (or “created”, “commented on”) and your filters; paste the API
    Endpoint URL into “URL”, without ``find=``: it is the same for all items. Leave “Resource
    details to send” at All. Put the API key into “Basic authentication password”.
    """

    slug = "azure_devops"
    label = "Azure DevOps / TFS"
    placeholder = ""
    system = "azure_devops"
    signature = SharedToken(header="X-Hook-Secret")
    kinds = (Kind.CREATED, Kind.STATUS_CHANGED, Kind.COMMENTED)
    delivery_path = "id"

    def read(self, headers: Mapping[str, str], payload: Any) -> Event:
        """Fields as in https://learn.microsoft.com/azure/devops/service-hooks/events."""
        name = dig(payload, "eventType")
        item = _item(payload, name) if name.startswith("workitem.") or not name else ""
        before, after = _status(payload, name)
        comment = _comment(payload, name, item)
        return Event(
            name=name,
            kinds=_kinds(payload, name, bool(after), comment),
            references=tuple(filter(None, (item,))),
            item=item,
            status_before=before,
            status_after=after,
            resolution=_now(payload, "Microsoft.VSTS.Common.ResolvedReason")
            or _now(payload, "System.Reason"),
            actor=_actor(payload),
            comment=comment,
            occurred_at=from_iso(_now(payload, "System.ChangedDate"))
            or from_iso(dig(payload, "createdDate")),
            delivery_id=_delivery_id(payload),
            stamped=bool(dig(payload, "createdDate")),
        )


def _item(payload: Any, name: str) -> str:
    """The work item's number. ``resource.id`` of an update is the update's own."""
    paths = ["resource.workItemId", "resource.revision.id"]
    if name != "workitem.updated":
        paths.append("resource.id")
    numbers = (dig(payload, path) for path in paths)
    said = NUMBER_IN_MESSAGE.search(dig(payload, "message.text"))
    return next((text for text in numbers if text not in ("", "0")), said.group(1) if said else "")


def _field(payload: Any, name: str) -> Any:
    """A field of the work item, whose name has dots; None where it is not told."""
    for path in ("resource.fields", "resource.revision.fields"):
        fields = reach(payload, path)
        if isinstance(fields, dict) and name in fields:
            return fields[name]
    return None


def _now(payload: Any, name: str) -> str:
    """What the field says now: an update tells the old value too."""
    value = _field(payload, name)
    return dig({"value": value}, "value") or dig(value, "newValue")


def _changed(payload: Any, name: str) -> tuple[str, str]:
    change = _field(payload, name)
    before, after = dig(change, "oldValue"), dig(change, "newValue")
    return (before, after) if before != after else ("", "")


def _status(payload: Any, name: str) -> tuple[str, str]:
    """(before, after). Without details the lines of the message may tell the new one."""
    if name not in ("workitem.updated", ""):
        return "", ""
    if isinstance(reach(payload, "resource.fields"), dict):
        return _changed(payload, "System.State")
    said = STATE_IN_MESSAGE.search(dig(payload, "detailedMessage.text"))
    return "", said.group(1).strip() if said else ""


def _actor(payload: Any) -> str:
    """An identity is an object, or a text such as ``Jamal Hartnett <jamal@example.com>``."""
    told = first(
        payload, "resource.revisedBy.displayName", "resource.revisedBy.name", "resource.revisedBy"
    )
    changed_by = _field(payload, "System.ChangedBy")
    person = changed_by.get("newValue", changed_by) if isinstance(changed_by, dict) else changed_by
    named = first({"person": person}, "person.displayName", "person.name", "person")
    return MAILBOX.sub("", told or named)


def _kinds(
    payload: Any, name: str, status_changed: bool, comment: RemoteComment | None
) -> tuple[str, ...]:
    added = comment is not None and comment.change == Change.ADDED
    unread = comment is None and name == "workitem.commented"
    return kinds_of(
        {
            KIND_OF_EVENT.get(name): True,
            Kind.STATUS_CHANGED: status_changed,
            Kind.COMMENTED: added or unread,
            Kind.COMMENT_CHANGED: comment is not None and not added,
            Kind.MOVED: name == "workitem.updated"
            and _changed(payload, "System.TeamProject")[1] != "",
        }
    )


def _comment(payload: Any, name: str, item: str) -> RemoteComment | None:
    """The events “updated” and “commented on” both tell a comment, of the same revision."""
    body = _now(payload, "System.History")
    if name not in TELL_COMMENTS or not body:
        return None
    told = _told_of_comment(payload)
    own, version = dig(told, "commentId"), dig(told, "version")
    revision = first(payload, "resource.revision.rev", "resource.rev")
    edited = version not in ("", "1")
    return RemoteComment(
        id=f"{item}.{own or f'rev{revision}'}",
        change=Change.EDITED if edited else Change.ADDED,
        body=text_of_html(body),
        author=_actor(payload),
        version=version if edited else "",
    )


def _told_of_comment(payload: Any) -> Any:
    """Which comment of the item it is; TFS and the older Server do not say."""
    paths = ("resource.commentVersionRef", "resource.revision.commentVersionRef")
    return next(filter(None, (reach(payload, path) for path in paths)), None)


def _delivery_id(payload: Any) -> str:
    own = dig(payload, "id")
    parts = (dig(payload, "subscriptionId"), dig(payload, "notificationId"))
    return clean_text(own if own not in ("", NO_ID) else "/".join(parts) if all(parts) else "")
