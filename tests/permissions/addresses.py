"""Every address that the project serves, as the URL configuration has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import get_resolver, resolve
from django.urls.resolvers import URLResolver

TWO_WAYS = ("_add", "_change", "_delete", "_password_change")  # forms of the admin: GET and POST


@dataclass(frozen=True)
class Address:
    route: str
    name: str
    methods: frozenset[str]


def every_address() -> list[Address]:
    return [
        Address(route, pattern.name or "", methods_of(pattern))
        for route, pattern in _walk(get_resolver(), "")
    ]


def route_of(path: str) -> str:
    return str(resolve(path.partition("?")[0]).route)


def _walk(resolver: URLResolver, before: str) -> Iterator[tuple[str, Any]]:
    for pattern in resolver.url_patterns:
        own = str(pattern.pattern)
        route = before + (own.removeprefix("^") if before else own)  # as Django joins them
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, route)
        else:
            yield route, pattern


def methods_of(pattern: Any) -> frozenset[str]:
    """What the view behind it answers, as far as it says so."""
    actions = getattr(pattern.callback, "actions", None)
    if actions:  # a resource of the REST API
        return frozenset(method.upper() for method in actions if method != "head")
    view_class = getattr(pattern.callback, "view_class", None)
    if view_class is not None and not hasattr(view_class, "get_redirect_url"):
        own = [name for name in ("get", "post") if hasattr(view_class, name)]
        return frozenset(name.upper() for name in own if name in view_class.http_method_names)
    both = (pattern.name or "").endswith(TWO_WAYS)
    return frozenset({"GET", "POST"} if both else {"GET"})
