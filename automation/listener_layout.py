"""A listener's form as its page shows it: which fields stand together, and what is open."""

from __future__ import annotations

from typing import Any

from django import forms

from automation.listener_form import BRAKE, EXPRESSIONS, ListenerForm, Several
from automation.status_table import RowForm, RowProblem, by_row

BASICS = ("name", "key", "sender", "filter", "type")
ADVANCED = ("several", *BRAKE, "description")
SECRETS = ("new_secret", "remove_secret")
BLANK_ROWS = 3  # without JavaScript; with it, as many as are wanted


class ListenerLayout:
    def __init__(self, form: ListenerForm) -> None:
        self.form = form
        self._wrong = form.errors.as_data() if form.is_bound else {}

    def basics(self) -> list[forms.BoundField]:
        return self._fields(BASICS)

    def expressions(self) -> list[forms.BoundField]:
        return self._fields(EXPRESSIONS)

    def advanced(self) -> list[forms.BoundField]:
        return self._fields(ADVANCED)

    def _fields(self, names: tuple[str, ...]) -> list[forms.BoundField]:
        return [self.form[name] for name in names]

    def table_rows(self) -> list[RowForm]:
        """The rows of the status table, each with what is wrong with it."""
        rows: list[RowForm] = self._table.row_forms(self.form["status_table"].value())
        problems = by_row(self._wrong.get("status_table", []), len(rows))
        for place, (row, wrong) in enumerate(zip(rows, problems, strict=True)):
            row.blame(wrong, place)
        return rows

    def table_problems(self) -> list[str]:
        """What is wrong with the table as a whole."""
        problems = self._wrong.get("status_table", [])
        return [
            text for each in problems if not isinstance(each, RowProblem) for text in each.messages
        ]

    def blank_rows(self) -> list[RowForm]:
        rows: list[RowForm] = self._table.row_forms([{}] * BLANK_ROWS)
        return rows

    @property
    def _table(self) -> Any:
        return self.form.fields["status_table"]

    def protected_statuses(self) -> list[tuple[str, list[Any]]]:
        field: Any = self.form.fields["protected_statuses"]
        return field.grouped(self.form["protected_statuses"])

    def table_open(self) -> bool:
        return self._used("status_table")

    def protected_open(self) -> bool:
        return self._used("protected_statuses")

    def expressions_open(self) -> bool:
        return self._used(*EXPRESSIONS)

    def advanced_open(self) -> bool:
        chosen = self.form["several"].value() not in (None, Several.ALL)
        chosen |= any(name in self._wrong for name in BRAKE)
        has_secret = bool(self.form.instance.secret)
        return chosen or has_secret or self._used("description", *SECRETS)

    def _used(self, *names: str) -> bool:
        """Something in there is set, or is wrong."""
        return any(self.form[name].value() or name in self._wrong for name in names)
