"""Who may open which page, and press which of its buttons."""

from __future__ import annotations

from tests.permissions.cast import PASSWORD
from tests.permissions.entry import Entry
from tests.permissions.roles import (
    ANY_MANAGER,
    AT_PAGES,
    COMMUNITY,
    CONTRIBUTORS,
    EDITORS,
    EVERYONE,
    IN_BETA,
    INSIDERS,
    MANAGERS,
    PEOPLE,
)

NOBODY = frozenset[str]()
PROJECT = "/admin/projects/{project.key}/"
BUGS = PROJECT + "BUG/"

ALL_AROUND = [
    Entry("GET", "/", EVERYONE, answer=302),
    Entry("GET", "/healthz", EVERYONE),
    Entry("GET", "/api/schema/", EVERYONE, asked_by=("signed_out", "participant", "key_listen")),
    Entry("GET", "/api/docs/", EVERYONE),
    Entry("GET", "/api/docs/tickets/", EVERYONE),
    Entry("GET", "/admin/", PEOPLE),
    Entry("GET", "/admin/login/", AT_PAGES - PEOPLE, refusal=(302,)),
    Entry("POST", "/admin/login/", EVERYONE, {"username": "x", "password": "y"}, changes=False),
    Entry("POST", "/admin/logout/", PEOPLE, changes=False, refusal=(302,)),
    Entry("GET", "/admin/logout/", NOBODY, refusal=(302, 405)),
    Entry("GET", "/admin/password_change/", PEOPLE),
    Entry(
        "POST",
        "/admin/password_change/",
        PEOPLE,
        {
            "old_password": PASSWORD,
            "new_password1": "another-lens-cap",
            "new_password2": "another-lens-cap",
        },
        answer=302,
    ),
    Entry("GET", "/admin/password_change/done/", PEOPLE),
    Entry("GET", "/admin/jsi18n/", PEOPLE),
    Entry("GET", "/admin/search/?s=wood&extended=1", PEOPLE),
    Entry("GET", "/admin/search/?s=bug-1", PEOPLE, what="a ticket by its id"),
    Entry("GET", "/admin/search/?s=bug-2", PEOPLE, what="an internal ticket by its id"),
    Entry("GET", "/admin/feedback/", ANY_MANAGER),
    Entry("GET", "/admin/apikeys/", COMMUNITY),
    Entry("GET", "/admin/auth/", COMMUNITY),
    Entry("GET", "/admin/nowhere/", NOBODY),
]

OF_A_PROJECT = [
    Entry("GET", PROJECT, IN_BETA),
    Entry("GET", PROJECT + "settings/", MANAGERS),
    Entry("POST", PROJECT + "settings/", MANAGERS, {"name": "New", "key": "beta"}, 302),
    Entry("GET", PROJECT + "import-links/", MANAGERS),
    Entry("GET", PROJECT + "import-links/?template", MANAGERS),
    Entry(
        "POST",
        PROJECT + "import-links/",
        MANAGERS,
        {"text": "ref,remote_key\nBUG-0001,NEW-1\n"},
        changes=False,
        what="the preview",
    ),
    Entry(
        "POST",
        PROJECT + "import-links/",
        MANAGERS,
        {"confirmed": "no"},
        302,
        changes=False,
        what="2",
    ),
    Entry("GET", PROJECT + "outbox/", MANAGERS),
    Entry("GET", PROJECT + "outbox/{outgoing.public_id}/", MANAGERS),
    Entry("POST", PROJECT + "outbox/{outgoing.public_id}/", MANAGERS, {"action": "send"}, 302),
    Entry("GET", PROJECT + "rules/", MANAGERS),
    Entry(
        "POST",
        PROJECT + "rules/",
        MANAGERS,
        {"text": "version: 1\nproject: {key: beta, name: New}\n"},
        changes=False,
        what="the plan",
    ),
    Entry("GET", PROJECT + "rules/download/", MANAGERS),
    Entry("GET", PROJECT + "rules/clone/", COMMUNITY),
    Entry("POST", PROJECT + "rules/clone/", COMMUNITY, {"name": "Twin", "key": "twin"}),
]

OF_PEOPLE = [
    Entry("GET", PROJECT + "people/{tester.pk}/", INSIDERS),
]

TICKET = PROJECT + "ticket/{ticket.ref}/"
COMMENT = {"action": "comment", "body": "Hi", "exposure": "public"}
OF_TICKETS = [
    Entry("GET", TICKET, IN_BETA),
    Entry("GET", TICKET + "?edit", IN_BETA),
    Entry("GET", TICKET + "?link&all", IN_BETA),
    Entry("GET", PROJECT + "ticket/{internal.ref}/", INSIDERS, what="an internal one"),
    Entry("POST", TICKET, CONTRIBUTORS, COMMENT, 302, what="comment"),
    Entry(
        "POST",
        PROJECT + "ticket/{internal.ref}/",
        INSIDERS - {"observer"},
        COMMENT,
        302,
        what="comment",
    ),
    Entry(
        "POST",
        TICKET,
        EDITORS,
        lambda cast: {
            "action": "edit",
            "summary": "Another",
            "status": cast.new.pk,
            "team": cast.support.pk,
            "exposure": "public",
            "tags": "",
            "seen": cast.ticket.updated_at.isoformat(),
        },
        302,
        what="edit",
    ),
    Entry(
        "POST",
        TICKET,
        MANAGERS,
        {"action": "link", "system": "jira", "remote_key": "NEW-1"},
        302,
        what="link",
    ),
    Entry(
        "POST",
        TICKET,
        MANAGERS,
        lambda cast: {"action": "unlink", "link": cast.link.pk},
        302,
        what="unlink",
    ),
    Entry("GET", BUGS + "tickets/", IN_BETA),
    Entry("GET", BUGS + "tickets/?search=wood&count", IN_BETA),
    Entry("GET", BUGS + "tickets/?status={new.pk}", IN_BETA),
    Entry("GET", BUGS + "tickets/?filter={filter.pk}", INSIDERS),
    Entry("GET", BUGS + "tickets/?filter={spare_filter.pk}&saving={spare_filter.pk}", INSIDERS),
    Entry("POST", BUGS + "tickets/", IN_BETA, {"view": "advanced"}, 302, changes=False),
    Entry("GET", BUGS + "submit/", IN_BETA),
    Entry("POST", BUGS + "submit/", CONTRIBUTORS, {"summary": "New", "exposure": "public"}, 302),
    Entry("GET", BUGS + "tickets/?field.inner=wood", IN_BETA, what="by a form field"),
    Entry("GET", BUGS + "export/", INSIDERS),
    Entry("GET", BUGS + "import/", MANAGERS),
    Entry("POST", BUGS + "import/", MANAGERS, {"text": "summary\nNew\n"}, changes=False),
]

FILTER = BUGS + "filters/{spare_filter.pk}/"
OF_FILTERS = [
    Entry("GET", BUGS + "fields/", MANAGERS),
    Entry(
        "POST",
        BUGS + "fields/",
        MANAGERS,
        lambda cast: {"field": cast.field.pk, "way": "down"},
        302,
    ),
    Entry("GET", BUGS + "fields/add/?kind=text", MANAGERS),
    Entry("POST", BUGS + "fields/add/?kind=text", MANAGERS, {"label": "New"}, 302),
    Entry("GET", BUGS + "fields/{spare_field.pk}/", MANAGERS),
    Entry("POST", BUGS + "fields/{spare_field.pk}/", MANAGERS, {"label": "New"}, 302),
    Entry(
        "POST",
        BUGS + "fields/{spare_field.pk}/",
        MANAGERS,
        {"action": "delete"},
        302,
        what="delete",
    ),
    Entry("GET", BUGS + "filters/", MANAGERS),
    Entry("GET", BUGS + "filters/save/?search=lens", MANAGERS),
    Entry("POST", BUGS + "filters/save/?search=lens", MANAGERS, {"name": "Lens"}, 302),
    Entry(
        "POST",
        BUGS + "filters/save/?search=lens",
        MANAGERS,
        lambda cast: {"existing": cast.spare_filter.pk},
        302,
        what="one more group",
    ),
    Entry(
        "POST",
        BUGS + "filters/save/?search=lens&saving={spare_filter.pk}&group=0",
        MANAGERS,
        None,
        302,
    ),
    Entry("GET", FILTER, MANAGERS),
    Entry("POST", FILTER, MANAGERS, {"action": "rename", "name": "Another"}, 302, what="rename"),
    Entry("POST", FILTER, MANAGERS, {"action": "archive"}, 302, what="archive"),
    Entry("POST", FILTER, MANAGERS, {"action": "remove_group", "group": "0"}, 302, what="group"),
    Entry("POST", FILTER, MANAGERS, {"action": "delete"}, 302, what="delete"),
]

MACRO = {
    "name": "New",
    "add_comment": "on",
    "add_comment-body": "Done.",
    "add_comment-exposure": "public",
}
OF_AUTOMATION = [
    Entry("GET", BUGS + "resources/", MANAGERS),
    Entry("GET", BUGS + "resources/deleted/", MANAGERS),
    Entry(
        "POST",
        BUGS + "resources/deleted/",
        MANAGERS,
        lambda cast: {"restore": cast.deleted.pk},
        302,
    ),
    Entry("GET", BUGS + "macros/add/", MANAGERS),
    Entry("POST", BUGS + "macros/add/", MANAGERS, MACRO, 302),
    Entry(
        "POST",
        BUGS + "macros/preview/",
        MANAGERS,
        {"field": "add_comment.body", "text": "{{ ticket.ref }}"},
        changes=False,
    ),
    Entry("GET", BUGS + "macros/variables/?request={delivery.public_id}", MANAGERS),
    Entry("GET", BUGS + "macros/{macro.pk}/", MANAGERS),
    Entry("POST", BUGS + "macros/{macro.pk}/", MANAGERS, MACRO, 302),
    Entry("GET", BUGS + "macros/{spare_macro.pk}/delete/", MANAGERS),
    Entry("POST", BUGS + "macros/{spare_macro.pk}/delete/", MANAGERS, None, 302),
    *(
        Entry(method, f"{BUGS}{kind}s/{{spare_{kind}.pk}}/versions/", MANAGERS, body, answer)
        for kind in ("macro", "listener", "filter")
        for method, body, answer in (("GET", None, 200), ("POST", {"restore": "1"}, 302))
    ),
    Entry("GET", BUGS + "automation/", MANAGERS),
    Entry("GET", BUGS + "listeners/add/", MANAGERS),
    Entry(
        "POST",
        BUGS + "listeners/add/",
        MANAGERS,
        lambda cast: listener_of(cast, "new"),
        302,
    ),
    Entry("GET", BUGS + "listeners/{listener.pk}/", MANAGERS),
    Entry(
        "POST",
        BUGS + "listeners/{listener.pk}/",
        MANAGERS,
        lambda cast: listener_of(cast, "closed"),
        302,
    ),
    Entry("POST", BUGS + "listeners/add/try/", MANAGERS, {"trial_find": "BUG-1"}, changes=False),
    Entry(
        "POST",
        BUGS + "listeners/{listener.pk}/try/",
        MANAGERS,
        {"sender": "jira", "trial_find": "BUG-1"},
        changes=False,
    ),
    Entry("GET", BUGS + "listeners/{listener.pk}/setup/", MANAGERS),
    Entry(
        "POST",
        BUGS + "listeners/{listener.pk}/setup/",
        MANAGERS,
        {"query": "project = X"},
        changes=False,
        what="the JQL checker",
    ),
    Entry("GET", BUGS + "listeners/{listener.pk}/setup/light/", MANAGERS),
    Entry("POST", BUGS + "listeners/{listener.pk}/hand-overs/", MANAGERS, {"days": "7"}),
    Entry(
        "POST",
        BUGS + "listeners/{spare_listener.pk}/hand-overs/{hand_over.pk}/revoke/",
        MANAGERS,
        None,
        302,
    ),
    Entry("GET", BUGS + "listeners/{listener.pk}/rehearse/", MANAGERS),
    Entry(
        "POST",
        BUGS + "listeners/{listener.pk}/rehearse/",
        MANAGERS,
        {"days": "7"},
        changes=False,
    ),
    Entry("GET", BUGS + "listeners/{listener.pk}/log/", MANAGERS),
    Entry("POST", BUGS + "listeners/{listener.pk}/switch/", MANAGERS, {"enabled": ""}, 302),
    Entry("GET", BUGS + "listeners/{spare_listener.pk}/delete/", MANAGERS),
    Entry("POST", BUGS + "listeners/{spare_listener.pk}/delete/", MANAGERS, None, 302),
    Entry("GET", "/admin/deliveries/{delivery.public_id}/", MANAGERS),
    Entry(
        "POST",
        "/admin/deliveries/{delivery.public_id}/",
        MANAGERS,
        changes=False,
        what="the rehearsal",
    ),
    Entry("GET", "/admin/causes/{execution.public_id}/", MANAGERS, answer=302),
    Entry("GET", PROJECT + "ticket/{ticket.ref}/run/", EDITORS),
    Entry(
        "POST",
        PROJECT + "ticket/{ticket.ref}/run/",
        EDITORS,
        lambda cast: {"macro": cast.macro.pk},
        302,
    ),
    Entry("GET", "/admin/runs/{execution.public_id}/", MANAGERS),
    Entry("GET", "/admin/runs/{execution.public_id}/undo/", MANAGERS),
    Entry("POST", "/admin/runs/{execution.public_id}/undo/", MANAGERS, {}, 302),
]


def trigger_of(cast):
    return {"name": "New", "event": "submitted", "macro": cast.macro.pk}


def schedule_of(cast):
    times = {"starts_at": "2031-01-01T12:00", "every": "day"}
    return {"name": "New", "macro": cast.macro.pk, **times}


STARTS = [
    Entry("GET", BUGS + "starts/", MANAGERS),
    Entry("GET", BUGS + "runs/", MANAGERS),
    Entry("GET", BUGS + "runs/?format=json", MANAGERS),
    Entry("GET", BUGS + "runs/?format=csv", MANAGERS),
    *(
        Entry(method, f"{BUGS}{kind}s/{place}", MANAGERS, body, answer)
        for kind, of in (("trigger", trigger_of), ("schedule", schedule_of))
        for place, body in (
            ("add/", of),
            (f"{{{kind}.pk}}/", of),
            (f"{{spare_{kind}.pk}}/delete/", None),
        )
        for method, body, answer in (("GET", None, 200), ("POST", body, 302))
    ),
    Entry("POST", BUGS + "triggers/{trigger.pk}/switch/", MANAGERS, {"enabled": "on"}, 302),
    Entry("POST", BUGS + "schedules/{schedule.pk}/switch/", MANAGERS, {"enabled": ""}, 302),
    Entry("GET", BUGS + "listeners/{listener.pk}/go-on/", MANAGERS, None, 302),
    Entry("POST", BUGS + "listeners/{listener.pk}/go-on/", MANAGERS, None, 302),
    Entry("GET", PROJECT + "pause/", MANAGERS, None, 302),
    Entry("POST", PROJECT + "pause/", MANAGERS, {"paused": "on"}, 302),
    Entry("GET", "/admin/community/pause/", COMMUNITY, None, 302),
    Entry("POST", "/admin/community/pause/", COMMUNITY, {"paused": "on"}, 302),
    Entry("GET", BUGS + "run/", EDITORS),
    Entry(
        "POST",
        BUGS + "run/",
        EDITORS,
        lambda cast: {"macro": cast.macro.pk, "run": cast.macro.pk},
        302,
    ),
    Entry("GET", "/admin/bulk-runs/{bulk.public_id}/", EDITORS),
    Entry("POST", "/admin/bulk-runs/{bulk.public_id}/", MANAGERS, {}, 302),
    Entry("GET", "/admin/bulk-runs/{bulk_done.public_id}/undo/", MANAGERS),
    Entry("POST", "/admin/bulk-runs/{bulk_done.public_id}/undo/", MANAGERS, {}, 302),
]


def listener_of(cast, key):
    return {
        "name": "New",
        "key": key,
        "sender": "jira",
        "type": "macro",
        "macro": cast.macro.pk,
        "when": "any",
        "enabled": "on",
    }


# Whoever has the link needs no account, and learns nothing of the project but the address.
HANDED_OVER = [
    Entry("GET", "/hand-over/", EVERYONE),
    Entry("POST", "/hand-over/", EVERYONE, {"token": "nonsense"}, 404, changes=False),
    Entry(
        "POST",
        "/hand-over/",
        EVERYONE,
        lambda cast: {"token": cast.token},
        changes=False,
        what="the guide",
    ),
    Entry(
        "POST",
        "/hand-over/",
        EVERYONE,
        lambda cast: {"token": cast.token, "action": "light"},
        changes=False,
        what="the light",
    ),
    Entry(
        "POST",
        "/hand-over/",
        EVERYONE,
        lambda cast: {"token": cast.token, "action": "reveal"},
        what="the secrets",
    ),
]

OF_THE_COMMUNITY = [
    Entry("GET", "/admin/community/", COMMUNITY),
    Entry("GET", "/admin/community/project-from-file/", COMMUNITY),
    Entry(
        "POST",
        "/admin/community/project-from-file/",
        COMMUNITY,
        {"text": "version: 1\nproject: {key: twin, name: Twin}\n"},
        changes=False,
        what="the plan",
    ),
    Entry("GET", "/admin/key-log/none/", COMMUNITY),
    Entry("GET", "/admin/key-log/none/calls/", COMMUNITY),
    Entry("GET", "/admin/key-log/{used_key.pk}/", COMMUNITY),
    Entry("GET", "/admin/key-log/{used_key.pk}/calls/", COMMUNITY),
]


def admin_of(model, row, *, lists, keeps, adds=None, adding, changing, spare, added=302):
    """The admin's pages of a model: who sees its list, who keeps its rows, who makes them."""
    base = f"/admin/{model}/"
    own, other = f"{base}{{{row}.pk}}/", f"{base}{{{spare}.pk}}/"
    return [
        Entry("GET", base, lists),
        Entry("GET", base + "?q=wood", lists),
        Entry("GET", base + "add/", lists),
        Entry("POST", base + "add/", adds or keeps, adding, added, refusal=(200, 403, 404)),
        Entry("GET", own, PEOPLE, answer=302, what="leads to the next, there or not"),
        Entry("GET", own + "change/", keeps),
        Entry("POST", own + "change/", keeps, changing, 302),
        Entry("GET", own + "history/", keeps),
        Entry("GET", other + "delete/", keeps),
        Entry("POST", other + "delete/", keeps, {"post": "yes"}, 302),
    ]


STATUSES = {
    f"statuses-{name}": value
    for name, value in (
        ("TOTAL_FORMS", 0),
        ("INITIAL_FORMS", 0),
        ("MIN_NUM_FORMS", 0),
        ("MAX_NUM_FORMS", 1000),
    )
}
BY_THE_ADMIN = [
    *admin_of(
        "feedback/team",
        "spare_team",
        lists=ANY_MANAGER,
        keeps=MANAGERS,
        adding=lambda cast: {"project": cast.project.pk, "name": "New", "kind": "support"},
        changing={"name": "New", "kind": "support"},
        spare="spare_team",
    ),
    *admin_of(
        "feedback/workflow",
        "spare_workflow",
        lists=ANY_MANAGER,
        keeps=MANAGERS,
        adding=lambda cast: {"project": cast.project.pk, "name": "New"} | STATUSES,
        changing={"name": "New"} | STATUSES,
        spare="spare_workflow",
    ),
    *admin_of(
        "feedback/feedbacktype",
        "spare_type",
        lists=ANY_MANAGER,
        keeps=MANAGERS,
        adding=lambda cast: {
            "project": cast.project.pk,
            "name": "New",
            "prefix": "NEW",
            "default_workflow": cast.workflow.pk,
        },
        changing=lambda cast: {
            "name": "New",
            "prefix": "NEW",
            "default_workflow": cast.workflow.pk,
        },
        spare="spare_type",
    ),
    *admin_of(
        "feedback/tag",
        "tag",
        lists=ANY_MANAGER,
        keeps=MANAGERS,
        adding=lambda cast: {"project": cast.project.pk, "name": "New"},
        changing={"name": "New"},
        spare="spare_tag",
    ),
    *(
        entry
        for entry in admin_of(
            "feedback/project",
            "project",
            lists=COMMUNITY,
            keeps=COMMUNITY,
            adding={"name": "New", "key": "new"},
            changing={"name": "New"},
            spare="project",
        )
        if "delete" not in entry.path
    ),
    Entry("GET", "/admin/feedback/project/{project.pk}/delete/", COMMUNITY, answer=302),
    Entry(
        "POST",
        "/admin/feedback/project/{project.pk}/delete/",
        COMMUNITY,
        {"post": "yes"},
        302,
        changes=False,
        what="it is in use",
    ),
    *admin_of(
        "apikeys/apikey",
        "used_key",
        lists=COMMUNITY,
        keeps=COMMUNITY,
        adding={"name": "New", "prefix": "new", "scopes": ["listen"], "enabled": "on"},
        changing={"name": "New", "scopes": ["listen"], "enabled": "on"},
        spare="loose_key",
        added=200,
    ),
    Entry("GET", "/admin/apikeys/apikey/{used_key.pk}/log/", COMMUNITY, answer=302),
    Entry("GET", "/admin/apikeys/apikey/{used_key.pk}/replace-secret/", COMMUNITY),
    Entry("POST", "/admin/apikeys/apikey/{used_key.pk}/replace-secret/", COMMUNITY),
    *admin_of(
        "auth/user",
        "person",
        lists=COMMUNITY,
        keeps=COMMUNITY,
        adding={
            "username": "new",
            "usable_password": "true",
            "password1": "another-lens-cap",
            "password2": "another-lens-cap",
        },
        changing={"username": "new", "is_active": "on"},
        spare="spare_person",
    ),
    Entry("GET", "/admin/auth/user/{person.pk}/password/", COMMUNITY),
    Entry(
        "POST",
        "/admin/auth/user/{person.pk}/password/",
        COMMUNITY,
        {
            "usable_password": "true",
            "password1": "another-lens-cap",
            "password2": "another-lens-cap",
        },
        302,
    ),
    Entry(
        "GET",
        "/admin/autocomplete/?app_label=feedback&model_name=team&field_name=members&term=wood",
        COMMUNITY,
    ),
    Entry(
        "GET",
        "/admin/autocomplete/?app_label=automation&model_name=macro&field_name=feedback_type&term=b",
        ANY_MANAGER,
    ),
]

PAGES = [
    *ALL_AROUND,
    *OF_A_PROJECT,
    *OF_PEOPLE,
    *OF_TICKETS,
    *OF_FILTERS,
    *OF_AUTOMATION,
    *STARTS,
    *HANDED_OVER,
    *OF_THE_COMMUNITY,
    *BY_THE_ADMIN,
]
