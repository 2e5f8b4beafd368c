"""https://linear.app/developers/webhooks"""

from __future__ import annotations

from operator import attrgetter

from automation.senders.base import Kind
from automation.setup.base import Field, Step, Way, signed, ticks, unsigned

EVENTS = {
    Kind.STATUS_CHANGED: "Issues",
    Kind.CREATED: "Issues",
    Kind.COMMENTED: "Comments",
    Kind.COMMENT_CHANGED: "Comments",
}

WEBHOOK = Way(
    slug="webhook",
    name="Webhook",
    choose="One for a team, or for all public teams.",
    who="an admin of the Linear workspace",
    source="https://linear.app/developers/webhooks",
    steps=(
        Step("Click Settings → API (below Administration) → Webhooks → New webhook."),
        Step(
            "Fill in the form.",
            fields=(
                Field("Label", attrgetter("name")),
                Field("URL", attrgetter("url")),
                Field(
                    "Signing secret",
                    choose="it is made by Linear, and must be the one that the listener has",
                    note="Does the listener have another one? Copy Linear's and send it to whoever "
                    "keeps the listener, who enters it under Advanced → Secret.",
                    only=signed,
                ),
                Field(
                    "Signing secret",
                    choose="it is made by Linear",
                    note="The listener expects no signature. To have them checked, let whoever "
                    "keeps the listener enter this secret under Advanced → Secret.",
                    only=unsigned,
                ),
                Field("Data change events", choose=ticks(EVENTS)),
                Field("Team selection", choose="your team, or All public teams"),
            ),
        ),
        Step("Click Create webhook."),
    ),
)

WAYS = (WEBHOOK,)
