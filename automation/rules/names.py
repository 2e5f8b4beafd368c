"""Rows of a project by the names that people call them, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db import models

from automation.models import Macro
from feedback.filters import CHOICES_IN_PROJECT
from feedback.models import FeedbackType, FormField, Project, Status, Workflow
from rest.nearest import nearest

CHOICES: dict[type[models.Model], Callable[[Project], Any]] = {
    **CHOICES_IN_PROJECT,
    Workflow: lambda project: project.workflows.all(),
}
OWN_ROWS: dict[type[models.Model], Callable[[FeedbackType], Any]] = {
    FormField: lambda kind: kind.form_fields.all(),
    Macro: lambda kind: kind.macros.all(),
}
Index = dict[str, list[models.Model]]


class Unnamed(Exception):
    """No row, or no single one, goes by a name; the message says so."""


def callings(row: Any) -> tuple[str, ...]:
    """What ``row`` may be called, the shortest first."""
    if isinstance(row, Status):
        return row.name, f"{row.workflow}: {row.name}"
    if isinstance(row, FormField):
        return (row.key,)
    return (row.get_username() if isinstance(row, User) else row.name,)


class Called:
    """Rows by what they are called; in another letter case, where none is called just that."""

    def __init__(self, rows: Iterable[Any], by: str = "name") -> None:
        self.exact = {getattr(row, by): row for row in rows}
        self.folded = {name.lower(): row for name, row in self.exact.items()}

    def get(self, name: str) -> Any:
        return self.exact.get(name) or self.folded.get(name.lower())


class Names:
    """What the rows of one project are called, read once for each kind."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._rows: dict[type[models.Model], dict[int, models.Model]] = {}
        self._indexes: dict[type[models.Model], tuple[Index, Index]] = {}

    def rows(self, model: type[models.Model]) -> dict[int, models.Model]:
        if model not in self._rows:
            self._rows[model] = {row.pk: row for row in CHOICES[model](self.project)}
        return self._rows[model]

    def with_id(self, model: type[models.Model], pk: int) -> models.Model | None:
        """A row of the project, or a person who was once part of it."""
        if model is User:
            return User.objects.filter(pk=pk).first()
        return self.rows(model).get(pk)

    def name_of(self, row: models.Model) -> str:
        """The shortest name by which ``find`` knows ``row`` again; raises Unnamed."""
        if isinstance(row, User):
            return row.get_username()
        exact, folded = self._index(type(row))
        names = callings(row)
        for name in names:
            if len(folded[name.lower()]) == 1:
                return name
        for name in names:
            if len(exact[name]) == 1:
                return name
        raise Unnamed(f"several go by “{names[-1]}”: rename one")

    def find(self, model: type[models.Model], name: str) -> models.Model:
        """The row of that name, in any letter case; raises Unnamed."""
        if model is User:
            return self._person(name)
        exact, folded = self._index(model)
        found = exact.get(name) or folded.get(name.lower()) or []
        if len(found) == 1:
            return found[0]
        if found:
            ways = " or ".join(f"“{callings(row)[-1]}”" for row in found)
            raise Unnamed(f"several go by “{name}”: write {ways}.")
        noun = model._meta.verbose_name
        raise Unnamed(f"there is no {noun} “{name}”.{nearest(name, exact)}")

    def _person(self, username: str) -> models.Model:
        found = CHOICES[User](self.project).filter(username=username).first()
        if found is None:
            raise Unnamed(f"there is no person “{username}” among the people of this project.")
        return found

    def _index(self, model: type[models.Model]) -> tuple[Index, Index]:
        if model not in self._indexes:
            exact: Index = {}
            folded: Index = {}
            for row in self.rows(model).values():
                for name in dict.fromkeys(callings(row)):
                    exact.setdefault(name, []).append(row)
                for name in dict.fromkeys(name.lower() for name in callings(row)):
                    folded.setdefault(name, []).append(row)
            self._indexes[model] = exact, folded
        return self._indexes[model]


class TypeNames(Names):
    """The same, and what the rows of one feedback type are called."""

    def __init__(self, whole: Names, kind: FeedbackType) -> None:
        super().__init__(whole.project)
        self.whole, self.kind = whole, kind

    def rows(self, model: type[models.Model]) -> dict[int, models.Model]:
        if model not in OWN_ROWS:
            return self.whole.rows(model)
        if model not in self._rows:
            self._rows[model] = {row.pk: row for row in OWN_ROWS[model](self.kind)}
        return self._rows[model]

    def forget(self, model: type[models.Model]) -> None:
        """Read the rows anew: there are others now."""
        self._rows.pop(model, None)
        self._indexes.pop(model, None)

    def _index(self, model: type[models.Model]) -> tuple[Index, Index]:
        return super()._index(model) if model in OWN_ROWS else self.whole._index(model)
