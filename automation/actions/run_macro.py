from __future__ import annotations

from automation.actions.base import Action, ActionForm, Done, Group, Settings
from automation.actions.fields import ProjectChoiceField
from automation.actions.follow_ups import RunMacro as Run
from feedback.models import Ticket


class RunMacro(Action):
    kind = "run_macro"
    label = "Run a Macro"
    group = Group.MACROS
    sentence = "Run the macro “{macro}”"
    repeatable = True

    class Form(ActionForm):
        macro = ProjectChoiceField(
            "automation.Macro",
            label="Macro",
            help_text="It runs at this place, as a part of the same run: whole or not at all.",
        )

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        return Done(follow_ups=(Run(settings["macro"].pk),))
