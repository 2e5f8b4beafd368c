"""“No, that is not right”: what to change, by what the first request did."""

from __future__ import annotations

from dataclasses import dataclass

from automation.models import Delivery, ExternalListener
from automation.pages import address_of
from automation.reasons import Reason
from feedback.models import Ticket

RAN = {Reason.APPLIED, Reason.UNCHANGED, Reason.STATUS_PROTECTED}
NAMELESS = {Reason.NO_REFERENCE, Reason.PLACEHOLDER_NOT_REPLACED}


@dataclass(frozen=True)
class Doubt:
    """What somebody may say, what to do then, and the page to do it on."""

    said: str
    advice: str
    link: str = ""
    page: str = ""
    reasons: frozenset[Reason] = frozenset()  # empty: whatever came of it


DOUBTS = (
    Doubt(
        "It names no item.",
        "Copy the URL from the steps again, with find= and what follows it exactly as written "
        "there: the tracker fills it in.",
        reasons=frozenset(NAMELESS),
    ),
    Doubt(
        "The item has a ticket, and it was not found.",
        "Open that ticket, and add a link to {names}. If the ticket is of another feedback type, "
        "use a listener of that type.",
        "Find the ticket",
        "tickets",
        frozenset({Reason.TICKET_NOT_FOUND}),
    ),
    Doubt(
        "It should have hit one ticket only.",
        "Remove the link to {names} from the others, or choose under “Several tickets” on the "
        "listener that it then does nothing.",
        "Open the listener",
        "listener",
        frozenset({Reason.SEVERAL_TICKETS}),
    ),
    Doubt(
        "It hit the wrong ticket.",
        "Remove the link to {names} from {tickets}, and add it to the right ticket.",
        "Open {tickets}",
        "ticket",
        frozenset(RAN | {Reason.OUTSIDE_FILTER, Reason.LISTENER_OFF, Reason.EVENT_NOT_WANTED}),
    ),
    Doubt(
        "It should have acted on such an event.",
        "Choose another “When” on the listener, or let the tracker send another event.",
        "Choose another When",
        "when",
        frozenset({Reason.EVENT_NOT_WANTED}),
    ),
    Doubt(
        "It acted, and should not have on such an event.",
        "Choose another “When” on the listener; or narrow the events, or the query, over there.",
        "Choose another When",
        "when",
        frozenset(RAN),
    ),
    Doubt(
        "It should have acted on this ticket.",
        "Change the filter, or choose another one on the listener.",
        "Open the filter",
        "filter",
        frozenset({Reason.OUTSIDE_FILTER, Reason.FILTER_BROKEN}),
    ),
    Doubt(
        "It did the wrong thing to the ticket.",
        "Change the macro, or choose another one on the listener.",
        "Open the macro",
        "macro",
        frozenset(RAN | {Reason.MACRO_BROKEN, Reason.ACTION_FAILED}),
    ),
    Doubt(
        "It was only the tracker's own test.",
        "Change an item that is linked to a ticket, and look at what then comes.",
        "Wait for the next request",
        "next",
    ),
)


@dataclass(frozen=True)
class Advice:
    said: str
    advice: str
    link: str
    url: str


def doubts_about(delivery: Delivery, tickets: list[Ticket], keep: str = "") -> list[Advice]:
    """Those that may be had about how ``delivery`` ended, filled in.

    ``keep`` is what the guide's own address keeps.
    """
    assert delivery.listener is not None
    refs = ", ".join(ticket.ref for ticket in tickets)
    names = {
        "names": delivery.find or ", ".join(delivery.references) or "the item",
        "tickets": refs or "the ticket",
    }
    urls = _urls(delivery.listener, delivery, tickets, keep)
    return [
        Advice(
            doubt.said,
            doubt.advice.format_map(names),
            doubt.link.format_map(names) if urls.get(doubt.page) else "",
            urls.get(doubt.page, ""),
        )
        for doubt in DOUBTS
        if not doubt.reasons or delivery.reason in doubt.reasons
        if doubt.page != "ticket" or tickets
    ]


def _urls(
    listener: ExternalListener, delivery: Delivery, tickets: list[Ticket], keep: str
) -> dict[str, str]:
    kind = listener.feedback_type
    own = listener.get_absolute_url()
    return {
        "listener": own,
        "when": f"{own}#id_when",
        "tickets": address_of("tickets", kind),
        "ticket": f"{tickets[0].get_absolute_url()}?link#links" if tickets else "",
        "filter": (
            address_of("saved_filter", kind, listener.filter_id) if listener.filter_id else own
        ),
        "macro": address_of("macro", kind, listener.macro_id) if listener.macro_id else own,
        "next": f"?{keep}after={delivery.pk}",
    }
