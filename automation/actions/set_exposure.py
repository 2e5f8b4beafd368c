from __future__ import annotations

from django import forms

from automation.actions.base import Action, ActionForm, Done, Settings, changed
from feedback.models import Exposure, Ticket
from feedback.services import change_ticket


class SetExposure(Action):
    kind = "set_exposure"
    label = "Set Exposure"
    sentence = "Make it {exposure}"

    class Form(ActionForm):
        exposure = forms.ChoiceField(
            label="Who sees the ticket",
            choices=[
                (Exposure.PUBLIC.value, "Public: everybody in the project"),
                (Exposure.INTERNAL.value, "Internal: not participants, other than its submitter"),
            ],
        )

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        return changed(
            change_ticket(ticket, actor=actor, cause=cause, exposure=settings["exposure"])
        )
