"""A file's rules become a project's rows, checked by the forms that the pages use."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.db import models

from automation.models import ExternalListener
from automation.rules.document import MAPPING, TEXT, Node, RulesRefused
from automation.rules.export import VERSION, project_tree, rules_of, team_tree
from automation.rules.items import Item, Problems, text_of
from automation.rules.names import Called, Names, Unnamed
from feedback.admin_forms import PartForm
from feedback.forms import ProjectForm
from feedback.models import Project, Status, Tag, Team, Workflow

PARTS = ("teams", "tags", "workflows")
SECTIONS = ("version", "project", *PARTS, "feedback_types")
TeamForm = forms.modelform_factory(Team, form=PartForm, fields=["name", "kind", "archived"])
TagForm = forms.modelform_factory(Tag, form=PartForm, fields=["name"])
WorkflowForm = forms.modelform_factory(Workflow, form=PartForm, fields=["name", "archived"])
StatusForm = forms.modelform_factory(Status, fields=["name", "category", "archived"])


@dataclass(frozen=True)
class Allowed:
    """What whoever imports may do. The operator may do everything."""

    only: str = ""  # the key of the one project that the file may be about
    create: bool = True
    update: bool = True
    change_kinds: bool = True  # of teams: what being in one means
    actor: str = ""  # as the versions of what is imported name them


@dataclass
class Outcome:
    """What an import did, and what it left as it is."""

    project: Project
    new: bool
    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    only_here: list[str] = field(default_factory=list)
    listeners: list[ExternalListener] = field(default_factory=list)
    new_listeners: list[ExternalListener] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)  # what still lacks something, with what

    def note(self, row: models.Model, created: bool, where: str = "") -> None:
        (self.created if created else self.changed).append(called(row, where))

    def missing(self, there: Called, named: Iterable[Any], where: str = "") -> None:
        """Note the rows that the file does not name."""
        known = {row.pk for row in named if row is not None}
        rows = (row for row in there.exact.values() if row.pk not in known)
        self.only_here += [called(row, where) for row in rows]

    def remarks(self) -> list[str]:
        """What people should know about what the file does not hold."""
        kept = [f"“{listener.key}”" for listener in self.listeners if listener.secret]
        bare = [f"“{listener.key}”" for listener in self.new_listeners]
        return [
            *(f"Only in the project, and left as it is: {each}." for each in self.only_here),
            *self.unfinished,
            *([f"Secrets of listeners stay as they are: {', '.join(kept)}."] if kept else []),
            *(
                [f"New, and without a secret, which files never hold: {', '.join(bare)}."]
                if bare
                else []
            ),
        ]


def called(row: models.Model, where: str = "") -> str:
    return f"{row._meta.verbose_name} “{row}”{where and f' of {where}'}"


@dataclass
class Work:
    project: Project
    problems: Problems
    outcome: Outcome
    allowed: Allowed
    before: str  # the rules as they were
    refused: frozenset[str] = frozenset()  # names of parts, some of which were refused


def begin(root: Node, allowed: Allowed) -> tuple[Item, Work]:
    """The whole file and the project that it is about, locked; raises RulesRefused."""
    problems = Problems()
    whole = Item(root, SECTIONS, problems)
    whole.require("version", "project")
    version = whole.nodes.get("version")
    if version and version.value != str(VERSION):
        problems.note(version, f"This installation reads version {VERSION} only.")
    if "project" not in whole.nodes:
        raise RulesRefused(problems)
    item = Item(whole.nodes["project"], ("key", "name", "archived"), problems)
    item.require("key", "name")
    found = _locked(item, allowed)
    before = rules_of(found).text if found else ""
    project = _project(item, found)
    return whole, Work(project, problems, Outcome(project, found is None), allowed, before)


def _locked(item: Item, allowed: Allowed) -> Project | None:
    key = item.text("key").strip().lower()
    if allowed.only and key != allowed.only:
        item.note("key", f"Here only rules of the project “{allowed.only}” can be imported.")
        raise RulesRefused(item.problems)
    found = Project.objects.select_for_update(no_key=True).filter(key=key).first()
    if found and not allowed.update:
        item.note("key", f"There is a project “{key}” already: import this on its Rules page.")
    if not found and not allowed.create:
        item.note("key", f"There is no project “{key}”.")
    return found


def _project(item: Item, found: Project | None) -> Project:
    if found and item.node.plain() == project_tree(found):
        return found
    key, name, archived = item.text("key"), item.text("name"), item.flag("archived")
    data = {"key": key, "name": name, "archived": archived}
    form = ProjectForm(data, instance=found or Project())
    form.fields["key"].required = form.fields["name"].required = False  # said already
    if item.accepted(form):
        kept: Project = form.save()
        return kept
    return found or _stand_in()


def _stand_in() -> Project:
    """For a refused project, so that the rest can be checked too; it is never kept."""
    return Project.objects.create(key=uuid.uuid4().hex, name="The project")


def save(item: Item, form: Any, work: Work) -> Any:
    """The row that ``form`` makes of ``item``, or else what it was; None where there is none."""
    created = form.instance.pk is None
    if not item.accepted(form):
        return None if created else type(form.instance).objects.get(pk=form.instance.pk)
    if created:
        form.save()
    elif form.has_changed():
        own = {each.name for each in form.instance._meta.concrete_fields}
        form.instance.save(update_fields=own & form.fields.keys())  # not what others count there
    if created or form.has_changed():
        work.outcome.note(form.instance, created)
    return form.instance


def row_named(
    model: type[models.Model],
    node: Node,
    item: Item,
    work: Work,
    names: Names,
    in_file: Collection[str] = (),
) -> int | str:
    """The id of the row that ``node`` names; empty where there is none, which is noted.

    What is ``in_file`` and yet not there was refused, which was said at its own place.
    """
    called = text_of(node, work.problems).strip()
    if not called:
        return ""
    try:
        return names.find(model, called).pk
    except Unnamed as error:
        if {called.lower(), called.rpartition(": ")[2].lower()} & {*work.refused, *in_file}:
            item.doom(node, str(error))
        else:
            work.problems.note(node, str(error))
    return ""


def is_as_before(item: Item, tree: Callable[[], Any]) -> bool:
    """What the project has already is not touched, nor checked once more."""
    try:
        return bool(item.node.plain() == _written(tree()))
    except (Unnamed, AttributeError, TypeError, LookupError):
        return False


def _written(tree: Any) -> Any:
    """With numbers as a file's text has them."""
    if isinstance(tree, dict):
        return {name: _written(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_written(value) for value in tree]
    is_number = isinstance(tree, int | float) and not isinstance(tree, bool)
    return str(tree) if is_number else tree


def apply_parts(whole: Item, work: Work) -> None:
    """Teams, tags and workflows, on which everything else stands."""
    before = len(work.problems)
    if "teams" in whole.nodes:
        there = Called(work.project.teams.order_by("pk"))
        keys = ("name", "kind", "archived")
        teams = [
            _team(there.get(name), name, item, work)
            for name, item in whole.items("teams", keys, by="name")
        ]
        work.outcome.missing(there, teams)
    if "tags" in whole.nodes:
        there = Called(work.project.tags.all())
        tags = [_tag(there, node, work) for node in whole.parts("tags")]
        work.outcome.missing(there, tags)
    if "workflows" in whole.nodes:
        there = Called(work.project.workflows.order_by("pk"))
        keys = ("name", "archived", "statuses")
        workflows = [
            _workflow(there.get(name), name, item, work)
            for name, item in whole.items("workflows", keys, by="name")
        ]
        work.outcome.missing(there, workflows)
    if len(work.problems) > before:
        parts = [whole.nodes[name] for name in PARTS if name in whole.nodes]
        texts = (node.value for part in parts for node in part.walk() if node.kind == TEXT)
        work.refused = frozenset(text.lower() for text in texts)


def _team(team: Team | None, name: str, item: Item, work: Work) -> Team | None:
    if team and item.node.plain() == team_tree(team):
        return team
    kind, archived = item.text("kind"), item.flag("archived")
    if team and kind and kind != team.kind and not work.allowed.change_kinds:
        item.note("kind", f"Only a community manager changes what kind of team “{team}” is.")
    form = TeamForm(
        {"name": name, "kind": kind, "archived": archived},
        instance=team or Team(project=work.project),
    )
    kept: Team | None = save(item, form, work)
    return kept


def _tag(there: Called, node: Node, work: Work) -> Tag | None:
    name = text_of(node, work.problems).strip()
    if not name:
        return None
    tag: Tag | None = there.get(name)
    if tag and tag.name == node.value:
        return tag
    item = Item(Node(node.line, MAPPING, {"name": node}, node.path), ("name",), work.problems)
    form = TagForm({"name": name}, instance=tag or Tag(project=work.project))
    kept: Tag | None = save(item, form, work)
    return kept


def _workflow(workflow: Workflow | None, name: str, item: Item, work: Work) -> Workflow | None:
    form = WorkflowForm(
        {"name": name, "archived": item.flag("archived")},
        instance=workflow or Workflow(project=work.project),
    )
    kept: Workflow | None = save(item, form, work)
    if kept and "statuses" in item.nodes:
        _statuses(kept, item, work)
    return kept


def _statuses(workflow: Workflow, item: Item, work: Work) -> None:
    before = list(workflow.statuses.all())
    there = Called(before)
    keys = ("name", "category", "archived")
    given = [
        _status(there.get(name) or Status(workflow=workflow), name, part, work)
        for name, part in item.items("statuses", keys, by="name")
    ]
    named = [status for status in given if status]
    work.outcome.missing(there, named, workflow.name)
    rows = in_order(before, named)
    if rows != before:
        for order, status in enumerate(rows):
            status.order = order
        Status.objects.bulk_update(rows, ["order"])
    if [status for status in rows if status in before] != before:
        work.outcome.changed.append(f"order of the statuses of {workflow}")


def _status(status: Status, name: str, item: Item, work: Work) -> Status | None:
    data = {
        "name": name,
        "category": item.text("category", Status.Category.OPEN),
        "archived": item.flag("archived"),
    }
    kept: Status | None = save(item, StatusForm(data, instance=status), work)
    return kept


def in_order(before: list[Any], named: list[Any]) -> list[Any]:
    """As the file lists them; what it lacks stays behind the one that it stood behind."""
    followers: dict[int, list[Any]] = {0: []}
    last = 0
    for status in before:
        if status in named:
            last = status.pk
        else:
            followers.setdefault(last, []).append(status)
    rows = list(followers[0])
    for status in named:
        rows += [status, *followers.get(status.pk, [])]
    return rows
