"""https://docs.gitlab.com/user/project/integrations/webhooks/"""

from __future__ import annotations

from operator import attrgetter

from automation.senders.base import Kind
from automation.setup.base import Field, Step, Way, secret_fields, ticks

EVENTS = {
    Kind.STATUS_CHANGED: "Issues events",
    Kind.CREATED: "Issues events",
    Kind.COMMENTED: "Comments",
    Kind.COMMENT_CHANGED: "Comments",
}

WEBHOOKS = Way(
    slug="webhook",
    name="Webhook of a project or group",
    choose="A project's webhook tells of its issues; a group's, of all its projects (Premium).",
    who="a Maintainer of the project, or an Owner of the group",
    source="https://docs.gitlab.com/user/project/integrations/webhooks/",
    steps=(
        Step("Open the project (or the group) and click Settings → Webhooks → Add new webhook."),
        Step(
            "Fill in the form, from top to bottom.",
            fields=(
                Field(
                    "URL",
                    attrgetter("url"),
                    note="“Mask portions of URL” can hide the key from other maintainers.",
                ),
                Field("Name", attrgetter("name")),
                *secret_fields("Secret token"),
                Field("Trigger", choose=ticks(EVENTS), note="Untick “Push events”."),
                Field("Enable SSL verification", choose="leave it ticked"),
            ),
        ),
        Step(
            "Click Add webhook.",
            note="Test → Issues events sends one. “Recent events” shows each answer; GitLab stops "
            "a webhook that is refused several times.",
        ),
    ),
)

WAYS = (WEBHOOKS,)
