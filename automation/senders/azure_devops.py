from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from automation.senders.base import (
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

# “Bug #5 (Some great new idea!) updated by Jamal Hartnett.”, all that Minimal detail leaves
NUMBER_IN_MESSAGE = re.compile(r"^[^#(]{1,100}#([0-9]{1,18})\b")
MAILBOX = re.compile(r"\s*<[^>]*>\s*$")

KIND_OF_EVENT = {
    "workitem.created": Kind.CREATED,
    "workitem.commented": Kind.COMMENTED,
    "workitem.deleted": Kind.DELETED,
}


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

    def read(self, headers: Mapping[str, str], payload: Any) -> Event:
        """Fields as in https://learn.microsoft.com/azure/devops/service-hooks/events."""
        name = dig(payload, "eventType")
        item = _item(payload, name) if name.startswith("workitem.") or not name else ""
        before, after = _changed(payload, "System.State")
        return Event(
            name=name,
            kinds=tuple(_kinds(payload, name, bool(after))),
            references=tuple(filter(None, (item,))),
            item=item,
            status_before=before,
            status_after=after,
            resolution=_now(payload, "Microsoft.VSTS.Common.ResolvedReason")
            or _now(payload, "System.Reason"),
            actor=_actor(payload),
            comment=_comment(payload, name),
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


def _actor(payload: Any) -> str:
    """An identity is an object, or a text such as ``Jamal Hartnett <jamal@example.com>``."""
    told = first(
        payload, "resource.revisedBy.displayName", "resource.revisedBy.name", "resource.revisedBy"
    )
    changed_by = _field(payload, "System.ChangedBy")
    person = changed_by.get("newValue", changed_by) if isinstance(changed_by, dict) else changed_by
    named = first({"person": person}, "person.displayName", "person.name", "person")
    return MAILBOX.sub("", told or named)


def _kinds(payload: Any, name: str, status_changed: bool) -> list[str]:
    named = KIND_OF_EVENT.get(name)
    told = {
        named: named is not None,
        Kind.STATUS_CHANGED: status_changed,
        Kind.COMMENTED: named == Kind.COMMENTED or _comment(payload, name) is not None,
        Kind.MOVED: bool(_changed(payload, "System.TeamProject")[1]),
    }
    return [str(kind) for kind, is_told in told.items() if is_told] or [str(Kind.OTHER)]


def _said(payload: Any) -> str:
    return _now(payload, "System.History")


def _comment(payload: Any, name: str) -> RemoteComment | None:
    """The events “updated” and “commented on” both tell a comment, of the same revision."""
    body = _said(payload)
    if not body or name not in ("workitem.commented", "workitem.updated"):
        return None
    number = first(payload, "resource.revision.rev", "resource.rev")
    own = dig(payload, "resource.commentVersionRef.commentId")
    return RemoteComment(
        id=f"{_item(payload, name)}.{own or f'rev{number}'}", body=body, author=_actor(payload)
    )


def _delivery_id(payload: Any) -> str:
    parts = (dig(payload, "subscriptionId"), dig(payload, "notificationId"))
    return clean_text(dig(payload, "id") or ("/".join(parts) if all(parts) else ""))
