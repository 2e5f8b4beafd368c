"""Who may do what by REST, signed in or with an API key; and who may call a listener."""

from __future__ import annotations

from tests.permissions.entry import Entry
from tests.permissions.roles import (
    ANY_READ,
    COMMUNITY,
    CONTRIBUTORS,
    EDITORS,
    FREE_READ,
    FREE_WRITE,
    IN_BETA,
    INSIDERS,
    LISTEN,
    MANAGERS,
    PEOPLE,
    READ,
    WRITE,
)

API = "/api/v1/"
UNSEEN = (400, 403, 404)  # 400 where the body names a row that the caller may not see


def resource(name, row, *, see, keep, new, patch, put=None, spare=None, free=False):
    """A kind of rows that are made, changed and deleted by the same people."""
    whole = f"{API}{name}/"
    one, other = f"{whole}{{{row}.pk}}/", f"{whole}{{{spare or row}.pk}}/"
    makes = keep - WRITE | FREE_WRITE if free else keep
    return [
        Entry("GET", whole, PEOPLE | ANY_READ),
        Entry("POST", whole, makes, new, 201, UNSEEN),
        Entry("GET", one, see),
        Entry("PATCH", one, keep, patch),
        Entry("PUT", one, keep, put or new),
        Entry("DELETE", other, keep, answer=204),
    ]


VERSIONED = {
    "macros": "spare_macro",
    "listeners": "spare_listener",
    "saved-filters": "spare_filter",
}

PARTS = [
    Entry("GET", API, PEOPLE | ANY_READ),
    Entry("GET", API + "projects/", PEOPLE | ANY_READ),
    Entry("POST", API + "projects/", COMMUNITY | FREE_WRITE, {"key": "new", "name": "New"}, 201),
    Entry("GET", API + "projects/{project.key}/", IN_BETA | READ),
    Entry("PATCH", API + "projects/{project.key}/", MANAGERS | WRITE, {"name": "New"}),
    Entry("PUT", API + "projects/{project.key}/", MANAGERS | WRITE, {"name": "New", "key": "beta"}),
    Entry("DELETE", API + "projects/{project.key}/", COMMUNITY | WRITE, answer=409, changes=False),
    *resource(
        "teams",
        "spare_team",
        see=INSIDERS | READ,
        keep=MANAGERS | WRITE,
        new={"project": "beta", "name": "New", "kind": "support"},
        patch={"name": "New"},
    ),
    Entry(
        "PATCH",
        API + "teams/{spare_team.pk}/",
        COMMUNITY | WRITE,
        lambda cast: {"members": [cast.person.username]},
        what="members",
    ),
    Entry(
        "PATCH",
        API + "teams/{spare_team.pk}/",
        COMMUNITY | WRITE,
        {"kind": "project_manager"},
        what="kind",
    ),
    *resource(
        "workflows",
        "spare_workflow",
        see=INSIDERS | READ,
        keep=MANAGERS | WRITE,
        new={"project": "beta", "name": "New"},
        patch={"name": "New"},
    ),
    *resource(
        "statuses",
        "spare_status",
        see=INSIDERS | READ,
        keep=MANAGERS | WRITE,
        new=lambda cast: {"workflow": cast.workflow.pk, "name": "Newer"},
        patch={"name": "Newer"},
    ),
    *resource(
        "feedback-types",
        "spare_type",
        see=IN_BETA | READ,
        keep=MANAGERS | WRITE,
        new=lambda cast: {
            "project": "beta",
            "name": "New",
            "prefix": "NEW",
            "default_workflow": cast.workflow.pk,
        },
        patch={"name": "New"},
    ),
    *resource(
        "tags",
        "tag",
        see=IN_BETA | READ,
        keep=MANAGERS | WRITE,
        new={"project": "beta", "name": "New"},
        patch={"name": "New"},
        spare="spare_tag",
    ),
    Entry("GET", API + "tags/{spare_tag.pk}/", INSIDERS | READ, what="on no ticket"),
    Entry("GET", API + "statuses/{open.pk}/", IN_BETA | READ, what="of a public ticket"),
    *resource(
        "form-fields",
        "spare_field",
        see=IN_BETA | READ,
        keep=MANAGERS | WRITE,
        new=lambda cast: {"feedback_type": cast.bugs.pk, "label": "New", "kind": "text"},
        put=lambda cast: {"feedback_type": cast.bugs.pk, "label": "New", "kind": "text"},
        patch={"label": "New"},
    ),
    Entry("GET", API + "form-fields/{inner_field.pk}/", INSIDERS | READ, what="of the team only"),
    *resource(
        "saved-filters",
        "spare_filter",
        see=INSIDERS | READ,
        keep=MANAGERS | WRITE,
        new=lambda cast: {
            "feedback_type": cast.bugs.pk,
            "name": "New",
            "groups": [{"search": ["lens"]}],
        },
        patch={"name": "New"},
    ),
    *resource(
        "macros",
        "spare_macro",
        see=MANAGERS | READ,
        keep=MANAGERS | WRITE,
        new=lambda cast: {
            "feedback_type": cast.bugs.pk,
            "name": "New",
            "actions": [{"kind": "add_comment", "params": {"body": "Done.", "exposure": "public"}}],
        },
        patch={"name": "New"},
    ),
    Entry("GET", API + "macros/actions/", PEOPLE | ANY_READ),
    *resource(
        "listeners",
        "spare_listener",
        see=MANAGERS | READ,
        keep=MANAGERS | WRITE,
        new=lambda cast: {
            "feedback_type": cast.bugs.pk,
            "name": "New",
            "key": "new",
            "macro": cast.macro.pk,
        },
        patch={"enabled": False},
    ),
    *(
        Entry("GET", f"{API}{name}/{{{row}.pk}}/versions/", MANAGERS | READ)
        for name, row in VERSIONED.items()
    ),
    *(
        Entry(
            "POST",
            f"{API}{name}/{{{row}.pk}}/versions/1/restore/",
            MANAGERS | WRITE,
        )
        for name, row in VERSIONED.items()
    ),
    *resource(
        "triggers",
        "spare_trigger",
        see=MANAGERS | READ,
        keep=MANAGERS | WRITE,
        new=lambda cast: {
            "feedback_type": cast.bugs.pk,
            "name": "New",
            "event": "submitted",
            "macro": cast.macro.pk,
        },
        patch={"enabled": True},
    ),
    *resource(
        "schedules",
        "spare_schedule",
        see=MANAGERS | READ,
        keep=MANAGERS | WRITE,
        new=lambda cast: {
            "feedback_type": cast.bugs.pk,
            "name": "New",
            "every": "day",
            "starts_at": "2031-01-01T12:00:00Z",
            "macro": cast.macro.pk,
        },
        patch={"enabled": True},
    ),
    Entry("GET", API + "bulk-runs/", PEOPLE | ANY_READ),
    Entry("GET", API + "bulk-runs/{bulk.public_id}/", EDITORS | READ),
    Entry(
        "POST",
        API + "bulk-runs/",
        EDITORS | WRITE,
        lambda cast: {"macro": cast.macro.pk, "params": {}},
        201,
        UNSEEN,
    ),
    Entry("POST", API + "bulk-runs/{bulk.public_id}/cancel/", MANAGERS | WRITE, {}),
    Entry("POST", API + "bulk-runs/{bulk_done.public_id}/undo/", MANAGERS | WRITE, {}),
    Entry("GET", API + "deliveries/", PEOPLE | ANY_READ),
    Entry("GET", API + "deliveries/{delivery.public_id}/", MANAGERS | READ),
    Entry("GET", API + "executions/", PEOPLE | ANY_READ),
    Entry("GET", API + "executions/{execution.public_id}/", MANAGERS | READ),
    Entry("GET", API + "outgoing/", PEOPLE | ANY_READ),
    Entry("GET", API + "outgoing/{outgoing.public_id}/", MANAGERS | READ),
]

TICKET = API + "tickets/{ticket.pk}/"
INTERNAL = API + "tickets/{internal.pk}/"
TICKETS = [
    Entry("GET", API + "tickets/", PEOPLE | ANY_READ),
    Entry(
        "POST",
        API + "tickets/",
        CONTRIBUTORS | WRITE,
        lambda cast: {"feedback_type": cast.bugs.pk, "summary": "New"},
        201,
        UNSEEN,
    ),
    Entry(
        "POST",
        API + "tickets/",
        MANAGERS | WRITE,
        lambda cast: {
            "feedback_type": cast.bugs.pk,
            "summary": "New",
            "submitter": cast.tester.username,
        },
        201,
        UNSEEN,
        what="in another's name",
    ),
    Entry(
        "POST",
        API + "tickets/",
        INSIDERS - {"observer"} | WRITE,
        lambda cast: {"feedback_type": cast.bugs.pk, "summary": "New", "exposure": "internal"},
        201,
        UNSEEN,
        what="an internal one",
    ),
    Entry(
        "POST",
        API + "tickets/",
        MANAGERS | WRITE,
        lambda cast: {"feedback_type": cast.bugs.pk, "summary": "New", "tags": ["new"]},
        201,
        UNSEEN,
        what="with a tag",
    ),
    Entry(
        "POST",
        API + "tickets/",
        CONTRIBUTORS | WRITE,
        lambda cast: {
            "feedback_type": cast.bugs.pk,
            "summary": "New",
            "values": {cast.field.key: "New"},
        },
        201,
        UNSEEN,
        what="with a form field",
    ),
    Entry(
        "POST",
        API + "tickets/",
        INSIDERS - {"observer"} | WRITE,
        lambda cast: {
            "feedback_type": cast.bugs.pk,
            "summary": "New",
            "values": {cast.inner_field.key: "New"},
        },
        201,
        UNSEEN,
        what="with a form field of the team",
    ),
    Entry("GET", TICKET, IN_BETA | READ),
    Entry("GET", INTERNAL, INSIDERS | READ),
    Entry(
        "GET",
        API + "tickets/?feedback_type={bugs.pk}&field.inner=wood",
        INSIDERS | READ,
        refusal=(400, 403),
        what="by a form field",
    ),
    Entry("PATCH", TICKET, EDITORS | WRITE, {"summary": "Another"}),
    Entry("PATCH", INTERNAL, MANAGERS | WRITE, {"summary": "Another"}),
    Entry(
        "PUT",
        TICKET,
        EDITORS | WRITE,
        lambda cast: {"feedback_type": cast.bugs.pk, "summary": "Another"},
    ),
    Entry("GET", TICKET + "comments/", IN_BETA | READ),
    Entry("GET", INTERNAL + "comments/", INSIDERS | READ),
    Entry("POST", TICKET + "comments/", CONTRIBUTORS | WRITE, {"body": "Hi"}, 201),
    Entry(
        "POST", INTERNAL + "comments/", CONTRIBUTORS - {"participant"} | WRITE, {"body": "Hi"}, 201
    ),
    Entry(
        "POST",
        TICKET + "comments/",
        INSIDERS - {"observer"} | WRITE,
        {"body": "Hi", "exposure": "internal"},
        201,
        what="an internal one",
    ),
    Entry("GET", TICKET + "history/", IN_BETA | READ),
    Entry("GET", INTERNAL + "history/", INSIDERS | READ),
    Entry("GET", TICKET + "data/", IN_BETA | READ, what="none for participants"),
    Entry("GET", INTERNAL + "data/", INSIDERS | READ),
    Entry("GET", TICKET + "links/", IN_BETA | READ, what="none for participants"),
    Entry("POST", TICKET + "links/", MANAGERS | WRITE, {"remote_key": "NEW-1"}, 201),
    Entry("DELETE", TICKET + "links/{link.pk}/", MANAGERS | WRITE, answer=204),
    Entry("GET", API + "rank-points/", PEOPLE | ANY_READ),
    Entry("GET", API + "rank-points/{standing.pk}/", INSIDERS | READ),
    Entry("GET", API + "person-notes/", PEOPLE | ANY_READ),
    Entry("GET", API + "person-notes/{note.pk}/", INSIDERS | READ),
    Entry("GET", API + "comments/", PEOPLE | ANY_READ),
    Entry(
        "POST",
        API + "comments/",
        CONTRIBUTORS | WRITE,
        lambda cast: {"ticket": cast.ticket.pk, "body": "Hi"},
        201,
        UNSEEN,
    ),
    Entry(
        "POST",
        API + "comments/",
        CONTRIBUTORS - {"participant"} | WRITE,
        lambda cast: {"ticket": cast.internal.pk, "body": "Hi"},
        201,
        UNSEEN,
        what="on an internal ticket",
    ),
    Entry("GET", API + "comments/{comment.pk}/", IN_BETA | READ),
    Entry("GET", API + "comments/{inner_comment.pk}/", INSIDERS | READ),
]

NEW_KEY = {"name": "New", "prefix": "new", "scopes": ["read"]}
API_KEYS = [
    Entry("GET", API + "api-keys/", PEOPLE | ANY_READ, what="none for others than the community"),
    Entry("POST", API + "api-keys/", COMMUNITY, NEW_KEY, 201),
    Entry("GET", API + "api-keys/{used_key.pk}/", COMMUNITY | READ),
    Entry("GET", API + "api-keys/{loose_key.pk}/", COMMUNITY | FREE_READ, what="of no project"),
    Entry("PATCH", API + "api-keys/{loose_key.pk}/", COMMUNITY, {"enabled": False}),
    Entry("PUT", API + "api-keys/{loose_key.pk}/", COMMUNITY, {"name": "New"}),
    Entry("DELETE", API + "api-keys/{loose_key.pk}/", COMMUNITY, answer=204),
    Entry("POST", API + "api-keys/{loose_key.pk}/replace-secret/", COMMUNITY, {}),
    Entry("GET", API + "api-calls/", PEOPLE | ANY_READ, what="none for others than the community"),
    Entry("GET", API + "api-calls/{call.pk}/", COMMUNITY | READ),
]

DOOR = [
    Entry(
        "POST",
        API + f"projects/{{project.key}}/{word}/{{listener.key}}",
        LISTEN,
        {"a": 1},
        200,
        (401, 403),
    )
    for word in ("feedbackListeners", "FEEDBACKLISTENERS")
]

RUNS = [
    Entry(
        "POST",
        API + f"macros/{{macro.pk}}/{word}/",
        EDITORS | WRITE,
        lambda cast: {"ticket": cast.ticket.pk},
        200,
        UNSEEN,
        changes=word == "run",
    )
    for word in ("run", "rehearse")
] + [
    Entry("POST", API + "executions/{execution.public_id}/undo/", MANAGERS | WRITE, {}),
    Entry(
        "POST", API + "deliveries/{delivery.public_id}/rehearse/", MANAGERS | WRITE, changes=False
    ),
    Entry(
        "POST",
        API + "listeners/{listener.pk}/rehearse/",
        MANAGERS | WRITE,
        {"days": 7},
        changes=False,
    ),
    Entry(
        "POST",
        API + "bulk-runs/rehearse/",
        EDITORS | WRITE,
        lambda cast: {"macro": cast.macro.pk, "params": {}},
        200,
        UNSEEN,
        changes=False,
    ),
]

RESOURCES = [*PARTS, *TICKETS, *API_KEYS, *DOOR, *RUNS]
