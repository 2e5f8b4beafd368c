from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction

from automation.expressions import check_expression
from automation.listener_fields import ExpressionArea, NeedySelect, SenderSelect, StatusesField
from automation.listener_versions import keep_listener
from automation.listener_when import COMMENT, READ_BY, STATUS, default_when, told, told_by, why_not
from automation.models import ExternalListener, StatusRow
from automation.senders import SENDERS, sender_choices
from automation.senders.base import Sender
from automation.status_table import StatusTableField, as_rows, listed, not_waited_for
from feedback.models import Exposure

Type, When, Several = ExternalListener.Type, ExternalListener.When, ExternalListener.Several

# What is asked of one type of listener only; of the others it is not kept.
OF_TYPE = {
    Type.MACRO: ("macro", "status_table", "protected_statuses"),
    Type.COMMENT: ("comment_exposure",),
    Type.CUSTOM_DATA: ("data_name", "data_expression"),
}
LEFT_OUT: dict[str, Any] = {
    "macro": None,
    "status_table": [],
    "protected_statuses": [],
    "comment_exposure": Exposure.INTERNAL.value,
    "data_name": "",
    "data_expression": "",
}
BRAKE = ("most_tickets", "within_minutes")
EXPRESSIONS = ("reference_expression", "event_expression", "status_expression", "condition")


class ListenerForm(forms.ModelForm):
    """All rules about a listener: pages, REST and files go through it."""

    status_table = StatusTableField(required=False)
    protected_statuses = StatusesField(
        required=False, help_text="The listener does not move a ticket out of these."
    )
    new_secret = forms.CharField(
        label="Secret",
        max_length=200,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    remove_secret = forms.BooleanField(label="Remove the secret", required=False)

    class Meta:
        model = ExternalListener
        fields = [
            "name",
            "key",
            "sender",
            "filter",
            "type",
            "macro",
            "status_table",
            "protected_statuses",
            "comment_exposure",
            "data_name",
            "data_expression",
            "when",
            "when_status",
            *EXPRESSIONS,
            "several",
            *BRAKE,
            "new_secret",
            "remove_secret",
            "description",
            "enabled",
        ]
        widgets = {
            "sender": SenderSelect,
            "type": NeedySelect,
            "when": NeedySelect,
            **{name: ExpressionArea(name) for name in ("data_expression", *EXPRESSIONS)},
            "description": forms.Textarea(attrs={"rows": 2}),
        }
        labels = {"type": "Listener Type", "macro": "Feedback Macro", "enabled": "On"}
        help_texts = {
            "name": "Only your own team sees it.",
            "macro": "With a status table: what runs where no row of it matches.",
            "when_status": "The status over there, such as Done. Several: separate them by commas. "
            "category:done stands for any status of that category of Jira's, in whatever language.",
            "enabled": "",
        }

    choices = {
        "sender": sender_choices(),
        "type": Type.choices,
        "comment_exposure": Exposure.choices,
        "when": When.choices,
        "several": Several.choices,
    }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._offer("filter", self.instance.feedback_type.saved_filters, "No filter")
        self._offer("macro", self.instance.feedback_type.macros, "No macro")
        self._offer_in_table()
        for name, choices in self.choices.items():
            field: Any = self.fields[name]
            field.choices = choices
        for name in ("name", "key", "data_name"):
            self.fields[name].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}
        for name in ("key", "data_name"):
            self.fields[name].widget.attrs["autocapitalize"] = "none"
        for name in ("data_expression", *EXPRESSIONS):
            self.fields[name].validators.append(check_expression)
        for name in ("comment_exposure", "when", "several", *BRAKE):
            self.fields[name].required = False  # what is left out follows from the rest
        if self.instance.pk is None:
            self._set_defaults()
        else:
            self.fields["key"].help_text = "Changing it breaks the URL that is in use."

    def _offer(self, name: str, rows: Any, empty_label: str) -> None:
        """Of the listener's own type; what is archived only where it was chosen."""
        field: Any = self.fields[name]
        chosen = getattr(self.instance, f"{name}_id")
        field.queryset = rows.filter(archived=False) | rows.filter(pk=chosen)
        field.empty_label = empty_label

    def _offer_in_table(self) -> None:
        rows = list(self.instance.status_rows.all()) if self.instance.pk else []
        self.initial["status_table"] = as_rows(rows)
        chosen = {row.macro_id for row in rows}
        macros = self.instance.feedback_type.macros.all()
        table: Any = self.fields["status_table"]
        table.offer(macro for macro in macros if not macro.archived or macro.pk in chosen)
        statuses: Any = self.fields["protected_statuses"]
        statuses.offer(self.instance.project, self.initial.get("protected_statuses", ()))

    def offer_archived(self) -> None:
        """What is archived too, as a file may name it."""
        kind = self.instance.feedback_type
        fields: dict[str, Any] = self.fields
        fields["filter"].queryset = kind.saved_filters.all()
        fields["macro"].queryset = kind.macros.all()
        fields["status_table"].offer(kind.macros.all())
        fields["protected_statuses"].offer(self.instance.project, (), archived=True)

    def _set_defaults(self) -> None:
        sender = next(iter(SENDERS.values()))
        self.initial.update(sender=sender.slug, when=default_when(sender))
        macros = self.instance.feedback_type.macros.filter(archived=False)[:2]
        if len(macros) == 1:
            self.initial["macro"] = macros[0].pk

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"].lower()
        others = self.instance.project.listeners.exclude(pk=self.instance.pk)
        taken = others.filter(key__iexact=key).select_related("feedback_type").first()
        if taken:
            raise ValidationError(
                f"The key “{key}” is taken by listener “{taken}” of {taken.feedback_type}. "
                "Choose another one: a key is used once in a project."
            )
        return key

    def clean_data_name(self) -> str:
        return str(self.cleaned_data["data_name"]).lower()

    def clean_comment_exposure(self) -> str:
        return self.cleaned_data["comment_exposure"] or Exposure.INTERNAL.value

    def clean_several(self) -> str:
        return self.cleaned_data["several"] or Several.ALL.value

    def clean_most_tickets(self) -> int:
        return self._or_default("most_tickets")

    def clean_within_minutes(self) -> int:
        minutes = self._or_default("within_minutes")
        if not minutes:
            raise ValidationError("Give at least one minute.")
        return minutes

    def _or_default(self, name: str) -> int:
        given, field = self.cleaned_data[name], ExternalListener._meta.get_field(name)
        return int(field.get_default() if given is None else given)  # type: ignore[union-attr]

    def clean(self) -> None:
        sender = SENDERS.get(self.cleaned_data.get("sender", ""))
        listener_type = self.cleaned_data.get("type")
        self._leave_out_other_types(listener_type)
        if sender and listener_type == Type.COMMENT and COMMENT not in told_by(sender):
            self.add_error(
                "type",
                f"{sender.label} does not tell comments: choose another listener type.",
            )
        self._clean_when(sender, listener_type)
        if listener_type == Type.MACRO:
            self._check_table(sender)
            self._check_macro()
        if self.cleaned_data.get("new_secret") and self.cleaned_data.get("remove_secret"):
            self.add_error("new_secret", "Enter a new secret or remove the old one, not both.")

    def _leave_out_other_types(self, listener_type: str | None) -> None:
        """What the page does not show for this type is neither kept nor found wrong."""
        if listener_type is None:
            return
        for other, names in OF_TYPE.items():
            for name in names if other != listener_type else ():
                self.errors.pop(name, None)
                self.cleaned_data[name] = LEFT_OUT[name]

    def _clean_when(self, sender: Sender | None, listener_type: str | None) -> None:
        when = self.cleaned_data.get("when")
        if listener_type == Type.COMMENT:
            self.errors.pop("when", None)
            when = self.cleaned_data["when"] = When.COMMENTED.value
        elif "when" not in self.errors and not when:
            self.add_error("when", "Choose which requests count.")
        elif sender and when and (why := why_not(when, self._told(sender), self._teller(sender))):
            self.add_error("when", why)
        self._clean_status(when)

    def _clean_status(self, when: str | None) -> None:
        if when != When.STATUS_CHANGED_TO:
            self.errors.pop("when_status", None)
            self.cleaned_data["when_status"] = ""
            return
        given = self.cleaned_data["when_status"] = listed(self.cleaned_data.get("when_status", ""))
        if not given and "when_status" not in self.errors:
            self.add_error(
                "when_status", "Enter the status over there, exactly as the tracker calls it."
            )

    def _check_table(self, sender: Sender | None) -> None:
        rows = self.cleaned_data.get("status_table")
        if not rows:
            return
        if sender and STATUS not in self._told(sender):
            self.add_error(
                "status_table",
                f"{sender.label} does not tell a status: enter a status expression, or remove the "
                "rows.",
            )
        elif wanted := self.cleaned_data.get("when_status"):
            for problem in not_waited_for(rows, wanted):
                self.add_error("status_table", problem)

    def _check_macro(self) -> None:
        rows = self.cleaned_data.get("status_table", ())
        decided = self.cleaned_data.get("macro") or any(row.macro for row in rows)
        if not decided and not self.errors.keys() & {"macro", "status_table"}:
            self.add_error(
                "macro", "Choose a macro, here or in a row of the status table: else nothing runs."
            )

    def _told(self, sender: Sender) -> frozenset[str]:
        return told(
            sender,
            by_event=self._is_given("event_expression"),
            by_status=self._is_given("status_expression"),
        )

    def _teller(self, sender: Sender) -> str:
        used = any(map(self._is_given, READ_BY))
        return f"{sender.label} with your expressions" if used else sender.label

    def _is_given(self, name: str) -> bool:
        """Whether there is something in the field, be it right or wrong."""
        return name in self.errors or bool(self.cleaned_data.get(name))

    @transaction.atomic
    def save(self, commit: bool = True, *, actor: str = "") -> ExternalListener:
        """The listener with its rows: the update of its row keeps other writers out meanwhile."""
        if self.cleaned_data["remove_secret"]:
            self.instance.secret = ""
        self.instance.secret = self.cleaned_data["new_secret"] or self.instance.secret
        listener: ExternalListener = super().save(commit)
        rows = self.cleaned_data["status_table"]
        if as_rows(rows) != self.initial["status_table"]:
            listener.status_rows.all().delete()
            for row in rows:
                row.listener = listener
            StatusRow.objects.bulk_create(rows)
        keep_listener(listener, actor=actor, always=bool(self.cleaned_data["new_secret"]))
        return listener
