from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from automation.actions.base import Action, ActionForm, Done, Settings, changed
from automation.actions.fields import ProjectChoicesField, TextField, split_names
from feedback.models import Tag, Ticket
from feedback.services import change_ticket, tags_named

LONGEST = 50  # characters of a tag
MOST = 100  # of a ticket


class TagsForm(ActionForm):
    tags = ProjectChoicesField(Tag, label="Tags", required=False)
    names = TextField(
        label="By name",
        required=False,
        max_length=1_000,
        widget=forms.TextInput,
        help_text="Names with commas between them, such as {{ payload.issue.fields.labels|join }}.",
    )

    def clean(self) -> None:
        self.needs_one_of("tags", "names", problem="Choose a tag, or name one.")


class AddTags(Action):
    kind = "add_tags"
    label = "Add Tags"
    repeatable = True
    Form = TagsForm

    def describe(self, settings: Settings) -> str:
        return f"Add {tags_of(settings)}"

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        names = split_names(settings["names"])
        if long := [name for name in names if len(name) > LONGEST]:
            shown = f"“{long[0][:LONGEST]}…”"
            raise ValidationError(f"{shown} is no tag: {LONGEST} characters are the most.")
        tags = {*ticket.tags.all(), *settings["tags"]}
        if len(tags) + len(names) > MOST:
            raise ValidationError(f"A ticket has at most {MOST} tags.")
        tags |= {*tags_named(ticket.project, names)}
        return changed(change_ticket(ticket, actor=actor, cause=cause, tags=tags))


def tags_of(settings: Settings) -> str:
    names = [*map(str, settings["tags"]), *split_names(settings["names"])]
    return f"the tag{'' if len(names) == 1 else 's'} {', '.join(names) or 'of an empty list'}"
