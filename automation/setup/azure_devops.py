"""https://learn.microsoft.com/azure/devops/service-hooks/services/webhooks and …/events."""

from __future__ import annotations

from operator import attrgetter

from automation.senders.base import Kind
from automation.setup.base import Facts, Field, Step, Way, events, signed

EVENTS = {
    Kind.STATUS_CHANGED: "Work item updated",
    Kind.CREATED: "Work item created",
    Kind.COMMENTED: "Work item commented on",
}


def several(facts: Facts) -> str:
    if sum(kind in facts.kinds for kind in EVENTS) < 2:
        return ""
    return "A subscription has one event: make one for each of these, with the same action."


def secret_header(facts: Facts) -> str:
    return f"{facts.header}:{facts.secret}" if facts.secret else ""


def secret_header_place(facts: Facts) -> str:
    return "" if facts.secret else f"{facts.header}: followed by {facts.secret_place}"


SERVICE_HOOKS = Way(
    slug="service_hooks",
    name="Service Hooks",
    choose="One subscription for each event; the address is the same for all work items.",
    who="a member of Project Collection Administrators",
    source="https://learn.microsoft.com/azure/devops/service-hooks/services/webhooks",
    steps=(
        Step(
            "In your project click Project settings → Service hooks → + Create subscription.",
            note="In TFS: the cog of the project → Service Hooks.",
        ),
        Step("Service: choose Web Hooks, then Next."),
        Step(
            "Trigger: choose the event and which work items it is for, then Next.",
            fields=(
                Field("Trigger on this type of event", choose=events(EVENTS), note=several),
                Field("Area path", choose="yours, or [Any]"),
                Field("Work item type", choose="the type that you link, such as Bug, or [Any]"),
                Field(
                    "Field",
                    choose="State",
                    note="Of “Work item updated”: only changes of the state are then sent.",
                    only=lambda facts: facts.wants(Kind.STATUS_CHANGED),
                ),
            ),
        ),
        Step(
            "Action: fill in the settings.",
            fields=(
                Field("URL", attrgetter("address"), note="Without find= and without the key."),
                Field("Accept untrusted SSL certificates", choose="leave it unticked"),
                Field("Basic authentication username", "hub", note="Any word will do."),
                Field(
                    "Basic authentication password",
                    attrgetter("key"),
                    note="The API key. Azure DevOps sends it over HTTPS only.",
                ),
                Field("HTTP headers", secret_header, secret_header_place, only=signed),
                Field("Resource details to send", choose="All"),
                Field("Messages to send", choose="Text"),
                Field("Detailed messages to send", choose="None"),
            ),
        ),
        Step(
            "Click Test, then Finish.",
            note="The test sends an example of Microsoft's own. It is answered with 200 and "
            "appears here as a work item that no ticket is linked to: that is as it should be.",
        ),
    ),
)

WAYS = (SERVICE_HOOKS,)
