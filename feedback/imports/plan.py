"""What a file asks for: written whole or not at all, and tried out by writing and taking back."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum

from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, transaction

from feedback.bulk import Work, chunks, do_work
from feedback.imports.files import Row
from feedback.imports.problems import Problem, Refused, refuse
from feedback.models import FeedbackType, Project, Ticket, TicketChange
from feedback.services import tags_named
from feedback.values import shown


class Kind(Enum):
    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass
class Step:
    """One line of the file. ``tags`` are names, made into rows when the plan is carried out."""

    line: int
    work: Work
    new: bool = False
    tags: list[str] | None = None


@dataclass
class Plan:
    project: Project
    steps: list[Step]
    feedback_type: FeedbackType | None = None  # of the new tickets


@dataclass(frozen=True)
class Outcome:
    line: int
    kind: Kind
    ticket: Ticket
    changes: list[TicketChange]

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What a new ticket is like."""
        ticket = self.ticket
        noted = [(change.field, change.after_text) for change in self.changes]
        return [
            ("Status", str(ticket.status)),
            ("Responsible team", str(ticket.team or "")),
            ("Submitter", ticket.submitter.get_username()),
            ("Exposure", ticket.exposure if ticket.exposure == "internal" else ""),
            ("Blocking", "yes" if ticket.blocking else ""),
            ("Priority score", str(ticket.score or "")),
            *(
                (field.label, shown(field, ticket.values.get(field.key)))
                for field in ticket.feedback_type.fields
            ),
            *((name.capitalize(), text) for name, text in noted if name in ("tags", "link")),
        ]


@dataclass(frozen=True)
class Report:
    outcomes: list[Outcome]
    new_tags: list[str]
    last_number: int = 0  # given in the feedback type before this file
    again: int = 0  # tickets like its new ones that were submitted since the preview
    done: bool = False

    @property
    def sentence(self) -> str:
        """“12 new tickets, 3 changes, 1 unchanged”."""
        kinds = Counter(outcome.kind for outcome in self.outcomes)
        parts = [
            _several(kinds[Kind.NEW], "new ticket"),
            _several(kinds[Kind.CHANGED], "change"),
            f"{kinds[Kind.UNCHANGED]:,} unchanged" if kinds[Kind.UNCHANGED] else "",
        ]
        return ", ".join(filter(None, parts))

    @property
    def writes(self) -> int:
        return sum(outcome.kind is not Kind.UNCHANGED for outcome in self.outcomes)

    @property
    def fingerprint(self) -> str:
        """The same for two reports that do the same, whichever numbers new tickets get."""
        told = [
            [
                *(outcome.line, outcome.kind.value),
                "" if outcome.kind is Kind.NEW else outcome.ticket.pk,
                *(outcome.ticket.submitter_id, outcome.ticket.status_id, outcome.ticket.team_id),
                [[change.field, change.before, change.after] for change in outcome.changes],
            ]
            for outcome in self.outcomes
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _several(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count > 1 else ''}" if count else ""


def steps_of(rows: Iterable[Row], step: Callable[[Row], Step]) -> list[Step]:
    """The step of each row; raises Refused with all that is wrong with all of them."""
    steps: list[Step] = []
    problems: list[Problem] = []
    for row in rows:
        try:
            steps.append(step(row))
        except Refused as refused:
            problems += refused.problems
    if problems:
        raise Refused(problems)
    return steps


def rehearse(plan: Plan, *, actor: str) -> Report:
    """What would come of it: it is really written, and taken back."""
    with _all_or_nothing():
        report = _carry_out(plan, actor)
        transaction.set_rollback(True)
    return report


def carry_out(plan: Plan, *, actor: str, expected: str, last_number: int) -> Report:
    """Write it, unless something else would come of it than the preview showed."""
    with _all_or_nothing():
        report = _carry_out(plan, actor, last_number)
        if report.fingerprint != expected or report.again:
            transaction.set_rollback(True)
            return report
    return replace(report, done=True)


@contextmanager
def _all_or_nothing() -> Iterator[None]:
    """A transaction whose failure is a sentence."""
    try:
        with transaction.atomic():
            yield
    except ValidationError as error:
        raise refuse(" ".join(error.messages)) from error
    except (IntegrityError, OperationalError) as error:
        raise refuse(
            "Somebody else changed the same things at the same moment, or the database was busy. "
            "Nothing was imported: try again."
        ) from error


def _carry_out(plan: Plan, actor: str, last_number: int | None = None) -> Report:
    new = [step.work.ticket for step in plan.steps if step.new]
    _lock(plan)
    new_tags = _name_tags(plan)
    works = [step.work for step in plan.steps]
    do_work(works, actor=actor, feedback_type=plan.feedback_type)
    outcomes = [
        Outcome(step.line, _kind(step), step.work.ticket, step.work.changes) for step in plan.steps
    ]
    if not (new and plan.feedback_type):
        return Report(outcomes, new_tags)
    again = _submitted_since(plan.feedback_type, new, last_number)
    return Report(outcomes, new_tags, new[0].number - 1, again)


def _kind(step: Step) -> Kind:
    if step.new:
        return Kind.NEW
    return Kind.CHANGED if step.work.changes else Kind.UNCHANGED


def _submitted_since(feedback_type: FeedbackType, new: list[Ticket], last: int | None) -> int:
    """How many tickets like the ``new`` ones came after number ``last``: a form sent twice."""
    if last is None:
        return 0
    others = Ticket.objects.filter(
        feedback_type=feedback_type, number__gt=last, number__lt=new[0].number
    )
    summaries = {ticket.summary for ticket in new}
    return sum(summary in summaries for summary in others.values_list("summary", flat=True))


def _lock(plan: Plan) -> None:
    """Each ticket as it is now, locked in the order that workers lock in, until the commit."""
    steps = [step for step in plan.steps if not step.new]
    held: dict[int, Ticket] = {}
    related = ("feedback_type__project", "status", "team", "submitter")
    for chunk in chunks(sorted({step.work.ticket.pk for step in steps})):
        rows = Ticket.objects.filter(pk__in=chunk)
        list(rows.select_for_update().only("pk").order_by("pk"))  # alone: joined rows may be old
        held |= {ticket.pk: ticket for ticket in rows.select_related(*related)}
    for step in steps:
        ticket = held.get(step.work.ticket.pk)
        if ticket is None:
            raise refuse(f"{step.work.ticket} is gone: take the line out.", step.line, "ref")
        step.work.ticket = ticket
        if plan.feedback_type:
            ticket.feedback_type = plan.feedback_type  # whose form fields are read once


def _name_tags(plan: Plan) -> list[str]:
    """Give each step the tags that it names; returns the names of those that had to be made."""
    names: dict[str, str] = {}
    for name in (name for step in plan.steps for name in step.tags or ()):
        names.setdefault(name.lower(), name)
    tags = {tag.name.lower(): tag for tag in plan.project.tags.all()}
    made = [name for small, name in names.items() if small not in tags]
    for name in made:
        tags[name.lower()] = tags_named(plan.project, [name])[0]
    for step in plan.steps:
        if step.tags is not None:
            own = {tags[name.lower()].pk: tags[name.lower()] for name in step.tags}
            step.work.fields["tags"] = list(own.values())
    return made
