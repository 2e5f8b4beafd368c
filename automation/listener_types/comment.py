from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from automation.actions.base import Effect, kept_effects
from automation.listener_types.base import ListenerType, Work, late, not_wanted
from automation.macro_run import Step
from automation.models import Delivery, ExecutionStep, ExternalListener
from automation.senders.base import Change
from feedback.errors import OutOfOrder
from feedback.following import Followed, follow_comment, follow_deletion
from feedback.models import Exposure, Ticket, TicketLink

LONGEST_NAME = 190  # beside a system's or a listener's
DID = {
    "added": "Add the comment of {author}",
    "edited": "Edit the comment of {author}",
    "deleted": "Delete the comment of {author}",
    "gone": "Leave the comment of {author} deleted",
    "": "Leave the comment of {author} as it is",
}


class Commenting(ListenerType):
    """Follows the comments of the outside item: new ones, their edits and deletions."""

    slug = ExternalListener.Type.COMMENT
    waits = False

    def wanted(self, listener: ExternalListener) -> str:
        return "a comment"

    def work_at(self, listener: ExternalListener, delivery: Delivery) -> Work:
        comment = delivery.comment
        if not comment:
            raise not_wanted(listener, self.wanted(listener), f"{delivery.told} without one")
        change = Change(comment["change"])
        if not comment["id"] and change != Change.ADDED:
            raise not_wanted(listener, "a comment that has an id", f"one {change} without its id")
        system = listener.external_sender.system or TicketLink.System.OTHER
        return CommentWork(
            title=f"Listener “{listener}”",
            system=system,
            remote_id=comment["id"],
            change=change,
            body=comment["body"],
            author=_as_shown(comment["author"] or delivery.remote_actor, listener),
            editor=_as_shown(delivery.remote_actor or comment["author"], listener),
            exposure=Exposure.INTERNAL if comment.get("restricted") else listener.comment_exposure,
            at=delivery.occurred_at,
        )


def _as_shown(person: str, listener: ExternalListener) -> str:
    """“Dana Developer (Jira)”; the system alone where it does not say who."""
    sender = listener.external_sender
    system = sender.label if sender.system else listener.name
    return f"{person[:LONGEST_NAME]} ({system})" if person else system


@dataclass(frozen=True)
class CommentWork(Work):
    system: str = field(kw_only=True)
    remote_id: str = field(kw_only=True)
    change: Change = field(kw_only=True)
    body: str = field(kw_only=True)
    author: str = field(kw_only=True)
    editor: str = field(kw_only=True)  # who added, edited or deleted it this time
    exposure: str = field(kw_only=True)
    at: datetime | None = field(kw_only=True)

    def do(self, ticket: Ticket, *, actor: str, cause: str) -> list[Step]:
        """Who commented over there, not the listener, is who did it."""
        try:
            followed = self._follow(ticket, cause)
        except OutOfOrder as order:
            item = f"the comment of {self.author} on {ticket.ref}"
            raise late(order.moment, order.newer, item) from order
        return [_step(followed)]

    def _follow(self, ticket: Ticket, cause: str) -> Followed:
        told: dict[str, Any] = {
            "system": self.system,
            "remote_id": self.remote_id,
            "author": self.author,
            "exposure": self.exposure,
            "actor": self.editor,
            "cause": cause,
            "at": self.at,
        }
        if self.change == Change.DELETED:
            return follow_deletion(ticket, **told)
        return follow_comment(ticket, body=self.body, edited=self.change == Change.EDITED, **told)


def _step(followed: Followed) -> Step:
    did = followed.did or ("gone" if followed.comment.deleted_at else "")
    row = ExecutionStep(
        kind=Commenting.slug,
        sentence=DID[did].format(author=followed.comment.actor),
        record=_record(followed),
        changes=kept_effects(_effects(followed)),
    )
    return Step(row, told="a comment added" if "comment" in row.record else "")


def _effects(followed: Followed) -> list[Effect]:
    """Without its text, which may be deleted over there one day."""
    comment = followed.comment
    what = f"{comment.get_exposure_display()} comment"
    told = {"added": ("", f"of {comment.actor}"), "deleted": (f"of {comment.actor}", "")}
    before, after = told.get(followed.did, (f"of {comment.actor}", "edited"))
    return [Effect(what, before, after)] if followed.did else []


def _record(followed: Followed) -> dict[str, Any]:
    if followed.change:
        return {"changes": [followed.change.pk]}
    return {"comment": followed.comment.pk} if followed.did else {}
