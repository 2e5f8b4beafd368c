from __future__ import annotations

from automation.actions.base import Action, ActionForm, Done, Settings, changed
from automation.actions.fields import YesNoField
from feedback.models import Ticket
from feedback.services import change_ticket


class SetBlocking(Action):
    kind = "set_blocking"
    label = "Set Blocking"

    class Form(ActionForm):
        blocking = YesNoField(
            "Blocking",
            "Not blocking",
            label="The ticket is",
            help_text="A blocking ticket keeps its submitter from testing on.",
        )

    def describe(self, settings: Settings) -> str:
        return "Mark as blocking" if settings["blocking"] else "Mark as not blocking"

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        return changed(
            change_ticket(ticket, actor=actor, cause=cause, blocking=settings["blocking"])
        )
