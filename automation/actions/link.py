from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from automation.actions.base import Action, ActionForm, Done, Effect, Even, Group, Record, Settings
from automation.actions.fields import LineField
from automation.actions.web import AddressField
from feedback import services
from feedback.models import Ticket, TicketLink
from feedback.undo import State, Undone, cannot

SYSTEMS = TicketLink.System.choices


def line(label: str, longest: int, example: str, *, may_vanish: bool = True) -> LineField:
    return LineField(
        may_vanish=may_vanish,
        label=label,
        required=False,
        max_length=longest,
        widget=forms.TextInput,
        help_text=f"Such as {example}.",
    )


class Link(Action):
    kind = "link"
    label = "Link"
    group = Group.OUTSIDE
    repeatable = True

    class Form(ActionForm):
        system = forms.ChoiceField(label="System", choices=SYSTEMS)
        remote_key = line("Key there", 200, "{{ payload.issue.key }}")
        remote_id = line("Id there", 200, "{{ event.item }}")
        url = AddressField(
            label="URL",
            required=False,
            max_length=500,
            help_text="Such as https://jira.example.com/browse/{{ payload.issue.key }}.",
        )

        def clean(self) -> None:
            problem = "Say what the item is called over there: its key, its id or both."
            self.needs_one_of("remote_key", "remote_id", problem=problem)

    def describe(self, settings: Settings) -> str:
        name = settings["remote_key"] or settings["remote_id"]
        return f"Link to {name} in {dict(SYSTEMS)[settings['system']]}"

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        item = {name: settings[name] for name in ("system", "remote_key", "remote_id", "url")}
        if not (item["remote_key"] or item["remote_id"]):
            raise ValidationError("Neither a key nor an id is left once they are filled in.")
        if services.link_to(ticket, item):
            return Done()
        link = services.link_ticket(ticket, actor=actor, cause=cause, **item)
        return Done({"item": item}, effects=(Effect("Link", "", str(link)),))

    def undo(
        self, ticket: Ticket, record: Record, *, even: Even, actor: str, cause: str
    ) -> list[Undone]:
        link = services.link_to(ticket, record["item"])
        if link is None:
            return [cannot("link", "It is no longer there.")]
        services.unlink_ticket(link, actor=actor, cause=cause)
        return [Undone("link", State.BACK, now=str(link), record={"item": record["item"]})]

    def redo(self, ticket: Ticket, record: Record, *, actor: str, cause: str) -> list[Undone]:
        return [linked_again(ticket, record["item"], actor=actor, cause=cause)]


def linked_again(ticket: Ticket, item: Record, *, actor: str, cause: str) -> Undone:
    """An item that somebody linked meanwhile is as it should be, and not ours to take away."""
    if link := services.link_to(ticket, item):
        return Undone("link", State.BACK, before=str(link), now=str(link))
    link = services.link_ticket(ticket, actor=actor, cause=cause, **item)
    return Undone("link", State.BACK, before=str(link), record={"item": item})
