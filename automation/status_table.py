"""A listener's status table in forms: its rows by what they name, checked alone and together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from automation.models import Macro, StatusRow, names_in

MOST_ROWS = 50
CELLS = ("status", "resolution", "macro")
ANY = ""
EMPTY_ROW = "This row is empty: enter a status or a resolution, choose a macro, or remove the row."

Row = Mapping[str, Any]  # what the cells of a row hold: two texts, and a macro or its id


class RowProblem(ValidationError):
    """What is wrong with one row, counted from 0, and with which cell; "" for the whole row."""

    def __init__(self, sentence: str, row: int, cell: str = "") -> None:
        super().__init__(sentence)
        self.row, self.cell = row, cell


class RowForm(forms.Form):
    """The cells of all rows have the same names: their order is that of the page."""

    status = forms.CharField(max_length=200, required=False)
    resolution = forms.CharField(max_length=200, required=False)
    macro = forms.ChoiceField(
        required=False,
        error_messages={"invalid_choice": "Choose a macro of this feedback type that is offered."},
    )

    def __init__(self, row: Row, macros: Mapping[str, Macro], prefix: str) -> None:
        data = {f"{prefix}-{name}": _as_text(row.get(name)) for name in CELLS}
        super().__init__(data, prefix=prefix, auto_id=False, use_required_attribute=False)
        self.macros = macros
        self.problems: dict[str, list[str]] = {}  # to be shown, by cell; "" for the whole row
        field: Any = self.fields["macro"]
        field.choices = [("", "Do nothing"), *((pk, str(each)) for pk, each in macros.items())]
        for name in CELLS:
            self.fields[name].widget.attrs["aria-labelledby"] = f"{prefix}-{name}"

    def clean_status(self) -> str:
        return listed(self.cleaned_data["status"])

    def clean_resolution(self) -> str:
        return listed(self.cleaned_data["resolution"])

    def clean_macro(self) -> Macro | None:
        chosen: str = self.cleaned_data["macro"]
        return self.macros[chosen] if chosen else None

    def blame(self, problems: dict[str, list[str]], place: int) -> None:
        self.problems = problems
        for name in problems.keys() & self.fields:
            wrong = {"aria-invalid": "true", "aria-describedby": f"{self.prefix}-{place}-{name}"}
            self.fields[name].widget.attrs |= wrong

    def cells(self) -> list[tuple[forms.BoundField, list[str]]]:
        """Each with what is wrong with it; a row as a whole is wrong at its first cell."""
        whole = self.problems.get("", [])
        return [
            (self[name], self.problems.get(name, []) + (whole if name == CELLS[0] else []))
            for name in CELLS
        ]


class StatusTableInput(forms.Widget):
    """Cells of a page under ``name-status`` and so on, in order; elsewhere, rows under ``name``."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        if not hasattr(data, "getlist"):
            return data.get(name, [])
        columns = [data.getlist(f"{name}-{cell}") for cell in CELLS]
        rows = [dict(zip(CELLS, row, strict=True)) for row in zip_longest(*columns, fillvalue="")]
        return [row for row in rows if any(text.strip() for text in row.values())]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False


class StatusTableField(forms.Field):
    """Rows of a status table, cleaned to ``StatusRow``s without a listener, in their order."""

    widget = StatusTableInput
    prefix = "status_table"

    def offer(self, macros: Iterable[Macro]) -> None:
        """Let rows choose one of these, by its id as text."""
        self.macros = {str(macro.pk): macro for macro in macros}

    def clean(self, value: Any) -> list[StatusRow]:
        if len(value) > MOST_ROWS:
            raise ValidationError(f"A status table has {MOST_ROWS} rows at most.")
        forms = self.row_forms(value)
        problems = [problem for place, form in enumerate(forms) for problem in _wrong(form, place)]
        if not problems:
            rows = [StatusRow(order=order, **form.cleaned_data) for order, form in enumerate(forms)]
            problems = list(unreached(rows))
        if problems:
            raise ValidationError(problems)
        return rows

    def row_forms(self, value: Iterable[Row]) -> list[RowForm]:
        return [RowForm(row, self.macros, self.prefix) for row in value]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return _plain(initial or []) != _plain(data or [])


def as_rows(table: Iterable[StatusRow]) -> list[Row]:
    """Rows as forms have them."""
    return [{"status": r.status, "resolution": r.resolution, "macro": r.macro_id} for r in table]


def listed(text: str) -> str:
    """A list of names as it is kept: one comma and one space between them."""
    return ", ".join(filter(None, map(str.strip, text.split(","))))


def by_row(problems: Iterable[ValidationError], count: int) -> list[dict[str, list[str]]]:
    """What is wrong with each of ``count`` rows, by cell; of problems that are about rows."""
    found: list[dict[str, list[str]]] = [{} for _ in range(count)]
    for problem in problems:
        if isinstance(problem, RowProblem):
            found[problem.row].setdefault(problem.cell, []).extend(problem.messages)
    return found


def unreached(rows: Sequence[StatusRow]) -> Iterable[RowProblem]:
    """The rows that never act, since earlier ones catch all that they would."""
    known = [(names_in(row.status), names_in(row.resolution)) for row in rows]
    for place, (statuses, resolutions) in enumerate(known):
        if catchers := _catchers(statuses, resolutions, known[:place]):
            names = " and ".join(f"row {number + 1} ({rows[number]})" for number in catchers)
            catch = "catches" if len(catchers) == 1 else "catch"
            yield RowProblem(
                f"Row {place + 1} ({rows[place]}) is never reached: {names} {catch} all that it "
                "would. Move it up, or remove it.",
                place,
            )


def not_waited_for(rows: Sequence[StatusRow], wanted: str) -> Iterable[RowProblem]:
    """The rows whose statuses a listener does not wait for that waits for ``wanted``."""
    for place, row in enumerate(rows):
        if row.status and not names_in(row.status) & names_in(wanted):
            yield RowProblem(
                f"Row {place + 1} ({row}) is never reached: the listener waits for a change of "
                f"status to {wanted}.",
                place,
            )


def _catchers(
    statuses: set[str], resolutions: set[str], earlier: Sequence[tuple[set[str], set[str]]]
) -> list[int]:
    """The places of the ``earlier`` rows that leave nothing over; none where something is left."""
    catchers = set()
    for status in statuses or {ANY}:
        left = resolutions or {ANY}
        for place, (theirs, only) in enumerate(earlier):
            caught = (left & only if only else left) if not theirs or status in theirs else set()
            if caught:
                catchers.add(place)
                left = left - caught
        if left:
            return []
    return sorted(catchers)


def _wrong(form: RowForm, place: int) -> Iterable[RowProblem]:
    for cell, sentences in form.errors.items():
        yield from (RowProblem(str(sentence), place, cell) for sentence in sentences)
    if form.is_valid() and not any(form.cleaned_data.values()):
        yield RowProblem(EMPTY_ROW, place)


def _plain(rows: Iterable[Row]) -> list[tuple[str, ...]]:
    return [tuple(_as_text(row.get(name)).strip() for name in CELLS) for row in rows]


def _as_text(value: Any) -> str:
    return "" if value is None else str(value)
