from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from automation.bodies import is_xml, read_body
from automation.outbound_messages import notifications
from automation.reasons import Stop
from automation.senders.base import (
    Change,
    Event,
    Kind,
    RemoteComment,
    Sender,
    SharedToken,
    clean_text,
    dig,
    first,
    from_iso,
    reach,
)

RECORD_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
SHORT = 15
SUFFIX_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
RECORDS = ("record", "sObject")  # where JSON may hold the record
IDS = ("Id", "id", "recordId")
NUMBERS = ("CaseNumber",)  # what people call a record
STATUSES = ("Status", "StageName", "Status__c", "status")


@dataclass(frozen=True)
class Organization(SharedToken):
    """Salesforce signs nothing: its messages name the organization, other calls a shared token."""

    def problem(self, secret: str, body: bytes, headers: Mapping[str, str]) -> str:
        """The id counts in either form; its first 15 characters tell organizations apart."""
        kind = headers.get("Content-Type", "")
        if headers.get(self.header) or not is_xml(kind):
            return super().problem(secret, body, headers)
        given = _organization_of(body, kind)
        if not given:
            return "its OrganizationId cannot be read"
        expected, told = (text.strip()[:SHORT].encode() for text in (secret, given))
        return "" if hmac.compare_digest(expected, told) else "its OrganizationId is another"


class Salesforce(Sender):
    """In Salesforce: Setup → Outbound Messages → New Outbound Message, for the object you link.

    Paste the API Endpoint URL, without ``find=``, into “Endpoint URL”; leave “Send Session ID”
    off; send the fields Id, Status and LastModifiedDate. Let a record-triggered flow send it:
    Setup → Flows → New Flow, with the conditions that you choose and the message as its action.
    Salesforce sends a message again for 24 hours until it is acknowledged, which happens once it
    is stored; each of its notifications (up to 100) has a row of its own in the log.

    Which event it was a message does not say: your flow chose it, so it counts as the one that
    the listener waits for. A status that the message tells is compared with “Status changed to”.

    A link holds the record's id, with 15 or 18 characters, or its Case Number. Salesforce signs
    nothing: as the Secret, enter your Organization ID (Setup → Company Information), and messages
    of other organizations are refused. The API key stays the real proof.

    Flow's HTTP Callout and Apex send JSON instead: put the record's id after ``find=`` or send it
    as ``Id``; what is the Secret here goes into a header ``X-Hook-Secret``.
    """

    slug = "salesforce"
    label = "Salesforce"
    placeholder = ""
    system = "salesforce"
    signature = Organization(header="X-Hook-Secret")
    kinds = (Kind.CREATED, Kind.STATUS_CHANGED, Kind.COMMENTED)
    chosen_there = True
    sends_xml = True

    def read(self, headers: Mapping[str, str], payload: Any) -> Event:
        """One notification, as ``notifications`` tells it, or a record as JSON.

        ``{"attributes": {"type": "Case"}, "Id": "500…", "Status": "Closed", …}`` is how Apex
        serializes a record; ``record`` or ``sObject`` may hold it. Only a Case Comment says that
        it is one: it is about its ParentId.
        """
        notified = isinstance(payload, dict) and "Notification" in payload
        record = reach(payload, "Notification.sObject") if notified else _record(payload)
        comment = _comment(record)
        item = long_id(dig(record, "ParentId") if comment else first(record, *IDS))
        moment = first(record, "LastModifiedDate", "SystemModstamp")
        return Event(
            name=first(record, "@type", "attributes.type"),
            kinds=_kinds(comment),
            references=tuple(filter(None, (item, first(record, *NUMBERS)))),
            item=item,
            status_after=first(record, *STATUSES),
            actor=dig(record, "LastModifiedById"),
            comment=comment,
            occurred_at=from_iso(moment),
            delivery_id=dig(payload, "Notification.Id")
            if notified
            else clean_text(headers.get("Idempotency-Key", "")),
            stamped=bool(moment) and not notified,
        )

    def canonical(self, reference: str) -> str:
        """With 18 characters, where letter case tells nothing any more."""
        return long_id(reference).upper()

    def spellings(self, reference: str) -> set[str]:
        """A record id in its other form. Which record a short one means, ``canonical`` tells."""
        is_id = RECORD_ID.fullmatch(reference)
        return {reference[:SHORT], long_id(reference)} if is_id else set()


def long_id(text: str) -> str:
    """A record id with 18 characters, whose letter case does not matter; any other text as it is.

    Two records may differ in the letter case of their 15 characters alone. The three more say
    which of each five are capital letters:
    https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/field_types.htm.
    """
    if len(text) != SHORT or not RECORD_ID.fullmatch(text):
        return text
    capitals = [
        sum(letter.isupper() << place for place, letter in enumerate(text[start : start + 5]))
        for start in (0, 5, 10)
    ]
    return text + "".join(SUFFIX_LETTERS[bits] for bits in capitals)


def _organization_of(body: bytes, content_type: str) -> str:
    try:
        told = notifications(read_body(body, content_type))
    except Stop:
        return ""
    return dig(told, "0.OrganizationId")


def _record(payload: Any) -> Any:
    return next((each for path in RECORDS if (each := reach(payload, path))), payload)


def _comment(record: Any) -> RemoteComment | None:
    """A Case Comment is a record of its own. It is edited if it was modified after its making."""
    if first(record, "@type", "attributes.type") != "CaseComment":
        return None
    made, modified = (from_iso(dig(record, f"{name}Date")) for name in ("Created", "LastModified"))
    return RemoteComment(
        id=long_id(first(record, *IDS)),
        change=Change.EDITED if made and modified and modified > made else Change.ADDED,
        body=dig(record, "CommentBody"),
        author=first(record, "CreatedById"),
    )


def _kinds(comment: RemoteComment | None) -> tuple[str, ...]:
    if comment is None:
        return ()
    return (str(Kind.COMMENTED if comment.change == Change.ADDED else Kind.COMMENT_CHANGED),)
