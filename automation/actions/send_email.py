from __future__ import annotations

from collections.abc import Iterator

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from automation.actions.base import Action, ActionForm, Done, Effect, Even, Group, Record, Settings
from automation.actions.fields import LineField, TextField, split_names
from automation.actions.follow_ups import Mail
from feedback.models import Ticket
from feedback.undo import Undone

SUBMITTER, TEAM = "submitter", "team"
WHOM = {SUBMITTER: "The submitter", TEAM: "The members of the responsible team"}
EACH, DIGEST = "each", "digest"
MOST_ADDRESSES = 20
MOST_MAILS = 100
NAMED = 5  # of those who get none


class SendEmail(Action):
    kind = "send_email"
    label = "Send E-mail"
    group = Group.OUTSIDE
    repeatable = True
    not_undoable = "A mail that left cannot be called back."

    class Form(ActionForm):
        to = forms.MultipleChoiceField(
            label="To",
            choices=[*WHOM.items()],
            required=False,
            widget=forms.CheckboxSelectMultiple,
        )
        addresses = forms.CharField(
            label="Other addresses",
            required=False,
            max_length=2_000,
            widget=forms.Textarea(attrs={"rows": 2}),
            help_text="One a line. Each gets a mail of its own.",
        )
        subject = LineField(label="Subject", max_length=200, widget=forms.TextInput)
        text = TextField(label="Text", max_length=10_000, widget=forms.Textarea(attrs={"rows": 6}))
        sending = forms.ChoiceField(
            label="In a bulk run",
            choices=[(EACH, "A mail for each ticket"), (DIGEST, "One mail for all tickets")],
            initial=EACH,
        )

        def clean_addresses(self) -> str:
            addresses = split_names(self.cleaned_data["addresses"])
            if len(addresses) > MOST_ADDRESSES:
                raise ValidationError(f"Give at most {MOST_ADDRESSES} addresses.")
            for address in addresses:
                _check(address)
            return "\n".join(addresses)

        def clean(self) -> None:
            problem = "Choose to whom the mail goes, or enter an address."
            self.needs_one_of("to", "addresses", problem=problem)

    def describe(self, settings: Settings) -> str:
        whom = [WHOM[each].lower() for each in settings["to"]]
        whom += split_names(settings["addresses"])
        bulk = "; in a bulk run one mail for all tickets" if settings["sending"] == DIGEST else ""
        return f"Mail “{settings['subject']}” to {', '.join(whom)}{bulk}"

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        people = [*_people(ticket, settings["to"])]
        without = [person for person in people if not (person.is_active and person.email)]
        addresses = [person.email for person in people if person not in without]
        addresses += split_names(settings["addresses"])
        to = tuple({address.casefold(): address for address in addresses}.values())
        if len(to) > MOST_MAILS:
            raise ValidationError(f"It would go to {len(to):,} people: at most {MOST_MAILS}.")
        told = _told(len(to), without)
        if not to:
            return Done({"mails": 0}, told)
        mail = Mail(to, settings["subject"], settings["text"], settings["sending"] == DIGEST)
        effect = Effect("Mail", "", f"“{mail.subject}” to {', '.join(to)}")
        return Done({"mails": len(to)}, told, (mail,), (effect,))

    def undo(
        self, ticket: Ticket, record: Record, *, even: Even, actor: str, cause: str
    ) -> list[Undone]:
        return (
            super().undo(ticket, record, even=even, actor=actor, cause=cause)
            if record["mails"]
            else []
        )


def _check(address: str) -> None:
    try:
        validate_email(address)
    except ValidationError as error:
        raise ValidationError(f"“{address[:100]}” is no e-mail address.") from error


def _people(ticket: Ticket, to: list[str]) -> Iterator[User]:
    """Each of them once: whoever submitted the ticket may be in its team too."""
    if SUBMITTER in to:
        yield ticket.submitter
    if TEAM in to and ticket.team:
        members = ticket.team.members.order_by("pk")
        others = members.exclude(pk=ticket.submitter_id) if SUBMITTER in to else members
        yield from others[: MOST_MAILS + 1]


def _told(count: int, without: list[User]) -> str:
    """“mail to 2 people (sam has no address)”."""
    mails = {0: "no mail", 1: "mail to 1 person"}.get(count, f"mail to {count} people")
    why = [
        f"{person.get_username()} {'has no address' if person.is_active else 'is inactive'}"
        for person in without[:NAMED]
    ]
    if len(without) > NAMED:
        why.append(f"{len(without) - NAMED} more get none either")
    if not (count or why):
        why.append("there is nobody to send it to")
    return f"{mails} ({', '.join(why)})" if why else mails
