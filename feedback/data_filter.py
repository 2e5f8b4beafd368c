"""The filter on custom data: ``jirafixed.priority.name=High``, on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, Exists, Func, OuterRef, Q, QuerySet
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from drf_spectacular.utils import extend_schema_field

from feedback.data_paths import LONGEST_ASKED, Asked, Step, asked, found_in, shown
from feedback.models import Ticket, TicketData
from feedback.sqlite import HOLDS

MOST_ASKED = 20  # values, each of which is looked for in every ticket
HOW = "Such as jirafixed.priority.name=High; without “=” any value there will do."


class Holds(Func):
    """Whether a JSON column holds something of what is asked for."""

    output_field = BooleanField()

    def __init__(self, content: Any, wanted: tuple[Asked, ...]) -> None:
        super().__init__(content)
        self.wanted = wanted

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        column, params = compiler.compile(self.source_expressions[0])
        texts = json.dumps([str(what) for what in self.wanted])
        return f"{HOLDS}({column}, %s)", (*params, texts)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Each place is looked at once, however many values are asked for there."""
        column, params = compiler.compile(self.source_expressions[0])
        found = f"jsonb_path_query({column}, %s::jsonpath, '{{}}', true) AS found(value)"
        places = defaultdict(list)
        for what in self.wanted:
            places[what.steps].append(_met(what))
        conditions, values = [], list[Any]()
        for steps, met in places.items():
            any_of_them = " OR ".join(condition for condition, _ in met)
            conditions.append(f"EXISTS (SELECT 1 FROM {found} WHERE {any_of_them})")
            values += [*params, _as_jsonpath(steps), *(each for _, own in met for each in own)]
        return f"({' OR '.join(conditions)})", tuple(values)


def _as_jsonpath(steps: tuple[Step, ...]) -> str:
    written = (
        f"[{step}]" if isinstance(step, int) else f".{json.dumps(step, ensure_ascii=False)}"
        for step in steps
    )
    return f"lax ${''.join(written)}[*]"


def _met(what: Asked) -> tuple[str, list[Any]]:
    """What a value that is found must be, as SQL of PostgreSQL; as ``Asked.is_met_by``."""
    if not what.value:
        return """value NOT IN ('null', '""')""", []
    text = "(jsonb_typeof(value) = 'string' AND UPPER(value #>> '{}') = UPPER(%s))"
    told = what.truth_or_number
    if told is None:
        return text, [what.value]
    return f"{text} OR value = %s::jsonb", [what.value, json.dumps(told)]


class SeveralTexts(forms.TextInput):
    """A line for each text, and an empty one for another."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        return [text for text in data.getlist(name) if text.strip()]

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        lines = [*(value or []), ""]
        each = (
            super(SeveralTexts, self).render(name, line, self._attrs_of(place, attrs), renderer)
            for place, line in enumerate(lines)
        )
        return format_html_join("\n", "{}", ((line,) for line in each))

    def _attrs_of(self, place: int, attrs: Any) -> dict[str, Any]:
        own = dict(attrs or {})
        if place:
            own |= {"id": f"{own.get('id', '')}_{place}", "aria-label": "Or"}
        return own


class DataField(forms.Field):
    """Texts that ask for custom data, each as it would be written by us."""

    widget = SeveralTexts

    def to_python(self, value: Any) -> list[str]:
        texts = [str(each) for each in value or ()]
        if len(texts) > MOST_ASKED:
            raise ValidationError(f"Give at most {MOST_ASKED} values.")
        return list(dict.fromkeys(map(_understood, texts)))


def _understood(text: str) -> str:
    try:
        return str(asked(text))
    except ValueError as error:
        raise ValidationError(
            f"“{text[:100]}” asks for no custom data. Write their name, the path to a value and "
            "the value, such as jirafixed.priority.name=High; a name with signs of its own stands "
            'in quotation marks, as in azure.fields."System.State"=Active.'
        ) from error


@extend_schema_field(
    {
        "type": "string",
        "maxLength": LONGEST_ASKED,
        "description": f"Custom data of the ticket. {HOW}",
    }
)
class DataFilter(filters.MultipleChoiceFilter):
    field_class = DataField

    def filter(self, tickets: QuerySet[Ticket], texts: list[str]) -> QuerySet[Ticket]:
        if not texts:
            return tickets
        by_name = defaultdict(list)
        for what in map(asked, texts):
            by_name[what.name].append(what)
        held = (Q(name=name) & Q(Holds("content", (*own,))) for name, own in by_name.items())
        kept = TicketData.objects.filter(reduce(or_, held), ticket=OuterRef("pk"))
        return self.get_method(tickets)(Exists(kept))


def what_it_holds(ticket: Ticket, texts: Iterable[str]) -> list[str]:
    """What ``ticket`` has where ``texts`` look: “jirafixed.priority.name is Low”."""
    content = {data.name: data.content for data in ticket.data.all()}
    places = dict.fromkeys(Asked(what.name, what.steps) for what in map(asked, texts))
    return [f"{place} is {_found(content.get(place.name), place) or 'empty'}" for place in places]


def _found(content: Any, place: Asked) -> str:
    found = (shown(each) for each in found_in(content, place.steps) if each not in (None, ""))
    return shown(", ".join(found))
