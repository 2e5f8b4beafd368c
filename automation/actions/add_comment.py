from __future__ import annotations

from django import forms

from automation.actions.base import Action, ActionForm, Done, Effect, Even, Record, Settings
from automation.actions.fields import TextField
from feedback import services
from feedback.models import Exposure, Ticket
from feedback.undo import State, Undone, cannot


class AddComment(Action):
    kind = "add_comment"
    label = "Add Comment"
    sentence = "Add the {exposure} comment “{body}”"
    repeatable = True

    class Form(ActionForm):
        body = TextField(
            label="Comment", max_length=10_000, widget=forms.Textarea(attrs={"rows": 4})
        )
        exposure = forms.ChoiceField(
            label="Who sees it", choices=Exposure.choices, initial=Exposure.PUBLIC
        )

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        comment = services.add_comment(
            ticket,
            body=settings["body"],
            exposure=settings["exposure"],
            actor=actor,
            cause=cause,
        )
        return Done(
            {"comment": comment.pk},
            told="a comment added",
            effects=(Effect(f"{comment.get_exposure_display()} comment", "", comment.body),),
        )

    def undo(
        self, ticket: Ticket, record: Record, *, even: Even, actor: str, cause: str
    ) -> list[Undone]:
        comment = ticket.comments.filter(pk=record["comment"]).first()
        if comment is None:
            return [cannot("comment", "It is no longer there.")]
        was = {"body": comment.body, "exposure": comment.exposure}
        services.remove_comment(comment, actor=actor, cause=cause)
        return [Undone("comment", State.BACK, now=comment.body, record=was)]

    def redo(self, ticket: Ticket, record: Record, *, actor: str, cause: str) -> list[Undone]:
        comment = services.add_comment(ticket, **record, actor=actor, cause=cause)
        again = {"comment": comment.pk}
        return [Undone("comment", State.BACK, before=comment.body, record=again)]
