from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automation.senders.base import (
    Change,
    Event,
    Kind,
    RemoteComment,
    Sender,
    SharedToken,
    dig,
    entries,
    first,
    from_milliseconds,
    kinds_of,
)
from automation.senders.texts import text_of_html

# What Rally's types call the field that tells how far an item is, most telling first
STATES = ("State", "ScheduleState", "FlowState")
KIND_OF_ACTION = {"created": Kind.CREATED, "deleted": Kind.DELETED, "recycled": Kind.DELETED}
CHANGES = {"created": Change.ADDED, "updated": Change.EDITED}
POST = "ConversationPost"


class Rally(Sender):
    """In Rally (Agile Central) webhooks are made by its API, or by the app “Webhooks”.

    Use the API Endpoint URL, without ``find=``, as the webhook's target URL, for the object type
    that you link (Defect, HierarchicalRequirement, …), and an expression that chooses your items.
    """

    slug = "rally"
    label = "Agile Central (Rally)"
    placeholder = ""
    system = "rally"
    signature = SharedToken(header="X-Hook-Secret")
    kinds = (Kind.CREATED, Kind.STATUS_CHANGED, Kind.COMMENTED)
    delivery_path = "message.message_id"

    def read(self, headers: Mapping[str, str], payload: Any) -> Event:
        """A message holds the item's ``state`` and ``changes``, each keyed by attribute UUID.

        As in https://rally1.rallydev.com/apps/pigeon/docs/webhooks.
        """
        about, action = dig(payload, "message.object_type"), dig(payload, "message.action")
        item = _item(payload, about)
        comment = _comment(payload, action) if about == POST else None
        known = action.lower() in KIND_OF_ACTION  # a new item has had no other status
        before, after = ("", "") if known or about == POST else _status(payload)
        return Event(
            name=" / ".join(filter(None, (about, action))),
            kinds=_kinds(payload, "" if about == POST else action, bool(after), comment),
            references=tuple(filter(None, (_now(payload, "FormattedID"), item))),
            item=item,
            status_before=before,
            status_after=after,
            resolution=_now(payload, "Resolution"),
            actor=_user(payload),
            comment=comment,
            occurred_at=from_milliseconds(dig(payload, "message.transaction.timestamp")),
            delivery_id=dig(payload, self.delivery_path),
            stamped=bool(dig(payload, "message.transaction.timestamp")),
        )


def _item(payload: Any, about: str) -> str:
    """The item's id. A post in a discussion is an item of its own, about its artifact."""
    if about == POST:
        return dig(_named(payload, "message.state", "Artifact"), "value.id")
    return first(payload, "message.object_id", "message.id")


def _user(payload: Any) -> str:
    return first(payload, "message.transaction.user.username", "message.transaction.user.email")


def _named(payload: Any, path: str, name: str) -> Any:
    """The attribute of this name, wherever it stands; None where it is not there."""
    return next((each for each in entries(payload, path) if dig(each, "name") == name), None)


def _text(value: Any, key: str) -> str:
    """A value alone, or inside an object: a rating's ``value``, or the ``name`` of a row."""
    return first(value, key, f"{key}.value", f"{key}.name")


def _now(payload: Any, name: str) -> str:
    return _text(_named(payload, "message.state", name), "value")


def _status(payload: Any) -> tuple[str, str]:
    """(before, after). A change without ``old_value`` is no change."""
    for name in STATES:
        change = _named(payload, "message.changes", name)
        if isinstance(change, dict) and "old_value" in change:
            return _text(change, "old_value"), _text(change, "value")
    return "", ""


def _kinds(
    payload: Any, action: str, status_changed: bool, comment: RemoteComment | None
) -> tuple[str, ...]:
    added = comment is not None and comment.change == Change.ADDED
    return kinds_of(
        {
            KIND_OF_ACTION.get(action.lower()): True,
            Kind.STATUS_CHANGED: status_changed,
            Kind.COMMENTED: added,
            Kind.COMMENT_CHANGED: comment is not None and not added,
            Kind.MOVED: bool(action) and _moved(payload),
        }
    )


def _moved(payload: Any) -> bool:
    change = _named(payload, "message.changes", "Project")
    return isinstance(change, dict) and "old_value" in change


def _comment(payload: Any, action: str) -> RemoteComment | None:
    number = first(payload, "message.object_id", "message.id")
    if not number:
        return None
    change = CHANGES.get(action.lower(), Change.DELETED)
    return RemoteComment(
        id=number,
        change=change,
        body=text_of_html(_now(payload, "Text")),
        author=_user(payload),
        version=dig(payload, "message.message_id") if change == Change.EDITED else "",
    )
