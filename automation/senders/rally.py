from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automation.senders.base import (
    Event,
    Kind,
    RemoteComment,
    Sender,
    SharedToken,
    dig,
    entries,
    first,
    from_milliseconds,
)

# What Rally's types call the field that tells how far an item is, most telling first
STATES = ("State", "ScheduleState", "FlowState")
KIND_OF_ACTION = {"created": Kind.CREATED, "deleted": Kind.DELETED, "recycled": Kind.DELETED}


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

    def read(self, headers: Mapping[str, str], payload: Any) -> Event:
        """A message holds the item's ``state`` and ``changes``, each keyed by attribute UUID."""
        item = first(payload, "message.object_id", "message.id")
        action = dig(payload, "message.action")
        before, after = _status(payload)
        return Event(
            name=" / ".join(filter(None, (dig(payload, "message.object_type"), action))),
            kinds=tuple(_kinds(payload, action, bool(after))),
            references=tuple(filter(None, (_now(payload, "FormattedID"), item))),
            item=item,
            status_before=before,
            status_after=after,
            resolution=_now(payload, "Resolution"),
            actor=first(
                payload, "message.transaction.user.username", "message.transaction.user.email"
            ),
            comment=_comment(payload),
            occurred_at=from_milliseconds(dig(payload, "message.transaction.timestamp")),
            delivery_id=dig(payload, "message.message_id"),
            stamped=bool(dig(payload, "message.transaction.timestamp")),
        )


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


def _kinds(payload: Any, action: str, status_changed: bool) -> list[str]:
    named = KIND_OF_ACTION.get(action.lower())
    told = {
        named: named is not None,
        Kind.STATUS_CHANGED: status_changed,
        Kind.COMMENTED: _comment(payload) is not None,
        Kind.MOVED: _moved(payload),
    }
    return [str(kind) for kind, is_told in told.items() if is_told] or [str(Kind.OTHER)]


def _moved(payload: Any) -> bool:
    change = _named(payload, "message.changes", "Project")
    return isinstance(change, dict) and "old_value" in change


def _comment(payload: Any) -> RemoteComment | None:
    """A new ConversationPost is an item of its own, whose artifact it is about."""
    if dig(payload, "message.object_type") != "ConversationPost":
        return None
    body = _now(payload, "Text")
    author = dig(payload, "message.transaction.user.username")
    return RemoteComment(dig(payload, "message.object_id"), body=body, author=author)
