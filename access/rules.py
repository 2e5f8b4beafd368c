"""The table of who sees and changes what. A row that is not seen is not there: no hint, no count.

Pages, the admin (``access/admin.py``), REST, files, search and choices all ask ``RULES``, by

- ``seen``, ``changeable``, ``deletable``: the rows that a caller may look at, change, delete
- ``may_change``, ``may_delete``, ``may_make``: the same of one row, or of one to come
- ``may`` and ``within``: what a caller may do in a project, whatever the rows are

Rows are named by their model's label, since this package knows none of the apps.
``tests/permissions`` walks every address as everybody; docs/permissions.md tells people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import reduce
from operator import or_
from typing import Any, TypeVar, cast

from django.apps import apps
from django.db.models import BigIntegerField, Exists, Model, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from access.callers import Caller

Row = TypeVar("Row", bound=Model)
Limit = Callable[[Caller], Q]  # the rows that a caller is left with

NOTHING = Q(pk__in=[])
EVERYTHING = ~NOTHING  # not Q(), which “or” would drop
# What participants are told of a ticket's history, beside changes of public comments; links,
# teams, exposure and custom data are not theirs.
PUBLIC_FIELDS = ("summary", "description", "status", "blocking", "tags")
MANAGERS, SUPPORT, OBSERVERS, PARTICIPANTS = (
    "project_manager",
    "support",
    "observer",
    "participant",
)


class Right(Enum):
    """What being in a project's team gives, by the team's kind. Community managers have it all."""

    SEE = (MANAGERS, SUPPORT, OBSERVERS, PARTICIPANTS)
    CONTRIBUTE = (MANAGERS, SUPPORT, PARTICIPANTS)  # submit and comment
    INSIDE = (MANAGERS, SUPPORT, OBSERVERS)  # every ticket, internal ones and what is behind them
    MANAGE = (MANAGERS,)
    COMMUNITY = ()


def within(right: Right, path: str) -> Limit:
    """Rows whose project, found along ``path``, gives the caller ``right``.

    Rows without a ``path`` belong to no project, but to the whole community.
    """

    def limit(caller: Caller) -> Q:
        if caller.runs_community and caller.project is None:
            return EVERYTHING
        if caller.runs_community:
            return Q(**{path: caller.project}) if path else NOTHING
        if caller.person is None or not right.value:
            return NOTHING
        teams = caller.person.teams.filter(kind__in=right.value)
        return Q(**{f"{path}__in": teams.values("project")})

    return limit


def tickets_seen(caller: Caller) -> Q:
    """Participants see what is public, and their own."""
    path = "feedback_type__project"
    inside = within(Right.INSIDE, path)(caller)
    if caller.runs_community:
        return inside
    theirs = Q(exposure="public") | Q(submitter=caller.person)
    return inside | (within(Right.SEE, path)(caller) & theirs)


def tickets_changed(caller: Caller) -> Q:
    """Support changes what its own teams are responsible for."""
    managed = within(Right.MANAGE, "feedback_type__project")(caller)
    if caller.runs_community or caller.person is None:
        return managed
    return managed | Q(team__in=caller.person.teams.filter(kind=SUPPORT))


def on_tickets(right: Right, path: str, field: str) -> Limit:
    """What gives ``right``, and what stands in ``field`` of a ticket that the caller sees."""

    def limit(caller: Caller) -> Q:
        inside = within(right, path)(caller)
        if caller.runs_community or caller.person is None:
            return inside
        return inside | Q(pk__in=seen(_ticket(), caller).values(field))

    return limit


def comments_seen(caller: Caller) -> Q:
    """What was deleted in the outside system that it came from is gone for everybody."""
    return _told(caller, Q(exposure="public")) & Q(deleted_at=None)


def changes_seen(caller: Caller) -> Q:
    """What a comment said before has the comment's readers; that it is gone is told inside."""
    of_public = _of_comment(exposure="public", deleted_at=None)
    public = Q(field__in=PUBLIC_FIELDS) | Q(form_field__public=True) | of_public
    inside = ~Q(field="comment") | Q(after__isnull=True) | _of_comment(deleted_at=None)
    return _told(caller, public, inside)


def form_fields_seen(caller: Caller) -> Q:
    """Participants see what they are asked."""
    path = "feedback_type__project"
    inside = within(Right.INSIDE, path)(caller)
    return inside | (within(Right.SEE, path)(caller) & Q(public=True))


def _of_comment(**fields: Any) -> Q:
    """Changes of comments that are so; a change names its comment by ``{"id": …}``."""
    named = Cast(KeyTextTransform("id", OuterRef("before")), BigIntegerField())
    comments = apps.get_model("feedback", "Comment")._default_manager
    return Q(field="comment") & Q(Exists(comments.filter(pk=named, **fields)))


def _told(caller: Caller, public: Q, all_of_it: Q = EVERYTHING) -> Q:
    """Of tickets that the caller sees, those inside are told ``all_of_it``, others ``public``."""
    inside = within(Right.INSIDE, "ticket__feedback_type__project")(caller)
    return Q(ticket__in=seen(_ticket(), caller).values("pk")) & ((inside & all_of_it) | public)


def people_seen(caller: Caller) -> Q:
    """Oneself, and who is in, or wrote to, a project that one works in."""
    if caller.runs_community and caller.project is None:
        return EVERYTHING
    person = apps.get_model("auth", "User")._default_manager
    paths = ("teams__project", "tickets__feedback_type__project")
    known = reduce(or_, (within(Right.INSIDE, path)(caller) for path in paths))
    own = Q(pk=caller.person.pk) if caller.person else NOTHING
    return own | Q(pk__in=person.filter(known).values("pk"))


@dataclass(frozen=True)
class Rule:
    see: Limit
    change: Limit
    make: Right  # in the project that the new row is for
    delete: Limit
    by_keys: bool = True  # whether an API key may change, make and delete it too


def rule(
    path: str,
    *,
    see: Right | Limit,
    change: Right,
    make: Right | None = None,
    delete: Right | None = None,
    by_keys: bool = True,
) -> Rule:
    """``make`` and ``delete`` go with ``change`` where they are left out."""
    return Rule(
        within(see, path) if isinstance(see, Right) else see,
        within(change, path),
        make or change,
        within(delete or change, path),
        by_keys,
    )


RULES: dict[str, Rule] = {
    "feedback.project": rule(
        "pk",
        see=Right.SEE,
        change=Right.MANAGE,
        make=Right.COMMUNITY,
        delete=Right.COMMUNITY,
    ),
    "feedback.team": rule("project", see=Right.INSIDE, change=Right.MANAGE),
    "feedback.tag": rule(
        "project", see=on_tickets(Right.INSIDE, "project", "tags"), change=Right.MANAGE
    ),
    "feedback.workflow": rule("project", see=Right.INSIDE, change=Right.MANAGE),
    "feedback.status": rule(
        "workflow__project",
        see=on_tickets(Right.INSIDE, "workflow__project", "status"),
        change=Right.MANAGE,
    ),
    "feedback.feedbacktype": rule("project", see=Right.SEE, change=Right.MANAGE),
    "feedback.formfield": rule("feedback_type__project", see=form_fields_seen, change=Right.MANAGE),
    "feedback.savedfilter": rule("feedback_type__project", see=Right.INSIDE, change=Right.MANAGE),
    "feedback.ticket": Rule(
        see=tickets_seen,
        change=tickets_changed,
        make=Right.CONTRIBUTE,
        delete=lambda caller: NOTHING,
    ),
    "feedback.comment": Rule(
        see=comments_seen,
        change=lambda caller: NOTHING,
        make=Right.CONTRIBUTE,
        delete=lambda caller: NOTHING,
    ),
    "feedback.ticketchange": Rule(
        see=changes_seen,
        change=lambda caller: NOTHING,
        make=Right.COMMUNITY,
        delete=lambda caller: NOTHING,
    ),
    "feedback.ticketlink": rule(
        "ticket__feedback_type__project", see=Right.INSIDE, change=Right.MANAGE
    ),
    "feedback.standing": rule("project", see=Right.INSIDE, change=Right.COMMUNITY),
    "feedback.personnote": rule("project", see=Right.INSIDE, change=Right.COMMUNITY),
    "feedback.personchange": rule("project", see=Right.INSIDE, change=Right.COMMUNITY),
    "feedback.ticketdata": Rule(
        see=within(Right.INSIDE, "ticket__feedback_type__project"),
        change=lambda caller: NOTHING,
        make=Right.COMMUNITY,
        delete=lambda caller: NOTHING,
    ),
    "automation.macro": rule("feedback_type__project", see=Right.MANAGE, change=Right.MANAGE),
    "automation.externallistener": rule("project", see=Right.MANAGE, change=Right.MANAGE),
    "automation.delivery": rule("project", see=Right.MANAGE, change=Right.MANAGE),
    "automation.execution": rule(
        "ticket__feedback_type__project", see=Right.MANAGE, change=Right.MANAGE
    ),
    "automation.outgoing": rule("project", see=Right.MANAGE, change=Right.MANAGE),
    "apikeys.apikey": rule("project", see=Right.COMMUNITY, change=Right.COMMUNITY, by_keys=False),
    "apikeys.apicall": rule("api_key__project", see=Right.COMMUNITY, change=Right.COMMUNITY),
    "auth.user": rule("", see=people_seen, change=Right.COMMUNITY, by_keys=False),
}


def seen(model: type[Row], caller: Caller) -> QuerySet[Row]:
    """The rows that ``caller`` may know of."""
    return _limited(model, _rule(model).see(caller))


def changeable(model: type[Row], caller: Caller) -> QuerySet[Row]:
    return _limited(model, _rule(model).change(caller) if _may_write(model, caller) else NOTHING)


def deletable(model: type[Row], caller: Caller) -> QuerySet[Row]:
    return _limited(model, _rule(model).delete(caller) if _may_write(model, caller) else NOTHING)


def may_change(row: Model, caller: Caller) -> bool:
    return changeable(type(row), caller).filter(pk=row.pk).exists()


def may_delete(row: Model, caller: Caller) -> bool:
    return deletable(type(row), caller).filter(pk=row.pk).exists()


def may_make(model: type[Model], caller: Caller, project: Model | None = None) -> bool:
    """Whether ``caller`` may make a row of ``project``; of none, a community manager only."""
    if not _may_write(model, caller):
        return False
    if project is None:
        return caller.runs_community and caller.project is None
    return may(caller, _rule(model).make, project)


def may_make_somewhere(model: type[Model], caller: Caller) -> bool:
    """Whether there is a place where ``caller`` may make a row of ``model``."""
    if may_make(model, caller):
        return True
    projects = apps.get_model("feedback", "Project")._default_manager
    allowed = within(_rule(model).make, "pk")(caller)
    return _may_write(model, caller) and projects.filter(allowed).exists()


def makes_alone(model: type[Model]) -> bool:
    """Whether making one is for community managers, whatever it is like."""
    return _rule(model).make is Right.COMMUNITY


def may(caller: Caller, right: Right, project: Model) -> bool:
    return (
        type(project)._default_manager.filter(within(right, "pk")(caller), pk=project.pk).exists()
    )


def _ticket() -> type[Model]:
    return apps.get_model("feedback", "Ticket")


def _rule(model: type[Model]) -> Rule:
    return RULES[model._meta.label_lower]


def _may_write(model: type[Model], caller: Caller) -> bool:
    return _rule(model).by_keys or caller.person is not None


def _limited(model: type[Row], limit: Q) -> QuerySet[Row]:
    return cast("QuerySet[Row]", cast("Any", model)._default_manager.filter(limit))
