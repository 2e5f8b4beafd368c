"""What a listener that is not saved yet would make of a request that is pasted by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models.functions import Length
from django.utils.datastructures import CaseInsensitiveMapping

from access.callers import Caller
from automation.bodies import FORM, check_type, read_body
from automation.execution import check_condition, check_wanted
from automation.expressions import evaluate
from automation.intake import as_listener_reads, as_told
from automation.listener_form import EXPRESSIONS, ListenerForm, Type
from automation.listener_types import LISTENER_TYPES
from automation.listener_types.macro import chosen
from automation.models import Delivery, ExternalListener
from automation.outbound_messages import notifications
from automation.reasons import Reason, Stop, fill_in
from automation.references import Directory
from automation.rehearsals import Rehearsed, rehearse
from automation.runs import rehearsal
from automation.senders.base import Event, Kind, clean_text
from feedback.models import Ticket

LOOKED_AT, MOST_RECORDED = 25, 5  # of the last requests
DECIDING = ("condition", "event_expression", "status_expression", "data_expression")
SHOWN = 2000  # characters of what an expression finds
A_FORM = re.compile(r"[\w.\-\[\]%+]+=")
LONGEST_FIND = Delivery._meta.get_field("find").max_length


def recorded_requests(listener: ExternalListener) -> Sequence[Delivery]:
    """Of its last requests, those whose body was kept, to be tried again."""
    last = listener.deliveries.annotate(size=Length("body")).defer("body", "headers")
    return [delivery for delivery in last[:LOOKED_AT] if delivery.size][:MOST_RECORDED]


class Untried(Exception):
    """It cannot be tried; the message says why, and where."""


@dataclass(frozen=True)
class Pasted:
    """A request as somebody pasted it: its body, headers a line each, and what find= would hold."""

    body: str
    headers: str = ""
    find: str = ""

    @property
    def data(self) -> bytes:
        return self.body.encode("utf-8", "replace") if self.body.strip() else b""

    @property
    def content_type(self) -> str:
        """As the body looks: whoever copies a body rarely has its Content-Type."""
        start = self.body.lstrip()[:200]
        if start.startswith("<"):
            return "text/xml"
        return FORM if A_FORM.match(start) else "application/json"

    def read(self) -> tuple[Mapping[str, str], Any]:
        """Headers and payload, as the door would read them; raises Untried."""
        if not (self.data or self.find):
            raise Untried("Paste the body of a request first.")
        if len(self.data) > settings.BODY_LIMIT:
            raise _untried(
                Stop(Reason.BODY_TOO_LARGE, size=len(self.data), limit=settings.BODY_LIMIT)
            )
        try:
            check_type(self.data, self.content_type)
            return self._header_map(), read_body(self.data, self.content_type)
        except Stop as stop:
            raise _untried(stop) from stop

    def _header_map(self) -> Mapping[str, str]:
        given = {}
        for line in filter(str.strip, self.headers.splitlines()):
            name, colon, value = line.partition(":")
            if not colon:
                example = "X-GitHub-Event: issues"
                raise Untried(f"“{line[:100]}” is no header: write one a line, as in {example}.")
            given[name.strip()] = clean_text(value)
        return CaseInsensitiveMapping(given | {"Content-Type": self.content_type})


def _untried(stop: Stop) -> Untried:
    return Untried(fill_in(stop.explanation.sentence, stop.evidence))


@dataclass(frozen=True)
class Found:
    """What an expression of the form finds in the body, as JSON; or why it cannot be asked."""

    label: str
    expression: str
    text: str = ""
    remark: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Trial:
    event: Event
    found: list[Found]
    why_not: str  # nothing would be done, whatever the ticket; empty where something would
    does: str
    named: str  # the reference that tickets go by
    tickets: list[tuple[Ticket, bool]]  # and whether each is of the listener's own type
    rehearsed: Rehearsed | None  # None while the form cannot be saved

    @property
    def kinds(self) -> list[str]:
        return [str(Kind(kind).label) for kind in self.event.kinds]


def try_out(form: ListenerForm, pasted: Pasted, caller: Caller) -> Trial:
    """What would come of ``pasted``, as far as ``caller`` may know; raises Untried.

    The form may be half filled in: of what is wrong there, only what matters here is told.
    """
    listener = _as_typed(form)
    headers, payload = pasted.read()
    parts = _parts(payload)
    payload = parts[0] if parts else payload
    event = as_listener_reads(listener, listener.external_sender.read(headers, payload), payload)
    delivery = Delivery(
        project=listener.project,
        listener=listener,
        method="POST",
        status_code=200,
        headers=json.dumps(dict(headers)),
        body=pasted.data,
        part=0 if parts else None,
        find=clean_text(pasted.find)[:LONGEST_FIND],
        **as_told(event),
    )
    named = Directory([delivery]).named_by(delivery)
    tickets = Ticket.objects.filter(pk__in=named.tickets).select_related("feedback_type__project")
    return Trial(
        event,
        list(_found(form, payload)),
        *_decided(form, listener, delivery),
        named.text,
        [(each, each.feedback_type == listener.feedback_type) for each in tickets.order_by("pk")],
        _rehearsed(form, delivery, caller),
    )


def _rehearsed(form: ListenerForm, delivery: Delivery, caller: Caller) -> Rehearsed | None:
    """With the form as if it were saved."""
    if not form.is_valid():
        return None
    with rehearsal():
        delivery.listener = form.save()
        return rehearse(delivery, caller)


def _as_typed(form: ListenerForm) -> ExternalListener:
    form.full_clean()
    if "sender" not in form.cleaned_data:
        raise Untried("Choose a sender first.")
    listener: ExternalListener = form.instance
    listener.name = listener.name or "new"
    return listener


def _found(form: ListenerForm, payload: Any) -> Iterator[Found]:
    of_type = ("data_expression",) if form.instance.type == Type.CUSTOM_DATA else ()
    for name in (*EXPRESSIONS, *of_type):
        label, expression = str(form[name].label), form[name].value() or ""
        if name in form.errors:
            yield Found(label, expression, problem=" ".join(map(str, form.errors[name])))
        elif expression:
            found = evaluate(expression, payload)
            is_met = "so it is met" if found else "so it is not met"
            yield Found(label, expression, as_json(found), is_met if name == "condition" else "")
        elif of_type and name in of_type:
            yield Found(label, "", as_json(payload), "the whole body")


def _parts(payload: Any) -> list[dict[str, Any]]:
    """Of a body with several notifications the first one is tried."""
    try:
        return notifications(payload)
    except Stop as stop:
        raise _untried(stop) from stop


def _decided(form: ListenerForm, listener: ExternalListener, delivery: Delivery) -> tuple[str, str]:
    """Why nothing would be done, and what would be."""
    wrong = [str(form[name].label).lower() for name in DECIDING if name in form.errors]
    if wrong:
        return "", f"Not known until the {wrong[0]} is mended."
    does = _macro_for(form, listener, delivery) if listener.type == Type.MACRO else ""
    return _why_not(form, listener, delivery), does


def _why_not(form: ListenerForm, listener: ExternalListener, delivery: Delivery) -> str:
    """Why the listener would not act at all."""
    wrong = [str(each) for name in ("when", "when_status") for each in form.errors.get(name, ())]
    if wrong:
        return f"When: {' '.join(wrong)}"
    listener_type = LISTENER_TYPES.get(listener.type)
    try:
        if listener_type is None or listener_type.waits:
            check_wanted(delivery, listener)
        wanted = listener_type.wanted(listener) if listener_type else listener.wanted()
        check_condition(delivery, listener, wanted)
    except Stop as stop:
        return fill_in(stop.explanation.sentence, stop.evidence)
    return ""


def _macro_for(form: ListenerForm, listener: ExternalListener, delivery: Delivery) -> str:
    if "status_table" in form.errors:
        return "The status table has mistakes: mend them first."
    rows = form.cleaned_data["status_table"]
    macro, row = chosen(listener, rows, delivery)
    does = f"Macro “{macro}” would run" if macro else "Nothing would run"
    if row:
        return f"{does}: {row}, says so."
    if rows:
        return f"{does}: no row of the status table matches."
    return f"{does}." if macro else f"{does}: no macro is chosen."


def as_json(value: Any) -> str:
    """``value`` as people read it, cut: what an expression builds may be larger than any body."""
    text = ""
    try:
        for chunk in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
            text += chunk
            if len(text) > SHOWN:
                text = f"{text[:SHOWN]} …"
                break
    except (RecursionError, ValueError):
        text += " …"
    return text.encode("utf-8", "replace").decode()
