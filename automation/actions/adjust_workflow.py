from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from automation.actions.base import Action, ActionForm, Done, Settings, changed
from automation.actions.fields import ProjectChoiceField
from feedback.models import Status, Team, Ticket, Workflow
from feedback.services import change_ticket


class AdjustWorkflow(Action):
    kind = "adjust_workflow"
    label = "Adjust Workflow"

    class Form(ActionForm):
        team = ProjectChoiceField(Team, label="Team", required=False)
        workflow = ProjectChoiceField(
            Workflow,
            label="Workflow",
            required=False,
            help_text="Left as it is, the status is the one of that name in the ticket's own "
            "workflow; with the status left as it is, the one of its name in this workflow.",
        )
        status = ProjectChoiceField(Status, label="Status", required=False)

        def clean(self) -> None:
            workflow, status = (self.cleaned_data.get(name) for name in ("workflow", "status"))
            if workflow and status and status.workflow != workflow:
                self.add_error("status", f"“{status}” is not a status of {workflow}.")
            self.needs_one_of(
                *("team", "workflow", "status"),
                problem="Choose a team, a workflow or a status: all three are left as they are.",
            )

    def describe(self, settings: Settings) -> str:
        team, workflow, status = (settings[name] for name in ("team", "workflow", "status"))
        if not (workflow or status):
            return f"Let {team} own it"
        to = f"“{status}”" if status else "the status of the same name"
        within, owned = f" in {workflow}" if workflow else "", f", owned by {team}" if team else ""
        return f"Move to {to}{within}{owned}"

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        moves: dict[str, Any] = {"team": settings["team"]} if settings["team"] else {}
        if settings["workflow"] or settings["status"]:
            moves["status"] = _status(ticket, settings["workflow"], settings["status"])
        return changed(change_ticket(ticket, actor=actor, cause=cause, **moves))


def _status(ticket: Ticket, workflow: Workflow | None, status: Status | None) -> Status:
    """What is left as it is stays: the ticket's workflow, or the name of its status."""
    workflow = workflow or ticket.status.workflow
    wanted = status or ticket.status
    if wanted.workflow_id == workflow.pk:
        return wanted
    found = workflow.statuses.filter(name__iexact=wanted.name, archived=False).first()
    if found is None:
        raise ValidationError(
            f"{workflow} has no status “{wanted}” that is in use: choose a workflow and one of "
            "its statuses."
        )
    return found
