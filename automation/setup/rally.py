"""Rally has no page for it: webhooks are made by its API.

https://rally1.rallydev.com/apps/pigeon/docs/webhooks and, for the operators “project” and “~”,
https://knowledge.broadcom.com/external/article/117615
"""

from __future__ import annotations

import json
import shlex
from typing import Any

from automation.senders.base import Kind
from automation.setup.base import Facts, Field, Step, Way

ADDRESS = "https://rally1.rallydev.com/apps/pigeon/api/v2/webhook"


def webhook(facts: Facts) -> dict[str, Any]:
    types = ["ConversationPost"] if facts.by_comment else ["Defect", "HierarchicalRequirement"]
    return {
        "AppName": "Feedback Hub",
        "AppUrl": facts.origin,
        "Name": facts.name,
        "TargetUrl": facts.url,
        "ObjectTypes": types,
        "Expressions": [
            {"Operator": "project", "Value": "UUID_OF_YOUR_PROJECT"},
            *([_in_status(facts)] if facts.statuses else []),
        ],
    }


def _in_status(facts: Facts) -> dict[str, str]:
    operator = "~" if len(facts.statuses) > 1 else "="
    return {"AttributeName": "State", "Operator": operator, "Value": ",".join(facts.statuses)}


def definition(facts: Facts) -> str:
    return json.dumps(webhook(facts), indent=2, ensure_ascii=False)


def command(facts: Facts) -> str:
    return (
        f"curl -X POST {ADDRESS} \\\n"
        "  -H 'Cookie: ZSESSIONID=YOUR_RALLY_API_KEY' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(definition(facts))}"
    )


def types_note(facts: Facts) -> str:
    stories = " A story's state is ScheduleState, not State." if facts.statuses else ""
    return (
        "UUID_OF_YOUR_PROJECT is the ObjectUUID of your Rally project. All expressions must be "
        f"met; for several projects make several webhooks.{stories}"
    )


WEBHOOKS_API = Way(
    slug="webhooks_api",
    name="Webhooks API",
    choose="Rally sends every change of the objects that the expressions match.",
    who="a subscription administrator in Rally",
    source="https://rally1.rallydev.com/apps/pigeon/docs/webhooks",
    signs=False,
    steps=(
        Step("In Rally, make an API key for yourself: your name → API Keys → Create New API Key."),
        Step(
            "In a terminal, send the webhook's definition to Rally.",
            fields=(
                Field("Command", command),
                Field(
                    "or the definition alone",
                    definition,
                    note=types_note,
                ),
            ),
        ),
        Step(
            "Rally answers with the webhook and its ObjectUUID. Keep it: by that it is changed or "
            "deleted.",
            note=lambda facts: (
                "The body of a comment (ConversationPost) names the item that it is about by id."
                if facts.wants(Kind.COMMENTED) and facts.by_comment
                else ""
            ),
        ),
    ),
)

WAYS = (WEBHOOKS_API,)
