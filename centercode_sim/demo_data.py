"""What the demo shows: a project in mid-beta, the people around it and the road from Jira."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.db import transaction

from apikeys.models import APIKey, digest_of
from automation.listener_versions import keep_listener
from automation.macros import save_macro
from automation.models import ExternalListener, Macro
from centercode_sim.environment import kept_secret
from feedback.form_fields import save_form_field
from feedback.furnishing import create_project
from feedback.models import (
    Exposure,
    FeedbackType,
    FormField,
    Project,
    Status,
    Team,
    Ticket,
    TicketLink,
)
from feedback.services import add_comment, change_ticket, link_ticket, submit_ticket

ISSUE_KEY, ISSUE_ID = "SANDBOX-12", "10012"
ACTOR = "The demo"

PEOPLE = {  # user name: role, team
    "community": ("community manager", None),
    "manager": ("project manager", "Project Managers"),
    "support": ("support", "Beta Support"),
    "observer": ("observer", "Observers"),
    "tester": ("participant", "Participants"),
}
TICKETS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (  # prefix, summary, status, fields
    (
        "BUG",
        "Export stops at 99 % on large projects",
        "Logged to Jira",
        {"severity": "High", "platform": ["Windows"], "seen": "2026-11-20"},
    ),
    (
        "BUG",
        "The lens cap warning stays after the cap is off",
        "New",
        {"severity": "Low", "platform": ["iOS", "Android"]},
    ),
    ("BUG", "Battery shows 100 % until it is empty", "In Progress", {"severity": "High"}),
    ("BUG", "Two taps on Save make two copies", "Fixed", {"severity": "Medium"}),
    ("SUG", "Let me rename an album from the list", "New", {}),
    ("SUG", "A darker dark mode", "Open", {}),
)
FIELDS: tuple[dict[str, Any], ...] = (  # of bugs
    {"label": "Severity", "kind": "choice", "choices": ["Low", "Medium", "High"], "required": True},
    {"label": "Platform", "kind": "platform", "help": "On which of them did you see it?"},
    {"label": "Seen", "kind": "date", "public_label": "When did you see it first?"},
    {"label": "Cause", "kind": "long_text", "public": False},
)
THANKS = "Thank you for {{ ticket.ref }}, {{ ticket.submitter }}: it is {{ ticket.status }} now."


@dataclass(frozen=True)
class Demo:
    """The parts that the proof needs."""

    ticket: Ticket
    listener: ExternalListener
    api_key: APIKey
    whole_key: str
    passwords: dict[str, str]  # by user name; empty where somebody set another one


def demo_data() -> Demo:
    """The demo's data, made where DATA_DIR holds nothing yet."""
    password = kept_secret(settings.DATA_DIR / "demo_password", size=9)
    if not Project.objects.filter(key="beta").exists():
        fill(password)
    listener = ExternalListener.objects.get(project__key="beta", key="jiraclosed")
    api_key = APIKey.objects.get(prefix="jirademo")
    right = cache(lambda encoded: check_password(password, encoded))
    people = User.objects.filter(username__in=PEOPLE).values_list("username", "password")
    return Demo(
        ticket=Ticket.objects.in_project(listener.project).with_ref("BUG-0001").get(),
        listener=listener,
        api_key=api_key,
        whole_key=whole_key(api_key, settings.DATA_DIR / "demo_api_key"),
        passwords={name: password if right(encoded) else "" for name, encoded in people},
    )


def whole_key(api_key: APIKey, path: Path) -> str:
    """The key as shown once; issued anew where the one in ``path`` no longer opens the door."""
    if not path.exists() or digest_of(path.read_text()) != api_key.digest:
        path.touch(mode=0o600)
        path.write_text(api_key.issue())
    return path.read_text()


@transaction.atomic
def fill(password: str) -> None:
    people = make_people(password)
    project = create_project("beta", "Beta")
    Team.objects.create(project=project, name="Observers", kind=Team.Kind.OBSERVER)
    for name, (_, team) in PEOPLE.items():
        if team:
            project.teams.get(name=team).members.add(people[name])
    make_fields(project)
    make_tickets(project, people)
    make_road(project)


def make_people(password: str) -> dict[str, User]:
    encoded = make_password(password)
    return {
        name: User.objects.create(
            username=name,
            email=f"{name}@example.com",
            password=encoded,
            is_staff=name == "community",
            is_superuser=name == "community",
        )
        for name in PEOPLE
    }


def make_fields(project: Project) -> None:
    bugs = project.feedback_types.get(prefix="BUG")
    for field in FIELDS:
        save_form_field(FormField(feedback_type=bugs, **field))


def make_tickets(project: Project, people: dict[str, User]) -> None:
    types = {kind.prefix: kind for kind in FeedbackType.objects.filter(project=project)}
    statuses = {status.name: status for status in Status.objects.in_project(project)}
    for prefix, summary, status, values in TICKETS:
        ticket = submit_ticket(
            types[prefix], summary=summary, submitter=people["tester"], values=values
        )
        change_ticket(ticket, actor="manager", status=statuses[status])
    first = Ticket.objects.in_project(project).with_ref("BUG-0001").get()
    body = "It happens each time with more than 2,000 pictures."
    add_comment(first, body=body, actor="tester", author=people["tester"])
    link_ticket(
        first,
        actor="manager",
        system=TicketLink.System.JIRA,
        remote_key=ISSUE_KEY,
        remote_id=ISSUE_ID,
    )


def make_road(project: Project) -> None:
    bugs = FeedbackType.objects.get(project=project, prefix="BUG")
    closed = bugs.default_workflow.statuses.get(name="Closed")
    support = project.teams.get(name="Beta Support")
    params = {"team": support.pk, "workflow": closed.workflow_id, "status": closed.pk}
    macro = Macro(feedback_type=bugs, name="Close ticket")
    thank = Macro(feedback_type=bugs, name="Thank the tester")
    thanks = ("add_comment", {"body": THANKS, "exposure": Exposure.PUBLIC})
    points = ("adjust_score", {"points_how": "add", "points": 10})
    save_macro(thank, [thanks, points], actor=ACTOR)
    listener = ExternalListener.objects.create(
        project=project,
        feedback_type=bugs,
        name="Jira closed",
        key="jiraclosed",
        description="Closes the ticket when its Jira issue is done.",
        sender="jira",
        macro=save_macro(macro, [("adjust_workflow", params)], actor=ACTOR),
        when=ExternalListener.When.STATUS_CHANGED_TO,
        when_status="Done",
    )
    keep_listener(listener, actor=ACTOR)
    APIKey(
        name="Jira demo",
        description="What the demo calls its listener with.",
        prefix="jirademo",
        scopes=[APIKey.Scope.LISTEN],
    ).issue()


def reopen(ticket: Ticket) -> bool:
    """Take a ticket that an earlier demo closed back to where it was; False if it is open."""
    if ticket.status.category != Status.Category.DONE:
        return False
    logged = ticket.status.workflow.statuses.get(name="Logged to Jira")
    managers = ticket.project.teams.get(name="Project Managers")
    change_ticket(ticket, actor=ACTOR, status=logged, team=managers)
    return True
