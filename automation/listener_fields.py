"""The fields of a listener's form, with what the browser needs to show the right ones."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django import forms
from django.db.models import Q

from automation.listener_when import COMMENT, NEEDS, READ_BY, default_when, told_by
from automation.models import ExternalListener
from automation.senders import SENDERS
from feedback.models import Project, Status


class SenderSelect(forms.Select):
    """Each sender with what its choice changes in the rest of the form."""

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(*args, **kwargs)
        if sender := SENDERS.get(str(option["value"])):
            option["attrs"] |= {
                "data-placeholder": sender.placeholder,
                "data-tells": " ".join(sorted(told_by(sender))),
                "data-default-when": default_when(sender),
            }
        return option


class NeedySelect(forms.Select):
    """Each choice with what the sender must tell for it."""

    needs: dict[str, str] = {**NEEDS, ExternalListener.Type.COMMENT: COMMENT}

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(*args, **kwargs)
        option["attrs"]["data-needs"] = self.needs.get(option["value"], "")
        return option


class ExpressionArea(forms.Textarea):
    """A JMESPath expression, with what a listener is told by it."""

    def __init__(self, name: str = "") -> None:
        told = " ".join(sorted(READ_BY.get(name, ())))
        super().__init__({"rows": 2, "spellcheck": "false", "data-tells": told})


class StatusesField(forms.ModelMultipleChoiceField):
    """Statuses of one project, as checkboxes under the names of their workflows."""

    widget = forms.CheckboxSelectMultiple
    default_error_messages = {
        "invalid_choice": "There is no status %(value)s in this project that is offered."
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(Status.objects.none(), **options)

    def offer(self, project: Project, chosen: Iterable[Status], *, archived: bool = False) -> None:
        """Those of ``project``; what is archived only where it was chosen, unless asked for."""
        statuses = Status.objects.in_project(project).select_related("workflow")
        current = Q(archived=False, workflow__archived=False)
        kept = Q(pk__in=[status.pk for status in chosen])
        self.queryset = statuses if archived else statuses.filter(current | kept)

    def grouped(self, bound: forms.BoundField) -> list[tuple[str, list[Any]]]:
        """The checkboxes of each workflow."""
        boxes = list(zip(self.queryset or (), bound, strict=True))
        return [
            (str(workflow), [box for _, box in group])
            for workflow, group in groupby(boxes, key=lambda pair: pair[0].workflow)
        ]
