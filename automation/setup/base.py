"""How a tracker is told to call a listener: its form, field by field, in its own words.

A sender's ways are data, in one file each. What differs from listener to listener is a function
of ``Facts``; a field or step that does not apply is left out by its ``only``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from urllib.parse import urlsplit

from automation.models import KEY_PLACEHOLDER, ExternalListener
from automation.senders.base import Kind

When, Type = ExternalListener.When, ExternalListener.Type


@dataclass(frozen=True)
class Facts:
    """What of a listener its set-up depends on."""

    address: str  # without find= and key
    placeholder: str  # what the tracker fills in after find=; empty where the body tells
    name: str  # what the webhook may be called over there
    kinds: frozenset[str]  # the events to be sent
    statuses: tuple[str, ...] = ()  # those over there that it waits for; empty: any
    prefix: str = "BUG"  # of the tickets
    signed: bool = False
    header: str = ""  # in which the signature, or the secret, comes
    key: str = KEY_PLACEHOLDER
    secret: str = ""  # where it may be shown
    secret_place: str = "the secret that is set on the listener"  # where it may not
    by_table: bool = False  # the status over there chooses the macro
    by_comment: bool = False  # the comment itself is wanted
    names_itself: bool = False  # the body holds the ticket's id, where the listener knows
    reads_body: bool = False  # the listener's own expressions, or what it keeps, are of the body
    waits: bool = False  # for events of some kind
    projects: tuple[str, ...] = ()  # keys over there that tickets are linked to

    @property
    def url(self) -> str:
        return self.url_with(self.placeholder)

    def url_with(self, placeholder: str) -> str:
        find = f"find={placeholder}&" if placeholder and not self.names_itself else ""
        return f"{self.address}?{find}apiKey={self.key}"

    @property
    def origin(self) -> str:
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def path(self) -> str:
        return urlsplit(self.address).path

    def wants(self, *kinds: Kind) -> bool:
        return any(kind in self.kinds for kind in kinds)


KEY_FIRST = f"First put an API key in place of {KEY_PLACEHOLDER}."
Text = str | Callable[[Facts], str]
Applies = Callable[[Facts], bool]


def always(facts: Facts) -> bool:
    return True


def signed(facts: Facts) -> bool:
    return facts.signed


def unsigned(facts: Facts) -> bool:
    return not facts.signed


@dataclass(frozen=True)
class Field:
    """A field of the tracker's form, called as it is called there."""

    label: str
    value: Text = ""  # to copy
    choose: Text = ""  # to tick, choose or leave: said, not copied
    note: Text = ""
    only: Applies = always


def secret_fields(label: str) -> tuple[Field, Field]:
    """The field for the signing secret, which stays empty where the listener has none."""
    return (
        Field(label, attrgetter("secret"), secret_place, only=signed),
        Field(label, choose="leave it empty: the listener expects none", only=unsigned),
    )


def secret_place(facts: Facts) -> str:
    return "" if facts.secret else facts.secret_place


@dataclass(frozen=True)
class Step:
    text: Text
    fields: tuple[Field, ...] = ()
    note: Text = ""
    only: Applies = always


@dataclass(frozen=True)
class Way:
    """One of the tracker's ways to send requests."""

    slug: str
    name: str  # as the tracker calls it
    choose: str  # when it is the one to choose
    who: str  # who may do it there
    source: str  # the vendor's page
    steps: tuple[Step, ...]
    signs: bool = True  # whether it can prove where its requests come from
    jql: bool = False  # whether it chooses items by a JQL query
    whose: str = ""  # pages the source is one of, where they are not the sender's


def ticks(names: Mapping[Kind, str]) -> Callable[[Facts], str]:
    """The boxes to tick, by the tracker's names of the events that the listener waits for."""
    chosen = events(names)
    return lambda facts: f"tick {chosen(facts)}" if chosen(facts) else "tick nothing"


def events(names: Mapping[Kind, str]) -> Callable[[Facts], str]:
    """The tracker's names of the events that the listener waits for."""

    def chosen(facts: Facts) -> str:
        wanted = dict.fromkeys(name for kind, name in names.items() if kind in facts.kinds)
        return " and ".join(f"“{name}”" for name in wanted)

    return chosen


# As a page shows it


@dataclass(frozen=True)
class ShownField:
    label: str
    value: str
    choose: str
    note: str


@dataclass(frozen=True)
class ShownStep:
    text: str
    fields: tuple[ShownField, ...]
    note: str


def shown_steps(way: Way, facts: Facts) -> list[ShownStep]:
    """The steps of ``way`` as they are for one listener."""
    return [
        ShownStep(
            _said(step.text, facts),
            tuple(_shown(field, facts) for field in step.fields if field.only(facts)),
            _said(step.note, facts),
        )
        for step in way.steps
        if step.only(facts)
    ]


def _shown(field: Field, facts: Facts) -> ShownField:
    value, note = _said(field.value, facts), _said(field.note, facts)
    if KEY_PLACEHOLDER in value:
        note = f"{KEY_FIRST} {note}".rstrip()
    return ShownField(field.label, value, _said(field.choose, facts), note)


def _said(text: Text, facts: Facts) -> str:
    return text(facts) if callable(text) else text


# What a listener waits for

ALL_KINDS = frozenset({Kind.CREATED, Kind.STATUS_CHANGED, Kind.COMMENTED})
KINDS_OF_TYPE = {Type.COMMENT: frozenset({Kind.COMMENTED, Kind.COMMENT_CHANGED})}
KINDS_OF_WHEN = {
    When.ANY: ALL_KINDS,
    When.STATUS_CHANGED: frozenset({Kind.STATUS_CHANGED}),
    When.STATUS_CHANGED_TO: frozenset({Kind.STATUS_CHANGED}),
    When.CREATED: frozenset({Kind.CREATED}),
    When.COMMENTED: frozenset({Kind.COMMENTED}),
}


def facts_of(listener: ExternalListener, site: str, site_name: str) -> Facts:
    """``site`` is the scheme and host of this installation."""
    sender = listener.external_sender
    rows = list(listener.status_rows.all())
    address, _, _ = f"{site}{listener.endpoint_path}".partition("?")
    kinds = KINDS_OF_TYPE.get(Type(listener.type)) or KINDS_OF_WHEN[When(listener.when)]
    if rows and listener.when == When.ANY:
        kinds = frozenset({Kind.STATUS_CHANGED})
    return Facts(
        address=address,
        placeholder=sender.placeholder,
        name=f"{site_name}: {listener.key}",
        kinds=frozenset(str(kind) for kind in kinds),
        statuses=_statuses(listener, [row.status for row in rows]),
        prefix=listener.feedback_type.prefix,
        signed=bool(listener.secret),
        header=sender.signature.header,
        by_table=bool(rows),
        by_comment=listener.type == Type.COMMENT,
        names_itself=bool(listener.reference_expression),
        reads_body=bool(listener.condition) or listener.type == Type.CUSTOM_DATA,
        waits=listener.when != When.ANY and listener.type != Type.COMMENT,
    )


def _statuses(listener: ExternalListener, of_rows: list[str]) -> tuple[str, ...]:
    """As they were entered; none where any status counts."""
    if Type(listener.type) in KINDS_OF_TYPE:
        return ()
    told = [listener.when_status] if listener.when == When.STATUS_CHANGED_TO else of_rows
    if not all(told) or (of_rows and listener.macro_id and not listener.when_status):
        return ()
    names = (name.strip() for text in told for name in text.split(","))
    return tuple(dict.fromkeys(filter(None, names)))


def with_secrets(facts: Facts, *, key: str, secret: str) -> Facts:
    """The same with what is revealed once; what is empty stays as it was."""
    return replace(facts, key=key or facts.key, secret=secret)
