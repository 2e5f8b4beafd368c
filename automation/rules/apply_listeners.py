"""The listeners of a file's feedback type, whose filters and macros are there already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.functional import cached_property

from automation.listener_form import ListenerForm
from automation.listener_when import default_when
from automation.models import ExternalListener
from automation.rules.apply import Work, is_as_before, row_named
from automation.rules.document import TEXT, Node
from automation.rules.export import LISTENER, default_of, listener_tree
from automation.rules.items import Item
from automation.rules.names import Called, Names
from automation.senders import SENDERS
from automation.status_table import CELLS, by_row
from feedback.models import FeedbackType, Status
from rest.nearest import nearest


@dataclass(frozen=True)
class TableRow:
    """A row of the status table: where it stands, what a form is given, and if nothing is wrong."""

    part: Item
    cells: dict[str, Any]
    whole: bool


class OfTypeWork:
    """What uses the filters and macros of its own feedback type."""

    def __init__(self, kind: FeedbackType, types: Item, work: Work, names: Names) -> None:
        self.kind, self.type_item, self.work, self.names = kind, types, work, names

    @cached_property
    def own(self) -> dict[str, Called]:
        """Filters and macros as they are once those of the file are there."""
        rows: dict[str, Any] = {"filter": self.kind.saved_filters, "macro": self.kind.macros}
        return {name: Called(each.all()) for name, each in rows.items()}

    @cached_property
    def in_file(self) -> dict[str, set[str]]:
        return {name: named_in(self.type_item, f"{name}s") for name in ("filter", "macro")}

    def own_row(self, name: str, part: Item, item: Item) -> Any:
        """The filter or macro of this type that ``part`` of ``item`` names."""
        called = part.text(name).strip()
        if not called:
            return ""
        if row := self.own[name].get(called):
            return row.pk
        near = nearest(called, self.own[name].exact)
        sentence = f"there is no {name} “{called}” in {self.kind.prefix}.{near}"
        if called.lower() in self.in_file[name]:
            item.doom(part.nodes[name], sentence)
        else:
            part.note(name, sentence)
        return ""


class ListenerWork(OfTypeWork):
    def keep(
        self, listener: ExternalListener | None, key: str, item: Item
    ) -> ExternalListener | None:
        """The listener as ``item`` has it; None where it was refused, now or before."""
        kept = listener
        if not (listener and is_as_before(item, lambda: listener_tree(listener, self.names))):
            kept = self._saved(listener, item)
        if kept:
            self.work.outcome.listeners.append(kept)
        if kept and not listener:
            self.work.outcome.new_listeners.append(kept)
        return kept

    def _saved(self, listener: ExternalListener | None, item: Item) -> ExternalListener | None:
        rows = [self._row(node, item) for node in item.parts("status_table")]
        data = {name: self._given(name, item) for name in LISTENER if name != "status_table"}
        data["status_table"] = [row.cells for row in rows]
        sender = SENDERS.get(data["sender"])
        if "when" not in item.nodes:  # beside an unknown sender, any event does
            data["when"] = default_when(sender) if sender else ExternalListener.When.ANY
        new = ExternalListener(project=self.work.project, feedback_type=self.kind)
        form = ListenerForm(data, instance=listener or new)
        form.offer_archived()
        _blame(form, item, rows)
        if not item.accepted(form):
            return listener and ExternalListener.objects.get(pk=listener.pk)
        if listener is None or form.has_changed():
            form.save(actor=self.work.allowed.actor)
            self.work.outcome.note(form.instance, listener is None)
        return form.instance

    def _given(self, name: str, item: Item) -> Any:
        if name == "protected_statuses":
            nodes = item.parts(name)
            ids = [row_named(Status, node, item, self.work, self.names) for node in nodes]
            return [pk for pk in ids if pk]
        field = ExternalListener._meta.get_field(name)
        if isinstance(field, models.ForeignKey):
            return self.own_row(name, item, item)
        return item.value(name, default_of(name))

    def _row(self, node: Node, item: Item) -> TableRow:
        part = Item(node, CELLS, self.work.problems)
        cells = {name: part.text(name) for name in CELLS if name != "macro"}
        cells["macro"] = self.own_row("macro", part, item)
        return TableRow(part, cells, whole=part.whole and not item.doomed)


def named_in(item: Item, part: str) -> set[str]:
    """All that the filters or macros of a type are called in the file, refused or not, and more."""
    node = item.nodes.get(part)
    return {each.value.lower() for each in node.walk() if each.kind == TEXT} if node else set()


def _blame(form: ListenerForm, item: Item, rows: list[TableRow]) -> None:
    """Note what is wrong with the rows at their lines, and nothing that was said already."""
    problems = by_row(form.errors.as_data().get("status_table", ()), len(rows))
    all_read = all(row.whole for row in rows)  # else a row seems to be what it is not
    for row, wrong in zip(rows, problems, strict=True):
        if row.whole:
            row.part.refuse({cell: said for cell, said in wrong.items() if cell or all_read})
    if any(problems):
        del form.errors["status_table"]
    if any("macro" in part.nodes for part in (item, *(row.part for row in rows))):
        form.errors.pop("macro", None)
