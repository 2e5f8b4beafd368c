from __future__ import annotations

from automation.actions.add_comment import AddComment
from automation.actions.add_note import AddNote
from automation.actions.add_tags import AddTags
from automation.actions.adjust_score import AdjustScore
from automation.actions.adjust_team_membership import AdjustTeamMembership
from automation.actions.adjust_workflow import AdjustWorkflow
from automation.actions.base import Action
from automation.actions.call_webhook import CallWebhook
from automation.actions.link import Link
from automation.actions.remove_tags import RemoveTags
from automation.actions.run_macro import RunMacro
from automation.actions.send_email import SendEmail
from automation.actions.set_blocking import SetBlocking
from automation.actions.set_exposure import SetExposure
from automation.actions.set_field import SetField
from automation.actions.unlink import Unlink

# In this order, group by group, they stand on the macro's page, and run.
ACTIONS: dict[str, Action] = {
    action.kind: action
    for action in (
        AdjustWorkflow(),
        SetField(),
        SetBlocking(),
        SetExposure(),
        AddTags(),
        RemoveTags(),
        AddComment(),
        AdjustScore(),
        AddNote(),
        AdjustTeamMembership(),
        Link(),
        Unlink(),
        SendEmail(),
        CallWebhook(),
        RunMacro(),
    )
}


def action_choices() -> list[tuple[str, str]]:
    return [(action.kind, action.label) for action in ACTIONS.values()]
