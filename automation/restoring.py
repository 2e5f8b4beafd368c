"""Macros and listeners as an earlier version had them, checked as if somebody entered that now."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from automation.listener_form import ListenerForm
from automation.macro_secrets import with_secrets_now, without_secrets
from automation.macros import save_macro
from automation.models import ExternalListener, Macro
from feedback.models import FeedbackType, Version
from feedback.versions import Content, values_of, write_content


@transaction.atomic
def restore_macro(macro: Macro, version: Version, *, actor: str) -> Macro:
    """Raises ValidationError for what no longer fits."""
    own = Macro.objects.select_related("feedback_type__project")
    macro = own.select_for_update(of=("self",)).get(pk=macro.pk)
    write_content(macro, version.content)
    was = [(each["kind"], each["params"]) for each in version.content["actions"]]
    return save_macro(macro, with_secrets_now(macro, was), actor=actor)


@transaction.atomic
def restore_listener(
    listener: ExternalListener, version: Version, *, actor: str
) -> ExternalListener:
    """Its secret stays as it is. Raises ValidationError for what no longer fits."""
    own = ExternalListener.objects.select_related("project", "feedback_type__project")
    listener = own.select_for_update(of=("self",)).get(pk=listener.pk)
    given = {**values_of(listener), **version.content}
    return _saved(listener, given, actor)


def remake_macro(kind: FeedbackType, version: Version, *, actor: str) -> Macro:
    """A new one as ``version`` had it; its secrets may be entered later."""
    macro = Macro(feedback_type=kind)
    write_content(macro, version.content)
    was = [(each["kind"], each["params"]) for each in version.content["actions"]]
    return save_macro(macro, without_secrets(was), wholly=False, actor=actor)


def remake_listener(kind: FeedbackType, version: Version, *, actor: str) -> ExternalListener:
    """A new one as ``version`` had it; off where it had a secret, which is to be entered first."""
    listener = ExternalListener(project=kind.project, feedback_type=kind)
    given = {**version.content}
    if given.get("has_secret"):
        given["enabled"] = False
    return _saved(listener, given, actor)


def _saved(listener: ExternalListener, given: Content, actor: str) -> ExternalListener:
    write_content(
        listener, {name: given[name] for name in given if name not in ListenerForm.base_fields}
    )
    form = ListenerForm(given, instance=listener)
    form.offer_archived()
    if not form.is_valid():
        raise ValidationError(_sentences(form))
    return form.save(actor=actor)


def _sentences(form: ListenerForm) -> list[str]:
    return [
        f"{_label(form, name)}{' '.join(map(str, problems))}"
        for name, problems in form.errors.items()
    ]


def _label(form: Any, name: str) -> str:
    return f"{form[name].label}: " if name in form.fields else ""
