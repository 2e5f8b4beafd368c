"""Which tickets a delivery is about."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Upper

from automation.models import Delivery, ExternalListener
from automation.senders import BY_SYSTEM
from feedback.models import REF, Ticket, TicketLink

PLACEHOLDER = re.compile(r"VALUE|\$?\{.*\}|<.*>|\[.*\]|%[A-Za-z_.]+%")


def is_placeholder(find: str) -> bool:
    """Whether ``find`` is what should have been replaced: VALUE, ${issue.key}, {{issue.key}} …"""
    return PLACEHOLDER.fullmatch(find) is not None


def system_and_name(text: str) -> tuple[str, str]:
    """``jira:SANDBOX-12`` names its system; "" where ``text`` names none."""
    system, _, name = text.partition(":")
    system = system.strip().lower()
    return (system, name.strip()) if system in TicketLink.System.values else ("", text)


# Tickets by (project, system, canonical remote key or id), and by (project, own name)
LinkedTickets = defaultdict[tuple[int | None, str, str], set[int]]
OwnTickets = defaultdict[tuple[int | None, tuple[str, int] | None], set[int]]


@dataclass(frozen=True)
class Named:
    """The tickets that ``text`` stands for, and the systems whose links say so."""

    text: str = ""
    tickets: frozenset[int] = frozenset()
    systems: frozenset[str] = frozenset()


class Directory:
    """The tickets that some deliveries name, looked up for all of them at once."""

    def __init__(self, deliveries: Iterable[Delivery]) -> None:
        deliveries = list(deliveries)
        projects = {delivery.project_id for delivery in deliveries}
        texts = {
            name for delivery in deliveries for text in _names(delivery) for name in _forms(text)
        }
        self._linked = _linked_tickets(projects, texts)
        self._own = _own_tickets(projects, texts)

    def named_by(self, delivery: Delivery) -> Named:
        """What the first of the delivery's names that anything goes by stands for."""
        found = (self._called(delivery, text) for text in _names(delivery))
        return next((named for named in found if named.tickets), Named())

    def _called(self, delivery: Delivery, text: str) -> Named:
        """A link of the sender's own system goes before our own ids: Jira may have a BUG-1 too."""
        chosen = _is_chosen(delivery, text)
        system, name = system_and_name(text) if chosen else ("", text)
        links = self._links(delivery, system or listener_of(delivery).external_sender.system, name)
        links = links or (self._links(delivery, "", text) if system else [])
        if not links and chosen:
            return Named(text, frozenset(self._own[delivery.project_id, own_name(text)]))
        tickets, systems = zip(*links, strict=True) if links else ((), ())
        return Named(text, frozenset(tickets), frozenset(systems))

    def _links(self, delivery: Delivery, system: str, name: str) -> list[tuple[int, str]]:
        """(ticket, system) of the links of that name, of that system where one is given."""
        return [
            (ticket, of)
            for of in ([system] if system else TicketLink.System.values)
            for ticket in self._linked[delivery.project_id, of, _canonical(of, name)]
        ]


def that_may_name(tickets: Collection[int], deliveries: QuerySet[Delivery]) -> list[int]:
    """Row ids of those of ``deliveries`` that name some of ``tickets``, perhaps after another."""
    own = Ticket.objects.filter(pk__in=tickets)
    names = {*own.values_list("feedback_type__prefix", "number")}
    links = TicketLink.objects.filter(ticket__in=tickets).values_list("remote_key", "remote_id")
    texts = {text.upper() for link in links for text in link} - {""}
    rows = deliveries.values_list("pk", "find", "references", "item", named=True)
    return [
        row.pk
        for row in rows.iterator()
        if any(
            own_name(text) in names or not texts.isdisjoint(_upper(text)) for text in _names(row)
        )
    ]


@lru_cache(maxsize=20_000)
def _upper(text: str) -> frozenset[str]:
    """The forms of a text that is asked for again and again, while it waits."""
    return frozenset(form.upper() for form in _forms(text))


def _canonical(system: str, name: str) -> str:
    sender = BY_SYSTEM.get(system)
    return sender.canonical(name) if sender else name.upper()


def _forms(text: str) -> set[str]:
    """As what a link may hold what ``text`` names."""
    names = {text, system_and_name(text)[1]}
    return names.union(*(each.spellings(name) for each in BY_SYSTEM.values() for name in names))


def _names(delivery: Any) -> list[str]:
    """What a ticket may be called by ``delivery``, best first.

    With ``find=``, the body adds nothing but the item's id for good: the item may have moved.
    """
    if not delivery.find:
        return [text for text in delivery.references if text]
    if is_placeholder(delivery.find):
        return []
    return [text for text in (delivery.find, delivery.item) if text]


def _is_chosen(delivery: Delivery, text: str) -> bool:
    """A tracker's key is no id of ours and names no other system, even if it looks like that; what
    a person chose may."""
    chosen = delivery.find or listener_of(delivery).reference_expression
    return bool(chosen) and text != delivery.item


def listener_of(delivery: Delivery) -> ExternalListener:
    """Its listener, which only a refused request may lack."""
    assert delivery.listener is not None
    return delivery.listener


def own_name(text: str) -> tuple[str, int] | None:
    match = REF.fullmatch(text)
    return (match.group(1).upper(), int(match.group(2))) if match else None


def _linked_tickets(projects: set[int | None], texts: set[str]) -> LinkedTickets:
    either_case = texts | {text.upper() for text in texts}
    links = (
        TicketLink.objects.alias(key=Upper("remote_key"), id_there=Upper("remote_id"))
        .filter(Q(key__in=either_case) | Q(id_there__in=either_case))
        .filter(ticket__feedback_type__project__in=projects)
        .values_list(
            "ticket", "system", "remote_key", "remote_id", "ticket__feedback_type__project"
        )
    )
    found: LinkedTickets = defaultdict(set)
    for ticket, system, remote_key, remote_id, project in links:
        for text in {remote_key, remote_id} - {""}:
            found[project, system, _canonical(system, text)].add(ticket)
    return found


def _own_tickets(projects: set[int | None], texts: set[str]) -> OwnTickets:
    names = set(filter(None, map(own_name, texts)))
    tickets = Ticket.objects.filter(
        feedback_type__project__in=projects,
        feedback_type__prefix__in={prefix for prefix, _ in names},
        number__in={number for _, number in names},
    ).values_list("pk", "number", "feedback_type__prefix", "feedback_type__project")
    found: OwnTickets = defaultdict(set)
    for pk, number, prefix, project in tickets:
        found[project, (prefix, number)].add(pk)
    return found
