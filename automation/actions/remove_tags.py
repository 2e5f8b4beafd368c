from __future__ import annotations

from automation.actions.add_tags import TagsForm, tags_of
from automation.actions.base import Action, Done, Settings, changed
from automation.actions.fields import split_names
from feedback.models import Ticket
from feedback.services import change_ticket


class RemoveTags(Action):
    kind = "remove_tags"
    label = "Remove Tags"
    repeatable = True
    Form = TagsForm

    def describe(self, settings: Settings) -> str:
        return f"Remove {tags_of(settings)}"

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        names = {name.casefold() for name in split_names(settings["names"])}
        left = [
            tag
            for tag in ticket.tags.all()
            if tag not in settings["tags"] and tag.name.casefold() not in names
        ]
        return changed(change_ticket(ticket, actor=actor, cause=cause, tags=left))
