"""Outbound messages and flows.

https://help.salesforce.com/s/articleView?id=platform.workflow_managing_outbound_messages.htm,
https://help.salesforce.com/s/articleView?id=platform.flow_http_callout_configuring.htm and
https://help.salesforce.com/s/articleView?id=xcloud.nc_create_edit_named_credential.htm
"""

from __future__ import annotations

from operator import attrgetter

from automation.senders.base import Kind
from automation.setup.base import Facts, Field, Step, Way, secret_place, signed

RUNS = {
    Kind.CREATED: "A record is created",
    Kind.STATUS_CHANGED: "A record is updated",
    Kind.COMMENTED: "A record is created",
}


def trigger(facts: Facts) -> str:
    if facts.wants(Kind.CREATED) and facts.wants(Kind.STATUS_CHANGED):
        return "A record is created or updated"
    return next(label for kind, label in RUNS.items() if kind in facts.kinds)


def of_object(facts: Facts) -> str:
    return "Case Comment" if facts.by_comment else "Case, or the object that you link"


def conditions(facts: Facts) -> str:
    named = " or ".join(facts.statuses)
    return f"Status equals {named}" if named else "Status is changed: True"


def unique_name(facts: Facts) -> str:
    word = "".join(letter if letter.isalnum() else "_" for letter in facts.path.rpartition("/")[2])
    return "Hub_" + "_".join(filter(None, word.split("_")))


def flow_step(action: str) -> Step:
    return Step(
        "Setup → Quick Find “Flows” → New Flow → Record-Triggered Flow.",
        fields=(
            Field("Object", choose=of_object),
            Field("Trigger the flow when", choose=trigger),
            Field(
                "Entry conditions",
                choose=conditions,
                only=lambda facts: facts.wants(Kind.STATUS_CHANGED),
            ),
            Field(
                "When to run the flow for updated records",
                choose="Only when a record is updated to meet the condition requirements",
                only=lambda facts: facts.wants(Kind.STATUS_CHANGED),
            ),
            Field("Optimize the flow for", choose="Actions and Related Records"),
            Field("Add element", choose=action),
        ),
    )


OUTBOUND_MESSAGE = Way(
    slug="outbound_message",
    name="Outbound message",
    choose="Salesforce sends it for 24 hours, until it is acknowledged. It needs no code.",
    who="a Salesforce administrator (Customize Application)",
    source="https://help.salesforce.com/s/articleView?id=platform.workflow_managing_outbound_messages.htm",
    steps=(
        Step("Setup → Quick Find “Outbound Messages” → Outbound Messages → New Outbound Message."),
        Step("Choose the object, then Next.", fields=(Field("Object", choose=of_object),)),
        Step(
            "Fill in the form, from top to bottom.",
            fields=(
                Field("Name", attrgetter("name")),
                Field("Unique Name", unique_name),
                Field("Endpoint URL", lambda facts: f"{facts.address}?apiKey={facts.key}"),
                Field("User to send as", choose="yourself, or a user for integrations"),
                Field(
                    "Send Session ID",
                    choose="leave it unticked",
                    note="It would let a receiver act as that user. Here it is struck out anyway.",
                ),
                Field(
                    "Fields to send",
                    choose=lambda facts: (
                        "Id, ParentId, CommentBody, LastModifiedDate"
                        if facts.by_comment
                        else "Id, CaseNumber, Status, LastModifiedDate"
                    ),
                    note="Tickets are found by the record's Id or its number.",
                ),
            ),
        ),
        Step(
            "Setup → Quick Find “Company Information”: look at the Organization ID.",
            note="Salesforce signs nothing, but names its organization. The secret of the listener "
            "must be this id; if it is another, tell whoever keeps the listener.",
            only=signed,
        ),
        flow_step("Action → Outbound Message → the one that you made"),
        Step(
            "Save and activate the flow.",
            note="Setup → Outbound Messages → View Message Delivery Status shows what waits.",
        ),
    ),
)

HTTP_CALLOUT = Way(
    slug="flow",
    name="Flow with an HTTP callout",
    choose="Where the key must stay in a named credential, or a flow decides. Apex does the same "
    "with callout:.",
    who="a Salesforce administrator (Manage Flow, Customize Application)",
    source="https://help.salesforce.com/s/articleView?id=platform.flow_http_callout_configuring.htm",
    steps=(
        Step(
            "Setup → Quick Find “Named Credentials” → External Credentials → New, then a principal "
            "and a custom header.",
            fields=(
                Field("Label", "Feedback Hub"),
                Field("Authentication Protocol", choose="Custom"),
                Field("Custom Headers: Name", "X-API-Key"),
                Field("Custom Headers: Value", attrgetter("key")),
                Field("Custom Headers: Name", attrgetter("header"), only=signed),
                Field("Custom Headers: Value", attrgetter("secret"), secret_place, only=signed),
            ),
        ),
        Step(
            "Named Credentials → New, and let the users who change the records have the external "
            "credential's principal by a permission set.",
            fields=(
                Field("Label", "Feedback Hub"),
                Field("URL", attrgetter("origin")),
                Field("External Credential", choose="the one that you made"),
                Field("Generate Authorization Header", choose="untick it"),
            ),
        ),
        flow_step("Action → Create HTTP Callout"),
        Step(
            "Fill in the HTTP callout.",
            fields=(
                Field("Name", "Feedback Hub"),
                Field("Named Credential", choose="the one that you made"),
                Field("Method", choose="POST"),
                Field("URL Path", attrgetter("path")),
                Field("Query Parameter Keys", "find", note="Type Text, required."),
                Field("Sample JSON request body", '{"status": "Closed"}'),
            ),
        ),
        Step(
            "In the flow, give the action its values, then save and activate it.",
            fields=(
                Field("find", "{!$Record.CaseNumber}"),
                Field("body: status", "{!$Record.Status}"),
            ),
            note="A callout runs on the flow's asynchronous path.",
        ),
    ),
)

WAYS = (OUTBOUND_MESSAGE, HTTP_CALLOUT)
