"""The versions of macro, listener and filter that took part in a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.urls import reverse

from automation.models import Execution
from feedback.models import Version

VERSIONS = ("macro_version", "listener_version", "filter_version")
PAGES = {
    "automation.macro": "macro_versions",
    "automation.externallistener": "listener_versions",
    "feedback.savedfilter": "saved_filter_versions",
}


@dataclass(frozen=True)
class Ran:
    text: str  # macro “Close”, version 3
    url: str  # empty where the row is gone


def what_ran(executions: Iterable[Execution]) -> dict[int, list[Ran]]:
    """Of each execution, by its id, also the macros that its macro ran."""
    named = {each.pk: (each, _versions(each)) for each in executions}
    there = _there(version for _, versions in named.values() for version in versions)
    return {
        pk: [_ran(version, execution, there) for version in versions]
        for pk, (execution, versions) in named.items()
    }


def _versions(execution: Execution) -> list[Version]:
    own = [getattr(execution, name) for name in VERSIONS]
    inner = [step.macro_version for step in execution.steps.all()]
    return list(dict.fromkeys(version for version in (*own, *inner) if version))


def _there(versions: Iterable[Version]) -> dict[str, set[int]]:
    """The ids of the rows that are still there, by their kind."""
    rows: dict[str, set[int]] = {}
    for version in versions:
        rows.setdefault(version.kind, set()).add(version.row)
    return {
        kind: set(_model(kind).filter(pk__in=pks).values_list("pk", flat=True))
        for kind, pks in rows.items()
    }


def _model(kind: str) -> Any:
    return apps.get_model(kind)._default_manager


def _ran(version: Version, execution: Execution, there: dict[str, set[int]]) -> Ran:
    noun = apps.get_model(version.kind)._meta.verbose_name
    text = f"{noun} “{version.content['name']}”, {version}"
    if version.row not in there[version.kind]:
        return Ran(text, "")
    kind = execution.ticket.feedback_type
    page = reverse(PAGES[version.kind], args=[kind.project.key, kind.prefix, version.row])
    return Ran(text, f"{page}?after={version.number}")
