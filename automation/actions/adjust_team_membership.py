from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from automation.actions.base import Action, ActionForm, Done, Effect, Even, Group, Record, Settings
from automation.actions.fields import ProjectChoiceField
from feedback.models import PersonChange, Team, Ticket
from feedback.people import OPEN_KINDS, join_team, leave_team, restore_membership
from feedback.undo import Undone, cannot

ADD, REMOVE = "add", "remove"


class AdjustTeamMembership(Action):
    """Never of a team of project managers: a macro must not be a way to become one."""

    kind = "adjust_team_membership"
    label = "Adjust Team Membership"
    group = Group.SUBMITTER
    repeatable = True

    class Form(ActionForm):
        change = forms.ChoiceField(
            label="The submitter",
            choices=[(ADD, "Becomes a member"), (REMOVE, "Is a member no more")],
        )
        team = ProjectChoiceField(
            Team,
            label="Of the team",
            offered=Q(kind__in=OPEN_KINDS),
            help_text="Being in a team gives the rights of its kind. Teams of project managers are "
            "not offered: who manages a project is for community managers to say.",
        )

        def clean_team(self) -> Team:
            team: Team = self.cleaned_data["team"]
            if team.kind not in OPEN_KINDS:
                raise ValidationError(
                    f"“{team}” is a team of project managers: who is in it is for community "
                    "managers to say, and not for a macro. Choose a team of another kind."
                )
            return team

    def describe(self, settings: Settings) -> str:
        verb, word = {ADD: ("Add", "to"), REMOVE: ("Remove", "from")}[settings["change"]]
        return f"{verb} the submitter {word} {settings['team']}"

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        if not ticket.submitter.is_active:
            why = f"no team changed, since {ticket.submitted_by} cannot sign in"
            return Done({"inactive": ticket.submitter_id}, why)
        adjust = {ADD: join_team, REMOVE: leave_team}[settings["change"]]
        change = adjust(ticket, settings["team"], actor=actor, cause=cause)
        if change is None:
            return Done()
        told = {ADD: "{} joined {}", REMOVE: "{} left {}"}[settings["change"]]
        return Done(
            {"membership": change.pk},
            told.format(ticket.submitted_by, settings["team"]),
            effects=(Effect("Teams of the submitter", change.before_text, change.after_text),),
        )

    def undo(
        self, ticket: Ticket, record: Record, *, even: Even, actor: str, cause: str
    ) -> list[Undone]:
        if "inactive" in record:
            return []
        change = PersonChange.objects.filter(pk=record["membership"]).first()
        if change is None:
            return [cannot("team membership", "Who it was of is no longer there.")]
        return [restore_membership(ticket, change, actor=actor, cause=cause)]

    def redo(self, ticket: Ticket, record: Record, *, actor: str, cause: str) -> list[Undone]:
        return self.undo(ticket, record, even=(), actor=actor, cause=cause)
