"""What a listener can wait for: what its sender tells, or its own expressions read."""

from __future__ import annotations

from automation.models import ExternalListener
from automation.senders.base import Kind, Sender

When = ExternalListener.When

STATUS, COMMENT = "status", "comment"  # themselves, beside that they are new
NEEDS: dict[str, str] = {
    When.ANY: "",
    When.STATUS_CHANGED: Kind.STATUS_CHANGED,
    When.STATUS_CHANGED_TO: STATUS,
    When.CREATED: Kind.CREATED,
    When.COMMENTED: Kind.COMMENTED,
}
READ_BY = {
    "event_expression": frozenset({Kind.STATUS_CHANGED, Kind.CREATED, Kind.COMMENTED}),
    "status_expression": frozenset({Kind.STATUS_CHANGED, STATUS}),
}
WAY_OUT = {
    Kind.STATUS_CHANGED: "enter an event expression or a status expression",
    STATUS: "enter a status expression",
    Kind.CREATED: "enter an event expression",
    Kind.COMMENTED: "enter an event expression",
}


def told_by(sender: Sender) -> frozenset[str]:
    """The kinds of events that ``sender`` tells apart, and whether it tells what is new."""
    told = set(sender.kinds)
    told |= {STATUS} if Kind.STATUS_CHANGED in told else set()
    return frozenset(told | ({COMMENT} if Kind.COMMENTED in told else set()))


def told(sender: Sender, *, by_event: bool, by_status: bool) -> frozenset[str]:
    """The same with expressions, as ``intake.as_listener_reads`` has it: they decide the kind."""
    own = told_by(sender)
    kinds = own - {STATUS, COMMENT}
    if by_status:
        own, kinds = own | {STATUS}, READ_BY["status_expression"] - {STATUS}
    if by_event:
        kinds = READ_BY["event_expression"]
    return kinds | (own & {STATUS, COMMENT})


def offered_when(told: frozenset[str]) -> list[ExternalListener.When]:
    return [When(when) for when, needed in NEEDS.items() if not needed or needed in told]


def default_when(sender: Sender) -> ExternalListener.When:
    told = Kind.STATUS_CHANGED in sender.kinds and not sender.chosen_there
    return When.STATUS_CHANGED if told else When.ANY


def why_not(when: str, told: frozenset[str], teller: str) -> str:
    """Why a listener cannot wait for ``when``, where ``teller`` tells this; empty where it can."""
    offered = offered_when(told)
    if when in offered:
        return ""
    choices = ", ".join(f"“{choice.label}”" for choice in offered)
    way_out = WAY_OUT[NEEDS[when]]
    return f"{teller} does not tell that: {way_out}, or choose one of {choices}."
