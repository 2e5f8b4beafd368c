"""Every saved change of a row is kept: who, when, what. It can be compared, and gone back to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models import QuerySet
from django.utils.text import capfirst

from feedback.models import FeedbackType, Version

Content = dict[str, Any]  # JSON: fields by name, rows by id
Naming = Callable[[type[models.Model], Any], str]  # name_of, or id_of
NOT_KEPT = ("project", "feedback_type", "secret")  # what a row keeps for good, and what is secret
INDENT = "    "


def versions_of(row: models.Model) -> QuerySet[Version]:
    """All versions of ``row``, the newest first."""
    return Version.objects.filter(kind=row._meta.label_lower, row=row.pk)


def overtaken(row: Any, seen: str) -> str:
    """Why what was entered over version number ``seen`` of ``row`` must not be kept unasked.

    Empty where nobody saved it meanwhile. The row stays locked, so that nobody does until the end
    of the transaction.
    """
    rows = type(row)._default_manager.filter(pk=row.pk)
    locked = rows.select_for_update(no_key=True, of=("self",)).only("version_id").first()
    now = locked.version if locked else None
    if now is None or not seen or seen == str(now.number):
        return ""
    return (
        f"{now.actor or 'Somebody'} saved this meanwhile: “Versions” shows what changed. What you "
        "entered stands here: submit it once more to keep it instead."
    )


@transaction.atomic
def keep_version(
    row: Any, content: Content, lines: list[str], *, actor: str, always: bool = False
) -> Version:
    """Keep ``row``, which was saved in this transaction, if it differs from its last version.

    ``always``: although nothing that is kept differs, as where a secret was replaced. Whoever
    saves the same row waits for the end of the transaction, so that numbers have no gaps.
    """
    rows = type(row)._default_manager.filter(pk=row.pk)
    rows.select_for_update(no_key=True, of=("self",)).first()
    content = json.loads(json.dumps(content, cls=DjangoJSONEncoder))
    last = versions_of(row).first()
    if last is None or always or last.content != content:
        last = Version.objects.create(
            kind=row._meta.label_lower,
            row=row.pk,
            number=last.number + 1 if last else 1,
            content=content,
            lines=lines,
            actor=actor[:300],
        )
    rows.update(version=last)
    row.version = last
    return last


@transaction.atomic
def go_back(row: Any, version: Version, restore: Callable[[Any, Version], Any]) -> tuple[Any, bool]:
    """``row`` as ``version`` had it, by ``restore``, and whether that made a new version.

    Raises ValidationError, with a sentence, for what no longer fits.
    """
    before = row.version_id
    try:
        again = restore(row, version)
    except ValidationError as error:
        why = " ".join(error.messages)
        told = f"{str(version).capitalize()} does not fit any more. {why}"
        raise ValidationError(told) from error
    return again, note_restored(again, version, before)


def note_restored(row: Any, version: Version, before: int | None) -> bool:
    """Let ``row``'s version say that ``version`` was gone back to; whether there is a new one."""
    if row.version_id == before:
        return False
    Version.objects.filter(pk=row.version_id).update(restores=version.number)
    return True


@transaction.atomic
def delete_row(row: Any, *, actor: str) -> None:
    """Delete ``row``; of one whose versions are kept, a last one says who did it."""
    pk, last = row.pk, versions_of(row).first()
    count, _ = row.delete()
    if count and last:
        Version.objects.create(
            kind=last.kind,
            row=pk,
            number=last.number + 1,
            content=last.content,
            lines=last.lines,
            deleted_from=row.feedback_type,
            actor=actor[:300],
        )


def deleted_from(kind: FeedbackType) -> QuerySet[Version]:
    """The last versions of what was deleted there, the newest first."""
    return Version.objects.filter(deleted_from=kind).order_by("-pk")


def kept_fields(model: type[models.Model]) -> list[Any]:
    """The fields of a row's own that people set."""
    return [
        field
        for field in model._meta.concrete_fields
        if field.editable and not field.primary_key and field.name not in NOT_KEPT
    ]


def values_of(row: models.Model) -> Content:
    return {field.name: field.value_from_object(row) for field in kept_fields(type(row))}


def write_content(row: models.Model, content: Mapping[str, Any]) -> None:
    """Those that ``content`` has; a field that came later stays as it is."""
    for field in kept_fields(type(row)):
        if field.name in content:
            setattr(row, field.attname, content[field.name])


def field_lines(
    model: type[models.Model],
    content: Mapping[str, Any],
    labels: Mapping[str, str] | None = None,
    named: Naming | None = None,
) -> Iterator[str]:
    """The name, and each field that is not as it is by itself."""
    for field in kept_fields(model):
        value = content.get(field.name)
        if field.name == "name" or value not in (field.get_default(), None, ""):
            label = (labels or {}).get(field.name) or capfirst(field.verbose_name)
            yield from labelled(label, told(field, value, named or name_of))


def labelled(label: str, text: str) -> list[str]:
    """A line, and one more for each further line of ``text``."""
    first, *others = text.splitlines() or [""]
    return [f"{label}: {first}", *(f"{INDENT}{line}" for line in others)]


def told(field: Any, value: Any, named: Naming) -> str:
    """A value of a model's field as people read it."""
    if field.is_relation:
        return named(field.related_model, value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(dict(field.flatchoices).get(value, value))


def name_of(model: type[models.Model], pk: Any) -> str:
    row = model._default_manager.filter(pk=pk).first()
    return str(row) if row else f"{model._meta.verbose_name} no. {pk}, which is gone"


def id_of(model: type[models.Model], pk: Any) -> str:
    """In place of ``name_of`` where it makes no difference what a row is called."""
    return f"{model._meta.label} {pk}"


@dataclass(frozen=True)
class Line:
    sign: str  # "+", "-" or " "
    text: str

    @property
    def kind(self) -> str:
        return {"+": "added", "-": "removed"}.get(self.sign, "same")


def compared(
    before: list[str], after: list[str], said: tuple[list[str], list[str]] | None = None
) -> list[Line]:
    """Every line of both, as what left, what came, and what stayed.

    ``said`` are the lines of both by ids: what is only called otherwise by now has stayed.
    """
    lines: list[Line] = []
    old, new = said or (before, after)
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += [Line(" ", text) for text in after[j1:j2]]
        else:
            lines += [Line("-", text) for text in before[i1:i2]]
            lines += [Line("+", text) for text in after[j1:j2]]
    return lines
