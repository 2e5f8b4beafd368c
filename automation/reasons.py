"""Why a delivery ended as it did: one closed list. No path through the product ends without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models

from automation.storable import storable


class DeliveryStatus(models.TextChoices):
    RECEIVED = "received", "Received"
    DONE = "done", "Done"
    SKIPPED = "skipped", "Skipped"
    FAILED = "failed", "Failed"
    REFUSED = "refused", "Refused"


class Reason(models.TextChoices):
    APPLIED = "applied"
    UNCHANGED = "unchanged"

    LISTENER_OFF = "listener_off"
    DUPLICATE = "duplicate"
    EVENT_NOT_WANTED = "event_not_wanted"
    NO_REFERENCE = "no_reference"
    PLACEHOLDER_NOT_REPLACED = "placeholder_not_replaced"
    TICKET_NOT_FOUND = "ticket_not_found"
    SEVERAL_TICKETS = "several_tickets"
    LATE = "late"
    OUTSIDE_FILTER = "outside_filter"
    STATUS_PROTECTED = "status_protected"
    MACRO_OFF = "macro_off"
    RAN_BEFORE = "ran_before"
    NOT_TAKEN_BACK = "not_taken_back"

    FILTER_BROKEN = "filter_broken"
    MACRO_BROKEN = "macro_broken"
    ACTION_FAILED = "action_failed"
    LOOP_STOPPED = "loop_stopped"
    GAVE_UP = "gave_up"

    METHOD_NOT_ALLOWED = "method_not_allowed"
    KEY_MISSING = "key_missing"
    KEY_UNKNOWN = "key_unknown"
    KEY_OFF = "key_off"
    KEY_EXPIRED = "key_expired"
    KEY_OUT_OF_SCOPE = "key_out_of_scope"
    ADDRESS_REFUSED = "address_refused"
    PROJECT_UNKNOWN = "project_unknown"
    LISTENER_UNKNOWN = "listener_unknown"
    BODY_TOO_LARGE = "body_too_large"
    CONTENT_TYPE_REFUSED = "content_type_refused"
    SIGNATURE_WRONG = "signature_wrong"
    BODY_UNREADABLE = "body_unreadable"
    TOO_MANY_REQUESTS = "too_many_requests"

    NOT_STORED = "not_stored"
    CRASHED = "crashed"


@dataclass(frozen=True)
class Explanation:
    """What people are told. ``sentence`` is filled in from a delivery's evidence."""

    status: str
    code: int
    sentence: str
    cause: str
    next_step: str


def _done(sentence: str, cause: str = "", next_step: str = "") -> Explanation:
    return Explanation(DeliveryStatus.DONE, 200, sentence, cause, next_step)


def _skipped(sentence: str, cause: str, next_step: str) -> Explanation:
    return Explanation(DeliveryStatus.SKIPPED, 200, sentence, cause, next_step)


def _failed(sentence: str, cause: str, next_step: str) -> Explanation:
    return Explanation(DeliveryStatus.FAILED, 200, sentence, cause, next_step)


def _refused(code: int, sentence: str, cause: str, next_step: str) -> Explanation:
    return Explanation(DeliveryStatus.REFUSED, code, sentence, cause, next_step)


EXPLANATIONS = {
    Reason.APPLIED: _done("{run} ran on {ticket}: {changes}."),
    Reason.UNCHANGED: _done(
        "{run} ran on {ticket} and found everything as it should be.",
        "The ticket already was as it would make it.",
        "Nothing to do.",
    ),
    Reason.LISTENER_OFF: _skipped(
        "Listener “{listener}” is switched off.",
        "Somebody switched it off, or it was made that way.",
        "Switch the listener on, then let the sender repeat the request.",
    ),
    Reason.DUPLICATE: _skipped(
        "The sender repeated a request that was already kept as {first}.",
        "Trackers repeat a request when an answer was slow to reach them; some tell one comment by "
        "two requests.",
        "Nothing to do: the first one counts.",
    ),
    Reason.EVENT_NOT_WANTED: _skipped(
        "Listener “{listener}” waits for {wanted}; this was {event}.",
        "The tracker's webhook sends more events than the listener acts on.",
        "Nothing to do, unless it should have acted: then change “When”, or what else the "
        "listener waits for.",
    ),
    Reason.NO_REFERENCE: _skipped(
        "Neither find= in the address nor the body names a ticket.",
        "The address was pasted without find=, and the body holds no item that {sender} sends.",
        "{advice}.",
    ),
    Reason.PLACEHOLDER_NOT_REPLACED: _skipped(
        "No ticket goes by {find}: {sender} did not fill it in.",
        "The placeholder is not one that the tracker fills in at this place.",
        "Use {placeholder} after find= in the tracker's webhook, exactly as written here.",
    ),
    Reason.TICKET_NOT_FOUND: _skipped(
        "No ticket of {feedback_type} goes by {references}.{elsewhere}",
        "The item is not linked to a ticket, or find= carries something else than an id.",
        "Link {references} to the right ticket on that ticket's page, let the tracker send the "
        "ticket's own id, or use a listener of the ticket's own feedback type.",
    ),
    Reason.SEVERAL_TICKETS: _skipped(
        "{references} stands for {what}: {tickets}.",
        "Two outside systems use the same id and this sender does not say which it means, or one "
        "item is linked to more than one ticket.",
        "Name the system, as in find=jira:SANDBOX-12, let the sender send the ticket's own id, or "
        "let the listener act on all of them.",
    ),
    Reason.LATE: _skipped(
        "The event is of {time}; a newer one, of {newer}, was already applied to {item}.",
        "The tracker, or the way here, delivered the events out of order.",
        "Nothing to do: the newer event counts.",
    ),
    Reason.OUTSIDE_FILTER: _skipped(
        "{ticket} is outside the filter “{filter}”: its {differs}.",
        "The listener acts only on tickets within its filter.",
        "Nothing to do, unless it should have acted: then change the filter or the ticket.",
    ),
    Reason.STATUS_PROTECTED: _skipped(
        "{run} would move {ticket} out of the status “{status}”, which the listener protects.",
        "Somebody decided that tickets in this status are not moved by this listener.",
        "Nothing to do, unless it should have moved: then change the ticket by hand, or take the "
        "status out of the listener's protected ones.",
    ),
    Reason.MACRO_OFF: _skipped(
        "Macro “{macro}” is switched off: {ticket} was left as it is.",
        "Somebody switched it off.",
        "Switch the macro on, then start it again.",
    ),
    Reason.RAN_BEFORE: _skipped(
        "Macro “{macro}” ran on {ticket} before, at {time}.",
        "The macro is one that runs once per ticket.",
        "Nothing to do, unless it should run again: then untick “Once per ticket” on the macro.",
    ),
    Reason.NOT_TAKEN_BACK: _skipped(
        "{run} took nothing back on {ticket}: {why}",
        "Somebody went on since, or what the run did cannot be called back.",
        "Nothing to do, unless newer work should go too: then choose it on the page of the undo.",
    ),
    Reason.FILTER_BROKEN: _failed(
        "{why}",
        "Something that the filter names was changed since it was saved.",
        "Open the filter, mend it and save it; then {again}.",
    ),
    Reason.MACRO_BROKEN: _failed(
        "Macro “{macro}” no longer works on {ticket}: {why} Nothing was changed.",
        "Something that the macro sets was changed or removed since it was saved.",
        "Open the macro, mend it and save it; then {again}.",
    ),
    Reason.ACTION_FAILED: _failed(
        "“{action}” of macro “{macro}” failed on {ticket}: {why} Nothing was changed.",
        "The action met something that it cannot work with, or that nobody expected.",
        "Mend what the sentence names, or the macro; then {again}. A text that names payload works "
        "only where a request started the macro. If all of this is right, send the operator this "
        "page.",
    ),
    Reason.LOOP_STOPPED: _failed(
        "Macro “{macro}” was stopped on {ticket}: {why}.",
        "Two rules, or a rule and the tracker, seem to answer each other.",
        "Find the other rule in the ticket's history, and narrow one of them by a filter; or let "
        "the tracker not tell what macros do there.",
    ),
    Reason.GAVE_UP: _failed(
        "Tried {attempts} times, without reaching an end: {why}",
        "The database was in trouble, or the worker died at each attempt.",
        "Send the operator this page; when it is mended, {again}.",
    ),
    Reason.METHOD_NOT_ALLOWED: _refused(
        405,
        "This address takes POST; this was {method}.",
        "The address was opened in a browser, or the webhook was set to another method.",
        "Set the tracker's webhook to POST.",
    ),
    Reason.KEY_MISSING: _refused(
        401,
        "The request carried no API key.",
        "apiKey= is missing from the address, or was pasted without its value.",
        "Replace prefix-community_API_key in the address by the API key.",
    ),
    Reason.KEY_UNKNOWN: _refused(
        401,
        "There is no API key {shown} with the secret that the request carried.",
        "The key was cut off or mistyped, its secret was replaced, or the placeholder was left.",
        "Paste the whole key again, or make a new one.",
    ),
    Reason.KEY_OFF: _refused(
        401,
        "API key {prefix} is switched off.",
        "A community manager switched it off.",
        "Switch the key on, or give the caller another one.",
    ),
    Reason.KEY_EXPIRED: _refused(
        401,
        "API key {prefix} expired at {expired}.",
        "The key was made to end then.",
        "Give the caller a new key, or move the end of this one.",
    ),
    Reason.KEY_OUT_OF_SCOPE: _refused(
        403,
        "API key {prefix} may not do this: {why}.",
        "The key was made for another use.",
        "Change the key's scopes or project, or give the caller another key.",
    ),
    Reason.ADDRESS_REFUSED: _refused(
        403,
        "API key {prefix} may not be used from {address}.",
        "The key admits certain networks only, and the call came from elsewhere.",
        "Add the address to the key's networks, if it is the caller's own.",
    ),
    Reason.PROJECT_UNKNOWN: _refused(
        404,
        "There is no project with the key “{project}”.",
        "The project key was mistyped, or changed in Basic Project Settings.",
        "Copy the API Endpoint URL from the listener again.",
    ),
    Reason.LISTENER_UNKNOWN: _refused(
        404,
        "Project {project} has no listener with the key “{listener}”.",
        "The listener's key was mistyped or changed, or the listener was deleted.",
        "Copy the API Endpoint URL from the listener again.",
    ),
    Reason.BODY_TOO_LARGE: _refused(
        413,
        "The body has {size} bytes; the limit is {limit}.",
        "The item carries very long texts or many fields.",
        "Let the tracker send less, leave the body out, or raise BODY_LIMIT.",
    ),
    Reason.CONTENT_TYPE_REFUSED: _refused(
        415,
        "A body of type {content_type} cannot be read here.",
        "The webhook was set to another format.",
        "Send JSON (application/json), a form, or no body. Only from Salesforce XML is read too.",
    ),
    Reason.SIGNATURE_WRONG: _refused(
        401,
        "The body is not signed with the secret of listener “{listener}”: {why}.",
        "The secrets differ, or something on the way changed the body.",
        "Enter the same secret here and in the tracker's webhook.",
    ),
    Reason.BODY_UNREADABLE: _refused(
        400,
        "The body cannot be read as {format}: {why}.",
        "The template of the body has a mistake, often a quotation mark or a comma.",
        "Mend the body in the tracker, or leave it out.",
    ),
    Reason.TOO_MANY_REQUESTS: _refused(
        429,
        "Too many refused requests came from {address}.",
        "The sender repeats a request whose key is wrong.",
        "Mend the key there. Requests with a good key are not held back.",
    ),
    Reason.NOT_STORED: _refused(
        503,
        "The request could not be stored.",
        "The database cannot be reached.",
        "Send the request again later.",
    ),
    Reason.CRASHED: _refused(
        503,
        "Something unexpected went wrong here, and the request was not stored.",
        "This is a mistake of the product.",
        "Send the request again later; tell the operator.",
    ),
}

# An answer with 401 never says which of its reasons it was: the log does.
UNAUTHORIZED = (
    "No valid API key came with this request, or its signature is wrong. A community manager "
    "finds out which: in the key's log, or under “Requests without a known key”."
)

# Where a delivery about several tickets ends: the first of these that one of them reached.
BEST_FIRST = (DeliveryStatus.DONE, DeliveryStatus.FAILED, DeliveryStatus.SKIPPED)


class Stop(Exception):
    """The end of a delivery or of a ticket's part in it: a reason and what its sentence names."""

    def __init__(self, reason: Reason, **evidence: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.evidence = {
            name: storable(value) if isinstance(value, str) else value
            for name, value in evidence.items()
        }

    @property
    def explanation(self) -> Explanation:
        return EXPLANATIONS[self.reason]


def fill_in(template: str, evidence: dict[str, Any]) -> str:
    """``template`` with what ``evidence`` knows; what it does not know stays empty."""
    return template.format_map(_Known(evidence))


class _Known(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return ""
