"""The OpenAPI schema as people read it: a resource, its operations, the fields of its rows."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

Schema = Mapping[str, Any]

TYPES: dict[Any, str] = {
    ("string", "date-time"): "time",
    ("string", "date"): "date",
    ("string", "email"): "mail address",
    ("string", "uri"): "web address",
    "string": "text",
    "integer": "number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    None: "anything",
}
NEVER_SENT = "never"
ORDER = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Value:
    """A field of a row, or a parameter of a request."""

    name: str
    type: str
    choices: tuple[str, ...] = ()
    about: str = ""
    sent: str = ""  # required, if you like, or never
    opposite: str = ""  # the parameter that means “none of these”


@dataclass(frozen=True)
class Shape:
    """What rows of one kind are made of."""

    name: str
    fields: tuple[Value, ...]

    @property
    def writable(self) -> bool:
        return any(each.sent != NEVER_SENT for each in self.fields)


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: str
    title: str
    about: str
    parameters: tuple[Value, ...]
    headers: tuple[Value, ...]
    takes: str  # the shape of its body
    gives: str
    pages: bool  # whether it gives a page of them
    code: str
    refusals: tuple[str, ...]
    example: str  # what follows “curl” and the address in a terminal


@dataclass(frozen=True)
class Resource:
    name: str
    about: str
    operations: tuple[Operation, ...]
    shapes: tuple[Shape, ...]

    @property
    def methods(self) -> list[str]:
        used = {operation.method for operation in self.operations}
        return [method.upper() for method in ORDER if method.upper() in used]


@dataclass(frozen=True)
class Reference:
    resources: Mapping[str, Resource] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)


@cache
def reference() -> Reference:
    """Made once in each process: the schema does not change while it runs."""
    generator: Any = SchemaGenerator
    return read(generator().get_schema(request=None, public=True))


def read(schema: Schema) -> Reference:
    components = schema["components"]["schemas"]
    by_tag: dict[str, list[tuple[str, str, Schema]]] = {}
    refusals: dict[str, str] = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            by_tag.setdefault(operation["tags"][0], []).append((path, method, operation))
            refusals |= {
                code: answer["description"]
                for code, answer in operation["responses"].items()
                if code >= "400"
            }
    resources = {tag: _resource(tag, each, components) for tag, each in by_tag.items()}
    return Reference(resources, dict(sorted(refusals.items())))


def _resource(name: str, parts: list[tuple[str, str, Schema]], components: Schema) -> Resource:
    parts = sorted(parts, key=lambda part: (part[0].count("/"), part[0], ORDER.index(part[1])))
    about = _about(parts[0][2])
    operations = tuple(_operation(*part, about) for part in parts)
    shown = [shape for each in operations for shape in (each.gives, each.takes) if shape]
    names = dict.fromkeys(inner for shape in shown for inner in _within(shape, components))
    shapes = tuple(_shape(shape, components) for shape in names)
    return Resource(name, about, operations, shapes)


def _operation(path: str, method: str, operation: Schema, about: str) -> Operation:
    parameters = operation.get("parameters", [])
    code, answer = next(iter(operation["responses"].items()))
    body = operation.get("requestBody")
    content = _content(body)
    gives = _named(_content(answer).get("schema"))
    own = _about(operation)
    title = _plain(operation.get("summary") or operation["operationId"])
    return Operation(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        title=title,
        about="" if own == about or own.rstrip(".") == title else own,
        parameters=tuple(_parameters(parameters, "query")),
        headers=tuple(_parameters(parameters, "header")),
        takes=_base(_named(content.get("schema"))),
        gives=_base(gives),
        pages=gives.startswith("Paginated"),
        code=code,
        refusals=tuple(sorted(each for each in operation["responses"] if each >= "400")),
        example=_arguments(method, path, _example(content)),
    )


def _about(operation: Schema) -> str:
    return _plain(operation.get("description", ""))


def _plain(text: str) -> str:
    return text.replace("``", "")


def _arguments(method: str, path: str, body: Any) -> str:
    lines = [re.sub(r"\{(\w+)\}", lambda found: found[1].upper(), path)]
    if method not in ("get", "post") or (method == "post" and body is None):
        lines[0] += f" -X {method.upper()}"
    lines.append('-H "Authorization: Bearer KEY"')
    if body is not None:
        written = json.dumps(body, ensure_ascii=False)
        lines += ['-H "Content-Type: application/json"', f"-d {shlex.quote(written)}"]
    return " \\\n  ".join(lines)


def _content(part: Schema | None) -> Schema:
    """What is said of the JSON in a request or an answer."""
    return (part or {}).get("content", {}).get("application/json", {})


def _example(content: Schema) -> Any:
    return next((each["value"] for each in content.get("examples", {}).values()), None)


def _parameters(parameters: list[Schema], place: str) -> Iterator[Value]:
    here = {each["name"]: each for each in parameters if each["in"] == place}
    for name, each in here.items():
        if name.removesuffix("__not") in here and name.endswith("__not"):
            continue
        opposite = f"{name}__not" if f"{name}__not" in here else ""
        sent = "required" if each.get("required") else "if you like"
        yield _value(name, {**each, **each["schema"]}, {}, sent=sent, opposite=opposite)


def _named(schema: Schema | None) -> str:
    """The component that ``schema`` is, or is a page or an array of."""
    if not schema:
        return ""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    return _named(schema.get("items"))


def _base(component: str) -> str:
    """“Ticket” of PaginatedTicketList, TicketRequest and PatchedTicketRequest."""
    if component.startswith("Paginated"):
        return component.removeprefix("Paginated").removesuffix("List")
    return component.removeprefix("Patched").removesuffix("Request")


def _within(name: str, components: Schema) -> Iterator[str]:
    """``name``, and the objects inside it."""
    schema = components.get(name, components.get(f"{name}Request", {}))
    if schema.get("type") == "object":
        yield name
        for each in schema.get("properties", {}).values():
            inner = _named(each)
            if inner and inner != name:
                yield from _within(_base(inner), components)


def _shape(name: str, components: Schema) -> Shape:
    """What is read and what is sent, side by side."""
    sent = components.get(f"{name}Request", {"properties": {}})
    fields = {**sent["properties"], **components.get(name, {}).get("properties", {})}
    order = [*components.get(name, {}).get("properties", {}), *sent["properties"]]

    def how(field: str) -> str:
        if field not in sent["properties"]:
            return NEVER_SENT
        return "required" if field in sent.get("required", ()) else "if you like"

    values = (_value(each, fields[each], components, sent=how(each)) for each in order)
    return Shape(name, tuple({value.name: value for value in values}.values()))


def _value(
    name: str, schema: Schema, components: Schema, *, sent: str = "", opposite: str = ""
) -> Value:
    about = str(schema.get("description", "")).partition("\n\n*")[0].strip()
    about = about or str(schema.get("title", ""))
    if schema.get("writeOnly"):
        about = f"{about} Only sent, never shown.".strip()
    return Value(
        name=name,
        type=_type(schema, components),
        choices=tuple(str(each) for each in _choices(schema, components) if each != ""),
        about=about,
        sent=sent,
        opposite=opposite,
    )


def _resolved(schema: Schema, components: Schema) -> Schema:
    if "$ref" in schema:
        return components.get(_named(schema), {})
    whole = schema.get("allOf")
    return _resolved(whole[0], components) if whole else schema


def _choices(schema: Schema, components: Schema) -> list[Any]:
    schema = _resolved(schema, components)
    several = schema.get("oneOf") or schema.get("anyOf") or ()
    if several:
        return [choice for each in several for choice in _choices(each, components)]
    if schema.get("type") == "array":
        return _choices(schema["items"], components)
    return list(schema.get("enum", ()))


def _type(schema: Schema, components: Schema) -> str:
    nullable = " or null" if schema.get("nullable") else ""
    named = _base(_named(schema)) if "$ref" in schema else ""
    schema = _resolved(schema, components)
    if named and schema.get("type") == "object":
        return named + nullable
    several = schema.get("oneOf") or schema.get("anyOf") or ()
    if several:
        words = dict.fromkeys(_type(each, components) for each in several)
        return " or ".join(words) + nullable
    kind = schema.get("type", "string" if schema.get("enum") else None)
    if kind == "array":
        return f"list of {_type(schema['items'], components)}" + nullable
    words_of = TYPES.get((kind, schema.get("format")), TYPES.get(kind, str(kind)))
    return words_of + nullable
