"""The triggers and schedules of a file's feedback type, whose filters and macros are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from automation.models import Rule, Schedule, Trigger
from automation.rules.apply import is_as_before
from automation.rules.apply_listeners import OfTypeWork
from automation.rules.document import DATE, TEXT
from automation.rules.export import SCHEDULE, TRIGGER, Tree, default_of, schedule_tree, trigger_tree
from automation.rules.items import Item
from automation.start_forms import ScheduleForm, StartForm, TriggerForm

ROWS, TIMES = ("macro", "filter"), ("starts_at", "ends_at")


class StartWork(OfTypeWork):
    def trigger(self, trigger: Trigger | None, name: str, item: Item) -> Trigger | None:
        return self._keep(trigger, item, TRIGGER, TriggerForm, trigger_tree)

    def schedule(self, schedule: Schedule | None, name: str, item: Item) -> Schedule | None:
        return self._keep(schedule, item, SCHEDULE, ScheduleForm, schedule_tree)

    def _keep(
        self,
        row: Any,
        item: Item,
        names: tuple[str, ...],
        form_class: type[StartForm],
        tree_of: Callable[..., Tree],
    ) -> Any:
        """The row as ``item`` has it; what it was where ``item`` was refused, now or before."""
        if row and is_as_before(item, lambda: tree_of(row, self.names)):
            return row
        model: type[Rule] = form_class._meta.model
        data = {name: self._given(model, name, item) for name in names}
        form = form_class(data, instance=row or model(feedback_type=self.kind))
        form.offer_archived()
        for name in ROWS:
            if name in item.nodes and not data[name]:
                form.errors.pop(name, None)  # said already
        if not item.accepted(form):
            return row and model._default_manager.get(pk=row.pk)
        if row is None or form.has_changed():
            kept = form.save()
            self.work.outcome.note(kept, row is None, self.kind.prefix)
            return kept
        return row

    def _given(self, model: type[Rule], name: str, item: Item) -> Any:
        if name in ROWS:
            return self.own_row(name, item, item)
        if name == "enabled":
            return item.flag(name, default_of(name, model))
        node = item.nodes.get(name)
        if name in TIMES and node and node.kind in (TEXT, DATE):
            return node.value
        return item.text(name)
