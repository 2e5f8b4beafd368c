"""A project made from another: its rules, exported, changed a little and imported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import User

from apikeys.models import APIKey
from automation.models import Delivery, ExternalListener
from automation.rules.apply import Allowed
from automation.rules.document import RulesRefused
from automation.rules.export import Rules, Tree, rules_of
from automation.rules.plan import Plan, carry_out
from automation.rules.yaml_text import as_yaml
from feedback.filters import RowsFilter, TicketFilterSet
from feedback.models import Project, Ticket

LONGEST_KEY = ExternalListener._meta.get_field("key").max_length or 50
A_NEW_ONE = Allowed(update=False)
PERSONS = {
    name
    for name, field in TicketFilterSet.base_filters.items()
    if isinstance(field, RowsFilter) and field.queryset.model is User
}


@dataclass(frozen=True)
class ClonedListener:
    row: ExternalListener
    old_key: str


@dataclass(frozen=True)
class Clone:
    project: Project
    listeners: list[ClonedListener]
    left: list[str]  # what was not cloned, with why


def clone_project(source: Project, key: str, name: str, *, actor: str = "") -> Clone:
    """A new project with the rules of ``source``; raises RulesRefused and then makes nothing."""
    rules = rules_of(source)
    left = list(_left_behind(source, rules))
    tree = rules.tree | {"project": {"key": key.lower(), "name": name}}
    keys: dict[str, str] = {}
    types = [_cloned(kind, source.key, key.lower(), keys, left) for kind in _types(tree)]
    text = as_yaml(tree | ({"feedback_types": types} if types else {}), [])
    plan = _carried_out(text, replace(A_NEW_ONE, actor=actor))
    project = plan.outcome.project
    rows = {row.key: row for row in project.listeners.select_related("feedback_type")}
    listeners = [ClonedListener(rows[new], old) for old, new in keys.items()]
    return Clone(project, listeners, left + plan.outcome.unfinished)


def _carried_out(text: str, allowed: Allowed) -> Plan:
    """Whoever clones has no file, so that a refusal has no lines."""
    try:
        return carry_out(text, allowed)
    except RulesRefused as refused:
        raise RulesRefused([replace(each, line=0) for each in refused.problems]) from refused


def _types(tree: Tree) -> list[Tree]:
    types: list[Tree] = tree.get("feedback_types", [])
    return types


def _cloned(kind: Tree, old: str, new: str, keys: dict[str, str], left: list[str]) -> Tree:
    """A type without what names a person; what starts macros is off, listeners have new keys."""
    personal = [saved["name"] for saved in kind.get("filters", []) if _names_a_person(saved)]
    left += [
        f"The filter “{name}” of {kind['prefix']}: it names a person, and nobody is in the new "
        "project yet."
        for name in personal
    ]
    listeners = []
    for listener in kind.get("listeners", []):
        if listener.get("filter") in personal:
            left.append(f"The listener “{listener['name']}”, which needs that filter.")
            continue
        keys[listener["key"]] = key = new_key(listener["key"], old, new, keys.values())
        listeners.append(listener | {"key": key, "enabled": False})
    filters = [saved for saved in kind.get("filters", []) if saved["name"] not in personal]
    starts = {
        section: [
            row | {"enabled": False}
            for row in kind.get(section, [])
            if row.get("filter") not in personal
        ]
        for section in ("triggers", "schedules")
    }
    left += [
        f"The {section.removesuffix('s')} “{row['name']}”, which needs that filter."
        for section in starts
        for row in kind.get(section, [])
        if row.get("filter") in personal
    ]
    parts = {"filters": filters, "listeners": listeners, **starts}
    return {name: parts.get(name, part) for name, part in kind.items() if parts.get(name, part)}


def _names_a_person(saved: Tree) -> bool:
    return any(name in PERSONS for group in saved["groups"] for name in group)


def new_key(key: str, old_project: str, new_project: str, taken: Any) -> str:
    """The listener's key with the new project's behind it, as short as keys must be."""
    stem = key.removesuffix(f"-{old_project}")
    wanted = f"{stem}-{new_project}"[:LONGEST_KEY]
    number, found = 1, wanted
    while found in taken or found == key:
        number += 1
        found = f"{wanted[: LONGEST_KEY - len(str(number)) - 1]}-{number}"
    return found


def _left_behind(source: Project, rules: Rules) -> Iterator[str]:
    tickets = Ticket.objects.in_project(source).count()
    if tickets:
        yield f"Tickets ({tickets}), with their comments, links and history: they stay here."
    people = User.objects.filter(teams__project=source).distinct().count()
    if people:
        yield f"People in teams ({people}): add those who belong into the new project's teams."
    names = [str(key) for key in APIKey.objects.filter(project=source)]
    if names:
        yield f"API keys that are bound to {source}: {', '.join(names)}. Make new ones."
    if Delivery.objects.filter(project=source).exists():
        yield "The log of requests: nobody has called the new listeners yet."
    secret = [str(each) for each in source.listeners.exclude(secret="").order_by("name")]
    if secret:
        yield f"Secrets of listeners: {', '.join(secret)}. Enter new ones on the listeners' pages."
    yield from (f"{each[:1].upper()}{each[1:]}" for each in rules.left_out)
