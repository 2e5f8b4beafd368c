"""The sidebar: what the person may see, nothing else, by the same few queries for everyone."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import escape, format_html

from access.callers import Caller
from access.rules import Right, seen
from feedback.models import FeedbackType, Project

Group = dict[str, Any]
Item = dict[str, Any]
MOST = 30  # projects; the others are found by Overview and search
BELOW_A_TYPE = [
    (format_html('<span class="hub-nav-sub">{}</span>', title), name)
    for title, name in (("Feedback Resources", "resources"), ("Feedback Automation", "automation"))
]
PARTS = {  # by a page's name or the first word of it; “tickets” where neither is here
    "resources": "resources",
    "macro": "resources",
    "deleted": "resources",
    "filters": "resources",
    "saved": "resources",
    "save": "resources",
    "form": "resources",
    "automation": "automation",
    "listener": "automation",
    "starts": "automation",
    "trigger": "automation",
    "schedule": "automation",
    "runs": "automation",
    "run": "automation",
    "run_macro": "tickets",
    "undo": "automation",
    "bulk": "automation",
    "bulk_add": "tickets",
    "delivery": "automation",
    "hand": "automation",
}


class Place(NamedTuple):
    """The part of the menu that a page belongs to."""

    project_key: str
    prefix: str = ""
    part: str = ""


def navigation(request: HttpRequest) -> list[Group]:
    user = request.user
    if not user.is_active:
        return []
    caller = Caller.of(user)
    projects = seen(Project, caller).filter(archived=False)
    managed = set(Project.objects.giving(caller, Right.MANAGE).values_list("pk", flat=True))
    place = place_of(request)
    groups = [_group("", _item(request, "Overview", "dashboard", "admin:index"))]
    groups += [
        _project(request, project, place, manages=project.pk in managed)
        for project in projects.prefetch_related("feedback_types")[:MOST]
    ]
    if caller.runs_community:
        tools = _item(request, "All Community Tools", "handyman", "community")
        groups.append(_group("Community Administration", tools))
    return groups


def _project(request: HttpRequest, project: Project, place: Place, *, manages: bool) -> Group:
    home = _item(request, "Project home", "home", "project_home", project.key)
    home["active"] = (place.project_key, place.prefix) == (project.key, "")
    types = [kind for kind in project.feedback_types.all() if not kind.archived]
    items = [item for kind in types for item in _type(request, project, kind, place, manages)]
    return _group(project.name, home, *items) | {"collapsible": True}


def _type(
    request: HttpRequest, project: Project, kind: FeedbackType, place: Place, manages: bool
) -> list[Item]:
    args = (project.key, kind.prefix)
    tickets = _item(request, escape(kind.name), "confirmation_number", "tickets", *args)
    below = BELOW_A_TYPE if manages else ()
    items = [tickets, *(_item(request, title, "", name, *args) for title, name in below)]
    if (place.project_key, place.prefix) == args:
        names = ["tickets", *(name for _, name in below)]
        part = place.part if place.part in names else "tickets"
        for name, item in zip(names, items, strict=True):
            item["active"] = name == part
    return items


def place_of(request: HttpRequest) -> Place:
    """Where the page says that it stands, or its address does."""
    match = request.resolver_match
    if match is None:
        return Place("")
    name = match.url_name or ""
    part = PARTS.get(name) or PARTS.get(name.partition("_")[0], "tickets")
    said_key, said_prefix = getattr(request, "place", ("", ""))
    prefix = match.kwargs.get("prefix") or match.kwargs.get("ref", "").partition("-")[0].upper()
    return Place(said_key or match.kwargs.get("project_key", ""), said_prefix or prefix, part)


def _group(title: str, *items: Item) -> Group:
    return {"title": title, "separator": bool(title), "items": list(items)}


def _item(request: HttpRequest, title: str, icon: str, name: str, *args: str) -> Item:
    """``title`` is HTML: the theme prints it as it is, so what people named must be escaped."""
    link = reverse(name, args=args)
    return {"title": title, "icon": icon, "link": link, "active": request.path == link}
