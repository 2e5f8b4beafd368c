from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping

from django import forms
from django.core.exceptions import ValidationError

from automation.actions.base import Action, ActionForm, Done, Effect, Group, Settings
from automation.actions.fields import SecretField, TextField
from automation.actions.follow_ups import Call
from automation.actions.web import AddressField, HeadersField, headers_in, origin_of
from automation.expressions import check_expression
from automation.variables import names_in
from feedback.models import FeedbackType, Ticket
from rest.nearest import nearest

METHODS = ("POST", "PUT", "PATCH", "DELETE", "GET")
KEEP = re.compile(r"([a-z][a-z0-9]*(?:_[a-z0-9]+)*)\s*=\s*(\S.*)")
MOST_KEPT = 20
# What carries a secret by its name: what is written there is shown to whoever opens the macro.
CREDENTIALS = {
    *("authorization", "proxy-authorization", "cookie", "private-token"),
    *("api-key", "x-api-key", "x-auth-token"),
}
SECRET = re.compile(r'([A-Za-z][\w-]* +)?([\w-]+=)?("?)\{\{ *secret *\}\}\3')
OWN = ("secret",)


class CallWebhook(Action):
    kind = "call_webhook"
    label = "Call a Webhook"
    group = Group.OUTSIDE
    repeatable = True
    not_undoable = "A call that was made cannot be called back."

    class Form(ActionForm):
        method = forms.ChoiceField(label="Method", choices=[(each, each) for each in METHODS])
        url = AddressField(
            label="URL",
            max_length=2_000,
            own=OWN,
            help_text="Such as https://chat.example.com/hooks/{{ secret }}.",
        )
        headers = HeadersField(
            label="Headers",
            required=False,
            max_length=10_000,
            own=OWN,
            widget=forms.Textarea(attrs={"rows": 3}),
            help_text="One a line, such as Authorization: Bearer {{ secret }}.",
        )
        secret = SecretField(
            label="Secret",
            max_length=2_000,
            goes_to=lambda params: origin_of(str(params.get("url", ""))),
            help_text="What {{ secret }} stands for. It is never shown, and is kept for this host "
            "alone: enter it anew when the host changes.",
        )
        body = TextField(
            label="Body",
            required=False,
            max_length=50_000,
            own=OWN,
            widget=forms.Textarea(attrs={"rows": 6}),
            help_text="In JSON, write texts as {{ ticket.summary|json }}, without quotation marks.",
        )
        keep = forms.CharField(
            label="Keep of the answer",
            required=False,
            max_length=5_000,
            widget=forms.Textarea(attrs={"rows": 2}),
            help_text="A line for each form field of the ticket: its key, = and a JMESPath "
            "expression over the answer, such as severity = issue.priority.",
        )

        def clean_keep(self) -> str:
            kept = kept_by(self.cleaned_data["keep"])
            if kept:
                _check_fields(kept, self.feedback_type)
            return "\n".join(f"{field} = {expression}" for field, expression in kept.items())

        def clean_headers(self) -> str:
            headers: str = self.cleaned_data["headers"]
            for name, value in headers_in(headers):
                if name.lower() in CREDENTIALS and not SECRET.fullmatch(value):
                    raise ValidationError(
                        f"The value of {name} would be shown to whoever opens this macro: write "
                        "{{ secret }} in its place, as in Bearer {{ secret }}, and the value "
                        "itself below."
                    )
            return headers

        def clean(self) -> None:
            texts = (self.cleaned_data.get(name) or "" for name in ("url", "headers", "body"))
            uses = any(map(uses_secret, texts))
            url = self.cleaned_data.get("url", "")
            if (uses or self.has("secret")) and url and not origin_of(url):
                self.add_error(
                    "url",
                    "A secret goes to a fixed host only: begin the address with https:// and the "
                    "name of the host, without variables up to there.",
                )
            if self.has("secret") and not uses and not self.errors:
                self.add_error("secret", "Nothing uses it: write {{ secret }} where it belongs.")

    def lacks(self, settings: Settings) -> dict[str, str]:
        texts = (settings[name] for name in ("url", "headers", "body"))
        if settings["secret"] or not any(map(uses_secret, texts)):
            return {}
        return {"secret": "Enter what {{ secret }} stands for: it is not kept here."}

    def keys(self, settings: Settings) -> Collection[str]:
        return kept_by(settings["keep"])

    def describe(self, settings: Settings) -> str:
        where = origin_of(settings["url"]) or settings["url"][:60]
        kept = ", ".join(self.keys(settings))
        keeping = f", keeping {kept} of its answer" if kept else ""
        return f"{settings['method']} to {where}{keeping}"

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        secret = settings["secret"]
        call = Call(
            settings["method"],
            settings["url"],
            _with_type(settings["headers"], settings["body"]),
            settings["body"],
            kept_by(settings["keep"]),
            (secret,) if secret else (),
        )
        where = origin_of(settings["url"])
        effect = Effect("Call", "", f"{call.method} {where}")
        return Done({"call": where}, f"a call to {where}", (call,), (effect,))


def uses_secret(text: str) -> bool:
    return "secret" in text and "secret" in names_in(text)


def kept_by(text: str) -> dict[str, str]:
    """JMESPath expressions by the field that keeps what they find; raises ValidationError."""
    kept: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        match = KEEP.fullmatch(line)
        if match is None:
            raise ValidationError(f"“{line[:60]}” is no line such as severity = issue.priority.")
        field, expression = match[1], match[2].strip()
        if field in kept:
            raise ValidationError(f"{field} stands there twice.")
        check_expression(expression)
        kept[field] = expression
    if len(kept) > MOST_KEPT:
        raise ValidationError(f"Keep at most {MOST_KEPT} values.")
    return kept


def _check_fields(keys: Iterable[str], feedback_type: FeedbackType) -> None:
    known = [field.key for field in feedback_type.fields]
    for key in keys:
        if key not in known:
            raise ValidationError(
                f"{feedback_type} has no form field “{key[:100]}” that could keep anything."
                f"{nearest(key, known)}"
            )


def _with_type(headers: Mapping[str, str], body: str) -> Mapping[str, str]:
    """With a Content-Type where there is a body; raises ValidationError for JSON that is none."""
    given = {name.lower(): value for name, value in headers.items()}.get("content-type")
    looks_like_json = body[:1] in ("{", "[")
    kind = given or ("application/json" if looks_like_json else "text/plain; charset=utf-8")
    if body and "json" in kind.lower():
        _check_json(body)
    return headers if given or not body else {**headers, "Content-Type": kind}


def _check_json(body: str) -> None:
    try:
        json.loads(body)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ValidationError(
            f"The body became no JSON{where}: write texts as "
            "{{ ticket.summary|json }}, without quotation marks around them."
        ) from error
