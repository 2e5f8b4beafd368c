from __future__ import annotations

from automation.actions.base import Action, ActionForm, Done, ProjectChoiceField, Settings, changed
from feedback.models import Status, Team, Ticket, Workflow
from feedback.services import change_ticket


class AdjustWorkflow(Action):
    kind = "adjust_workflow"
    label = "Adjust Workflow"
    sentence = "Move to “{status}” in {workflow}, owned by {team}"

    class Form(ActionForm):
        team = ProjectChoiceField(Team, label="Team")
        workflow = ProjectChoiceField(Workflow, label="Workflow")
        status = ProjectChoiceField(Status, label="Status")

        def clean(self) -> None:
            workflow, status = (self.cleaned_data.get(name) for name in ("workflow", "status"))
            if workflow and status and status.workflow != workflow:
                self.add_error("status", f"“{status}” is not a status of {workflow}.")

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        moves = {name: settings[name] for name in ("team", "status") if settings[name]}
        return changed(change_ticket(ticket, actor=actor, cause=cause, **moves))
