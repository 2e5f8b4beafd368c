"""Jira Cloud and Data Center.

https://developer.atlassian.com/cloud/jira/platform/webhooks/,
https://developer.atlassian.com/server/jira/platform/webhooks/,
https://support.atlassian.com/cloud-automation/docs/jira-automation-actions/ (Send web request) and
https://support.atlassian.com/cloud-automation/docs/issue-data-jira-format-payload-for-send-web-request-action
"""

from __future__ import annotations

from operator import attrgetter

from automation.jql.findings import quoted
from automation.senders.base import Kind
from automation.setup.base import Facts, Field, Step, Way, events, secret_fields, ticks

ISSUE_EVENTS = {Kind.CREATED: "created", Kind.STATUS_CHANGED: "updated"}
COMMENT_EVENTS = {
    Kind.COMMENTED: "created",
    Kind.COMMENT_CHANGED: "updated” and “deleted",
}
TRIGGERS = {
    Kind.STATUS_CHANGED: "Work item transitioned",
    Kind.CREATED: "Work item created",
    Kind.COMMENTED: "Work item commented",
}
NUMBERED = {  # what a body of one's own tells, in the words of Jira's webhooks
    Kind.STATUS_CHANGED: "jira:issue_updated",
    Kind.CREATED: "jira:issue_created",
    Kind.COMMENTED: "comment_created",
}


def jql(facts: Facts) -> str:
    """Says how the issue is now; whether that is a change, the listener finds in the changelog."""
    projects = facts.projects or ("YOUR_PROJECT",)
    clauses = [_one_of("project", projects)]
    if facts.statuses:
        clauses.append(_one_of("status", tuple(quoted(status) for status in facts.statuses)))
    return " AND ".join(clauses)


def _one_of(field: str, values: tuple[str, ...]) -> str:
    return f"{field} in ({', '.join(values)})" if len(values) > 1 else f"{field} = {values[0]}"


def jql_note(facts: Facts) -> str:
    replace = "" if facts.projects else "Put the key of your project in place of YOUR_PROJECT. "
    return (
        f"{replace}Do not write “status changed to …” here: it looks at the issue's whole history "
        "and sends again at every later edit."
    )


def to_statuses(facts: Facts) -> str:
    return ", ".join(facts.statuses) or "leave it empty: any status"


def automation_url(facts: Facts) -> str:
    return facts.address if facts.names_itself else f"{facts.address}?find={{{{issue.key}}}}"


def own_body(facts: Facts) -> str:
    """A body in the words of Jira's webhooks, filled in by smart values."""
    comment = (
        ',\n  "comment": {"id": "{{comment.id}}", "body": "{{comment.body.jsonEncode}}",\n'
        '    "author": {"displayName": "{{comment.author.displayName.jsonEncode}}"}}'
    )
    transition = ',\n  "transition": {"to_status": "{{issue.status.name.jsonEncode}}"}'
    event = next(name for kind, name in NUMBERED.items() if kind in facts.kinds)
    return (
        f'{{\n  "webhookEvent": "{event}",\n  "timestamp": {{{{now.toMillis}}}},\n'
        '  "issue": {"id": "{{issue.id}}", "key": "{{issue.key}}", "fields": {\n'
        '    "status": {"name": "{{issue.status.name.jsonEncode}}"},\n'
        '    "resolution": {"name": "{{issue.resolution.name.jsonEncode}}"}}}'
        f"{transition if facts.wants(Kind.STATUS_CHANGED) else ''}"
        f"{comment if facts.wants(Kind.COMMENTED) else ''}\n}}"
    )


def needs_issue(facts: Facts) -> bool:
    return facts.names_itself or facts.reads_body


def needs_own(facts: Facts) -> bool:
    return (facts.by_table or facts.by_comment) and not needs_issue(facts)


def needs_none(facts: Facts) -> bool:
    return not needs_issue(facts) and not needs_own(facts)


def issue_note(facts: Facts) -> str:
    """This body has no changelog."""
    if not facts.waits:
        return ""
    return (
        "This body does not say what was changed: choose “Any event” as “When” on the listener, "
        "and let the rule decide."
    )


NAME_AND_URL = (
    Field("Name", attrgetter("name")),
    Field("Status", choose="Enabled"),
    Field(
        "URL",
        attrgetter("url"),
        note="Paste it whole. Jira fills in ${issue.key}; that is its own word, leave it as it is.",
        only=lambda facts: not facts.names_itself,
    ),
    Field("URL", attrgetter("url"), only=attrgetter("names_itself")),
    *secret_fields("Secret"),
)

WEBHOOKS = Way(
    slug="webhooks",
    name="WebHooks",
    choose="For whole projects. It tells of every change with its changelog, so that the listener "
    "sees what was changed.",
    who="a Jira administrator",
    source="https://developer.atlassian.com/cloud/jira/platform/webhooks/",
    jql=True,
    steps=(
        Step(
            "Click Settings (the cog) → System → WebHooks, below Advanced, then Create a WebHook.",
            note="On Data Center the cog says Administration.",
        ),
        Step(
            "Fill in the form, from top to bottom.",
            fields=(
                *NAME_AND_URL,
                Field("Issue related events", jql, note=jql_note),
                Field("Issue", choose=ticks(ISSUE_EVENTS)),
                Field(
                    "Comment",
                    choose=ticks(COMMENT_EVENTS),
                    note="On Data Center tick “updated” under Issue instead: the events of a "
                    "comment do not say there which issue they are about.",
                    only=lambda facts: facts.wants(Kind.COMMENTED),
                ),
                Field(
                    "Exclude body",
                    choose="leave it unticked",
                    note="The listener reads from the body what was changed.",
                ),
            ),
        ),
        Step("Click Create.", note="Then change an issue that is linked to a ticket."),
    ),
)

AUTOMATION = Way(
    slug="automation",
    name="Automation",
    choose="For those who administer a project, and no more. The rule itself says when.",
    who="a project administrator in Jira",
    source="https://support.atlassian.com/cloud-automation/docs/jira-automation-actions/",
    signs=False,
    steps=(
        Step(
            "In your project click Project settings (Space settings) → Automation → Create rule.",
            note="For several projects: Settings (the cog) → System → Global automation.",
        ),
        Step(
            "Choose the trigger.",
            fields=(
                Field("Trigger", choose=events(TRIGGERS), note="In older Jira “Issue …”."),
                Field(
                    "To status",
                    choose=to_statuses,
                    only=lambda facts: facts.wants(Kind.STATUS_CHANGED),
                ),
            ),
            note="A rule has one trigger: for several make several rules.",
        ),
        Step(
            "Add an action: Then → Send web request, and fill it in.",
            fields=(
                Field(
                    "Web request URL",
                    automation_url,
                    note="Here it is {{issue.key}}: Automation does not know ${issue.key}.",
                ),
                Field("HTTP method", choose="POST"),
                Field(
                    "Web request body",
                    choose="Empty",
                    note="The rule has chosen what happened; a request without a body is trusted.",
                    only=needs_none,
                ),
                Field(
                    "Web request body",
                    choose="Issue data (Jira format)",
                    note=issue_note,
                    only=needs_issue,
                ),
                Field("Web request body", choose="Custom data", only=needs_own),
                Field("Custom data", own_body, only=needs_own),
                Field("Headers: key", "X-API-Key"),
                Field("Headers: value", attrgetter("key"), note="Tick Hidden."),
                Field("Headers: key", "Content-Type", only=needs_own),
                Field("Headers: value", "application/json", only=needs_own),
            ),
        ),
        Step(
            "Name the rule and turn it on.",
            fields=(Field("Rule name", attrgetter("name")),),
            note="The rule's audit log shows what it sent, and how it was answered.",
        ),
    ),
)

POST_FUNCTION = Way(
    slug="post_function",
    name="Workflow post function",
    choose="For one transition of a workflow. Jira calls as soon as it is made.",
    who="a Jira administrator",
    source="https://developer.atlassian.com/server/jira/platform/webhooks/",
    signs=True,
    steps=(
        Step(
            "Click Settings (the cog) → System → WebHooks, then Create a WebHook.",
            fields=(
                *NAME_AND_URL,
                Field("Issue related events", choose="leave it empty"),
                Field("Events", choose="tick none: the workflow calls it"),
                Field("Exclude body", choose="leave it unticked"),
            ),
        ),
        Step("Click Create."),
        Step(
            "Click Settings → Work items (Issues) → Workflows, and edit your workflow.",
        ),
        Step(
            "Click the transition, then Post functions → Add post function → Trigger a Webhook.",
            fields=(
                Field("Transition", choose=lambda facts: f"the one to {to_statuses(facts)}"),
                Field("Webhook", attrgetter("name")),
            ),
            note="In the new workflow editor: Rules → Add rule → Trigger a webhook.",
        ),
        Step("Publish the workflow."),
    ),
)

WAYS = (WEBHOOKS, AUTOMATION, POST_FUNCTION)
