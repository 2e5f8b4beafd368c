from __future__ import annotations

from django import forms

from automation.actions.base import Action, ActionForm, Record, Settings
from feedback import services
from feedback.models import Exposure, Ticket


class AddComment(Action):
    kind = "add_comment"
    label = "Add Comment"
    sentence = "Add the {exposure} comment “{body}”"

    class Form(ActionForm):
        body = forms.CharField(
            label="Comment", max_length=10_000, widget=forms.Textarea(attrs={"rows": 4})
        )
        exposure = forms.ChoiceField(
            label="Who sees it", choices=Exposure.choices, initial=Exposure.PUBLIC
        )

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Record:
        comment = services.add_comment(
            ticket,
            body=settings["body"],
            exposure=settings["exposure"],
            actor=actor,
            cause=cause,
        )
        return {"comment": comment.pk}
