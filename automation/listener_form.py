from __future__ import annotations

from typing import Any

import jmespath
from django import forms
from django.core.exceptions import ValidationError
from jmespath.exceptions import (
    ArityError,
    EmptyExpressionError,
    JMESPathError,
    ParseError,
    UnknownFunctionError,
)

from automation.models import ExternalListener
from automation.senders import SENDERS, sender_choices
from automation.senders.base import Sender

When = ExternalListener.When

# What a sender must be able to tell, for a listener to wait for it.
TOLD_BY = {
    When.ANY: "",
    When.STATUS_CHANGED: "status_changed",
    When.STATUS_CHANGED_TO: "status_changed",
    When.CREATED: "created",
    When.COMMENTED: "commented",
}


def offered_when(sender: Sender) -> list[ExternalListener.When]:
    return [when for when, kind in TOLD_BY.items() if not kind or kind in sender.kinds]


def default_when(sender: Sender) -> ExternalListener.When:
    told = When.STATUS_CHANGED in offered_when(sender) and not sender.chosen_there
    return When.STATUS_CHANGED if told else When.ANY


class SenderSelect(forms.Select):
    """Each sender with what its choice changes in the rest of the form."""

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(*args, **kwargs)
        if sender := SENDERS.get(str(option["value"])):
            option["attrs"] |= {
                "data-placeholder": sender.placeholder,
                "data-when": " ".join(offered_when(sender)),
                "data-default-when": default_when(sender),
            }
        return option


class ListenerForm(forms.ModelForm):
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
            "when",
            "when_status",
            "condition",
            "reference_expression",
            "new_secret",
            "remove_secret",
            "description",
            "enabled",
        ]
        widgets = {
            "sender": SenderSelect,
            "condition": forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
            "reference_expression": forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
            "description": forms.Textarea(attrs={"rows": 2}),
        }
        labels = {
            "type": "Listener Type",
            "macro": "Feedback Macro",
            "reference_expression": "Reference expression",
        }
        help_texts = {"name": "Only your own team sees it.", "enabled": ""}

    choices = {
        "sender": sender_choices(),
        "type": ExternalListener.Type.choices,
        "when": When.choices,
    }
    basics = ("name", "key", "sender", "filter", "type", "macro", "when")
    advanced = ("condition", "reference_expression", "description")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._offer("filter", self.instance.feedback_type.saved_filters, "No filter")
        self._offer("macro", self.instance.feedback_type.macros, "Choose …")
        for name, choices in self.choices.items():
            field: Any = self.fields[name]
            field.choices = choices
        for name in ("name", "key"):
            self.fields[name].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}
        self.fields["key"].widget.attrs["autocapitalize"] = "none"
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

    def _set_defaults(self) -> None:
        sender = next(iter(SENDERS.values()))
        self.initial.update(sender=sender.slug, when=default_when(sender))
        macros = self.instance.feedback_type.macros.filter(archived=False)[:2]
        if len(macros) == 1:
            self.initial["macro"] = macros[0].pk

    def basic_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.basics]

    def advanced_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.advanced]

    @property
    def advanced_open(self) -> bool:
        """Something in there was set, or is wrong."""
        names = (*self.advanced, "new_secret", "remove_secret")
        used = any(getattr(self.instance, name) for name in self.advanced)
        return used or bool(self.instance.secret) or any(name in self.errors for name in names)

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

    def clean_condition(self) -> str:
        return compiled(self.cleaned_data["condition"])

    def clean_reference_expression(self) -> str:
        return compiled(self.cleaned_data["reference_expression"])

    def clean(self) -> None:
        sender = SENDERS.get(self.cleaned_data.get("sender", ""))
        when = self.cleaned_data.get("when")
        if sender and when and when not in offered_when(sender):
            told = ", ".join(f"“{choice.label}”" for choice in offered_when(sender))
            self.add_error("when", f"{sender.label} does not tell that. Choose one of {told}.")
        self._clean_status(when)
        if self.cleaned_data.get("new_secret") and self.cleaned_data.get("remove_secret"):
            self.add_error("new_secret", "Enter a new secret or remove the old one, not both.")

    def _clean_status(self, when: str | None) -> None:
        if when != When.STATUS_CHANGED_TO:
            self.cleaned_data["when_status"] = ""
            return
        names = self.cleaned_data.get("when_status", "").split(",")
        given = ", ".join(filter(None, map(str.strip, names)))
        self.cleaned_data["when_status"] = given
        if not given and "when_status" not in self.errors:
            self.add_error(
                "when_status", "Enter the status over there, exactly as the tracker calls it."
            )

    def save(self, commit: bool = True) -> ExternalListener:
        if self.cleaned_data["remove_secret"]:
            self.instance.secret = ""
        self.instance.secret = self.cleaned_data["new_secret"] or self.instance.secret
        return super().save(commit)


def compiled(expression: str) -> str:
    """``expression``, if JMESPath understands it; raises ValidationError that says where not."""
    if not expression:
        return ""
    try:
        jmespath.compile(expression).search({})
    except EmptyExpressionError:
        raise ValidationError("The expression is empty.") from None
    except (UnknownFunctionError, ArityError) as error:
        raise ValidationError(f"This is no JMESPath expression: {error}.") from None
    except ParseError as error:
        raise ValidationError(_parse_problem(error)) from None
    except RecursionError:
        raise ValidationError("The expression is nested too deeply.") from None
    except JMESPathError:
        pass  # only that an empty body does not suit it
    return expression


def _parse_problem(error: ParseError) -> str:
    position = error.lex_position + 1
    found = f"“{error.token_value}”" if error.token_value else "the end"
    return (
        f"This is no JMESPath expression: {found} at position {position} does not fit. "
        "Names with other characters than letters, digits and _ need double quotes."
    )
