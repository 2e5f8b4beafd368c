"""https://docs.github.com/webhooks/using-webhooks/creating-webhooks"""

from __future__ import annotations

from operator import attrgetter

from automation.senders.base import Kind
from automation.setup.base import Field, Step, Way, secret_fields, ticks

EVENTS = {
    Kind.STATUS_CHANGED: "Issues",
    Kind.CREATED: "Issues",
    Kind.COMMENTED: "Issue comments",
    Kind.COMMENT_CHANGED: "Issue comments",
}

REPOSITORY = Way(
    slug="webhook",
    name="Webhook of a repository or organization",
    choose="A repository's webhook tells of its issues, an organization's of all its repositories.",
    who="an administrator of the repository, or an owner of the organization",
    source="https://docs.github.com/webhooks/using-webhooks/creating-webhooks",
    steps=(
        Step(
            "Open the repository (or the organization) and click Settings → Webhooks → Add webhook."
        ),
        Step(
            "Fill in the form, from top to bottom.",
            fields=(
                Field("Payload URL", attrgetter("url")),
                Field("Content type", choose="application/json"),
                *secret_fields("Secret"),
                Field("SSL verification", choose="Enable SSL verification"),
                Field(
                    "Which events would you like to trigger this webhook?",
                    choose="Let me select individual events",
                    note="“Pushes” is ticked already: untick it.",
                ),
                Field("Events", choose=ticks(EVENTS)),
                Field("Active", choose="leave it ticked"),
            ),
        ),
        Step(
            "Click Add webhook.",
            note="GitHub sends a ping at once, which the listener keeps and does nothing about. "
            "“Recent Deliveries” shows each answer.",
        ),
    ),
)

WAYS = (REPOSITORY,)
