from __future__ import annotations

from django import forms

from automation.actions.base import Action, ActionForm, Done, Effect, Even, Group, Record, Settings
from automation.actions.fields import TextField
from feedback import people
from feedback.models import PersonNote, Ticket
from feedback.undo import State, Undone, cannot


class AddNote(Action):
    kind = "add_note"
    label = "Add Note"
    group = Group.SUBMITTER
    sentence = "Note about the submitter: “{body}”"
    repeatable = True

    class Form(ActionForm):
        body = TextField(
            label="Note about the submitter",
            max_length=5_000,
            widget=forms.Textarea(attrs={"rows": 3}),
            help_text="Read by those who work in the project, and never by participants.",
        )

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        note = people.add_note(ticket, settings["body"], actor=actor, cause=cause)
        effect = Effect("Note about the submitter", "", note.body)
        return Done({"note": note.pk}, told="a note about the submitter", effects=(effect,))

    def undo(
        self, ticket: Ticket, record: Record, *, even: Even, actor: str, cause: str
    ) -> list[Undone]:
        note = PersonNote.objects.filter(pk=record["note"], ticket=ticket).first()
        if note is None:
            return [cannot("note", "It is no longer there.")]
        people.remove_note(ticket, note, actor=actor, cause=cause)
        return [Undone("note", State.BACK, now=note.body, record={"body": note.body})]

    def redo(self, ticket: Ticket, record: Record, *, actor: str, cause: str) -> list[Undone]:
        note = people.add_note(ticket, record["body"], actor=actor, cause=cause)
        return [Undone("note", State.BACK, before=note.body, record={"note": note.pk})]
