"""A file becomes rows: encoding, delimiter, header line, and the line that each row begins in."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from feedback.imports.cells import unguard
from feedback.imports.problems import Problem, Refused, refuse
from feedback.models import REF
from rest.nearest import nearest

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 5_000
MOST_UNKNOWN = 20  # unknown columns that are named one by one
DELIMITERS = (",", ";", "\t")
SAVE_AS = "Save the file as “CSV UTF-8”, then choose it again."
# What Python's csv module says, and what it means.
CSV_ERRORS = {
    "unexpected end of data": (
        "The quotation mark that opens a cell of this row is never closed: close it. A quotation "
        "mark inside a quoted cell is written twice."
    ),
    "field larger": (
        f"A cell of this row holds more than {csv.field_size_limit():,} characters: shorten it, or "
        "close the quotation mark that it begins with."
    ),
    "expected after": (
        "Something follows a closing quotation mark: only the delimiter may. A quotation mark "
        "inside a quoted cell is written twice."
    ),
}


@dataclass(frozen=True)
class Row:
    line: int
    cells: dict[str, str]  # those that hold something, by the name of their column


@dataclass(frozen=True)
class Layout:
    """The columns that a file may have, and what it may leave out."""

    columns: Mapping[str, str]  # with what each holds
    required: Sequence[str]
    without_header: Sequence[str] = ()  # the columns of a file whose first cell is a ticket's id
    aliases: Mapping[str, str] = field(default_factory=dict)  # what else a column may be called


def decode(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise refuse(
            f"The file has more than {MAX_BYTES // 1024**2} MB: split it, and import the parts one "
            "by one."
        )
    utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = raw.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        place = f"Byte {error.start + 1} of the file"
        if utf16:
            raise refuse(f"{place} cannot be read as UTF-16. {SAVE_AS}") from error
        byte = f"0x{raw[error.start]:02X}"
        raise refuse(f"{place} ({byte}) cannot be read as UTF-8. {SAVE_AS}", line) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise refuse(f"There is a NUL character, which no text has. {SAVE_AS}", line)
    return text


def read_rows(text: str, layout: Layout) -> list[Row]:
    """Every row that holds something; raises Refused with all that is wrong with the table."""
    records = _records(text.removeprefix("\ufeff"))
    line, first = next(records, (0, []))
    if not first:
        raise refuse("The file is empty: it needs a header line and at least one row.")
    rows = []
    unknown: list[Problem] = []
    if layout.without_header and REF.fullmatch(first[0]):
        header = [*layout.without_header]
        rows.append((line, first))
    else:
        header, unknown = _header(first, line, layout)
    for record in records:
        if len(rows) == MAX_ROWS:
            message = f"There are more than {MAX_ROWS:,} rows: split the file here."
            raise refuse(message, record[0])
        rows.append(record)
    if not rows:
        raise refuse("There is a header line, but no row below it.", line)
    problems = [problem for row in rows for problem in _too_long(*row, header)]
    if problems:
        raise Refused([*unknown, *problems])
    named = [Row(line, _named(header, cells, layout)) for line, cells in rows]
    if unknown:
        raise Refused(unknown, rows=named)
    return named


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row that is not blank, and the line in which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            known = (words for part, words in CSV_ERRORS.items() if part in str(error))
            raise refuse(next(known, f"This row cannot be read: {error}."), line) from error
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, cells


def _delimiter(text: str) -> str:
    """The one that cuts the first line into the most cells."""
    first = re.search(r"[^\r\n]*\S[^\r\n]*", text)
    cells = {sign: len(_cut(first.group() if first else "", sign)) for sign in DELIMITERS}
    return max(DELIMITERS, key=lambda sign: cells[sign])


def _cut(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def column_name(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", text.strip()).lower()


def _header(cells: list[str], line: int, layout: Layout) -> tuple[list[str], list[Problem]]:
    """The columns' names, and what is wrong with those that nobody knows."""
    names = [layout.aliases.get(name, name) for name in map(column_name, cells)]
    while names and not names[-1]:  # spreadsheets leave empty columns behind
        names.pop()
    unknown = [name for name in dict.fromkeys(names) if name not in layout.columns]
    odd = [Problem(_what_is(name, layout), line, name[:50]) for name in unknown[:MOST_UNKNOWN]]
    if len(unknown) > MOST_UNKNOWN:
        odd.append(Problem(f"{len(unknown) - MOST_UNKNOWN:,} more columns are unknown.", line))
    problems = []
    for name in dict.fromkeys(names):
        if name in layout.columns and names.count(name) > 1:
            message = f"There are {names.count(name)} columns “{name}”: keep one."
            problems.append(Problem(message, line, name))
    for name in layout.required:
        if name not in names:
            message = f"The header line has no column “{name}”: add it."
            problems.append(Problem(message, line, name))
    if problems:
        raise Refused([*odd, *problems])
    return names, odd


def _what_is(name: str, layout: Layout) -> str:
    if not name:
        return "A column has no name in the header line: name it, or take it out."
    near = (
        nearest(name, [*layout.columns, *layout.aliases])
        or f" Known are {', '.join(layout.columns)}."
    )
    return f"There is no column “{name[:50]}”.{near}"


def _too_long(line: int, cells: list[str], header: list[str]) -> Iterator[Problem]:
    more = [cell for cell in cells[len(header) :] if cell.strip()]
    if more:
        yield Problem(
            f"This row has {len(cells)} cells and the table {len(header)} columns: put a cell that "
            f"holds the delimiter into quotation marks. “{more[0][:50]}” is one too many.",
            line,
        )


def _named(header: list[str], cells: list[str], layout: Layout) -> dict[str, str]:
    named = zip(header, map(unguard, cells), strict=False)
    return {name: cell for name, cell in named if cell.strip() and name in layout.columns}
