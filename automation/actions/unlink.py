from __future__ import annotations

from django import forms
from django.db.models import Q

from automation.actions.base import Action, ActionForm, Done, Effect, Even, Group, Record, Settings
from automation.actions.link import SYSTEMS, line, linked_again
from feedback import services
from feedback.models import Ticket
from feedback.undo import State, Undone, cannot

KEPT = ("system", "remote_key", "remote_id", "url")


class Unlink(Action):
    kind = "unlink"
    label = "Unlink"
    group = Group.OUTSIDE
    repeatable = True

    class Form(ActionForm):
        system = forms.ChoiceField(
            label="System", choices=[("", "Any system"), *SYSTEMS], required=False
        )
        remote_key = line(
            "Key or id there", 200, "{{ event.item }}; empty: every link", may_vanish=False
        )

        def clean(self) -> None:
            problem = "Choose a system or name an item: otherwise every link would go."
            self.needs_one_of("system", "remote_key", problem=problem)

    def describe(self, settings: Settings) -> str:
        system = dict(SYSTEMS).get(settings["system"], "")
        if not settings["remote_key"]:
            return f"Remove every link to {system or 'any system'}"
        return f"Remove the link to {settings['remote_key']}" + (f" in {system}" if system else "")

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        name, links = settings["remote_key"], ticket.links.all()
        if settings["system"]:
            links = links.filter(system=settings["system"])
        if name:
            links = links.filter(Q(remote_key__iexact=name) | Q(remote_id__iexact=name))
        removed = [{part: getattr(link, part) for part in KEPT} for link in links]
        for link in links:
            services.unlink_ticket(link, actor=actor, cause=cause)
        effects = tuple(Effect("Link", str(link), "") for link in links)
        return Done({"links": removed} if removed else {}, effects=effects)

    def undo(
        self, ticket: Ticket, record: Record, *, even: Even, actor: str, cause: str
    ) -> list[Undone]:
        by = {"actor": actor, "cause": cause}
        return [linked_again(ticket, item, **by) for item in record["links"]]

    def redo(self, ticket: Ticket, record: Record, *, actor: str, cause: str) -> list[Undone]:
        link = services.link_to(ticket, record["item"])
        if link is None:
            return [cannot("link", "It is no longer there.")]
        services.unlink_ticket(link, actor=actor, cause=cause)
        return [Undone("link", State.BACK, now=str(link), record={"links": [record["item"]]})]
