"""No list, count, choice, filter or message tells of what somebody may not see."""

from __future__ import annotations

import json
import re

import pytest

from automation.models import Delivery
from centercode_sim.api import RESOURCES
from tests.permissions.asking import ask
from tests.permissions.pages import PAGES
from tests.permissions.resources import RESOURCES as TABLE
from tests.permissions.roles import BOTH, secret_words

pytestmark = pytest.mark.django_db  # so that there is a database when the world is made

OF_A_PROJECT = {  # how each kind of row finds its project; the others are of none
    "projects": "pk",
    "teams": "project",
    "workflows": "project",
    "statuses": "workflow__project",
    "feedback-types": "project",
    "tags": "project",
    "form-fields": "feedback_type__project",
    "tickets": "feedback_type__project",
    "comments": "ticket__feedback_type__project",
    "rank-points": "project",
    "person-notes": "project",
    "saved-filters": "feedback_type__project",
    "macros": "feedback_type__project",
    "listeners": "project",
    "deliveries": "project",
    "executions": "ticket__feedback_type__project",
    "outgoing": "project",
    "api-keys": "project",
    "api-calls": "api_key__project",
}
# What each sees of Beta's rows, and of Zebra's: all, none, or those that the table allows.
OPEN = {"projects", "feedback-types", "form-fields", "tickets", "comments"}
INNER = {"teams", "workflows", "statuses", "tags", "saved-filters"}
INNER |= {"rank-points", "person-notes"}
IRON = {"macros", "listeners", "deliveries", "executions", "outgoing"}
SEEN = {
    "manager": OPEN | INNER | IRON,
    "support": OPEN | INNER,
    "other_support": OPEN | INNER,
    "observer": OPEN | INNER,
    "participant": OPEN | {"tags", "statuses"},
    "teamless": set(),
    "key_read_beta": {*RESOURCES},
}
# Of these, participants see what is public, or stands on a public ticket.
PUBLIC = {
    "tickets": lambda beta: {beta.ticket.pk},
    "comments": lambda beta: {beta.comment.pk},
    "tags": lambda beta: {beta.tag.pk},
    "statuses": lambda beta: {beta.open.pk},
    "form-fields": lambda beta: {beta.field.pk, beta.spare_field.pk},
}


def rows_of(name, project):
    """What there is, asked without asking who may know."""
    model = RESOURCES[name].model
    field = "public_id" if name in ("deliveries", "executions", "outgoing") else "pk"
    rows = model._base_manager.filter(**{OF_A_PROJECT[name]: project.pk})
    return {*rows.values_list(field, flat=True)}


@pytest.mark.parametrize("name", RESOURCES)
@pytest.mark.parametrize("role", SEEN)
def test_a_list_holds_and_counts_what_its_reader_may_see(world, role, name):
    told = ask(world, role, "GET", f"/api/v1/{name}/?page_size=200")

    answer = json.loads(told.text)
    shown = {row["id"] for row in answer["results"]}
    expected = rows_of(name, world.beta.project) if name in SEEN[role] else set()
    if name == "api-calls" and expected:
        assert shown & expected  # this call is one more
        assert not shown & rows_of(name, world.zebra.project)
    elif role == "participant" and name in PUBLIC:
        assert shown == PUBLIC[name](world.beta)
    else:
        assert shown == expected
    assert answer["count"] == len(shown)


@pytest.mark.parametrize("name", RESOURCES)
@pytest.mark.parametrize(
    "role", ["manager", "participant", "other_manager", "teamless", "key_write_zebra"]
)
def test_the_api_in_a_browser_offers_no_hidden_choice(world, role, name):
    told = ask(world, role, "GET", f"/api/v1/{name}/", accept="text/html")

    assert told.code == 200
    assert "<html" in told.text
    assert [word for word in secret_words(role) if word in told.text] == []


def test_who_manages_one_project_learns_no_more_of_another(world):
    told = [
        (entry.path, word)
        for entry in [*PAGES, *TABLE]
        if entry.method == "GET" and not entry.asked_by
        for text in [ask(world, BOTH, "GET", entry.path.format_map(vars(world.named))).text]
        for word in ("innerwood", "ironwood", "oakwood", "keywood")
        if word in text
    ]

    assert told == []


# Filters of tickets by something of Beta's, and by what nobody has.
FILTERS = {
    "project": ("{project.key}", "nosuch"),
    "feedback_type": ("{bugs.pk}", "999999"),
    "ref": ("SPARE-1", "NOSUCH-1"),
    "status": ("{new.pk}", "999999"),
    "status__not": ("{new.pk}", "999999"),
    "team": ("{support.pk}", "999999"),
    "team__not": ("{support.name}", "Nobody here"),
    "tags": ("{tag.name}", "Nowhere"),
    "tags__not": ("{tag.pk}", "999999"),
    "submitter": ("{tester.username}", "nobody"),
    "submitter__not": ("{tester.pk}", "999999"),
    "submitter_team": ("{participants.pk}", "999999"),
    "submitter_email": ("{tester.email}", "nobody@example.com"),
    "submitter_email__not": ("{tester.email}", "nobody@example.com"),
    "search": ("Betawood", "Nowhere"),
    "search__not": ("Betawood", "Nowhere"),
    "filter": ("{filter.pk}", "999999"),
    "custom_data": ("outer.word=Innerwood", "outer.word=Nowhere"),
    "custom_data__not": ("outer.word=Innerwood", "outer.word=Nowhere"),
    "field.outer": ("Betawood", "Nowhere"),
    "feedback_type={bugs.pk}&field.outer": ("Betawood", "Nowhere"),
    "feedback_type={bugs.pk}&field.inner__not": ("Betawood", "Nowhere"),
}
# The same for the other lists.
OTHER_FILTERS = [
    ("teams", "project", "{project.key}", "nosuch"),
    ("teams", "name", "{support.name}", "Nobody here"),
    ("statuses", "workflow", "{workflow.pk}", "999999"),
    ("comments", "ticket", "{ticket.pk}", "999999"),
    ("saved-filters", "feedback_type", "{bugs.pk}", "999999"),
    ("form-fields", "feedback_type", "{bugs.pk}", "999999"),
    ("macros", "name", "{macro.name}", "Nowhere"),
    ("listeners", "macro", "{macro.name}", "Nowhere"),
    ("listeners", "filter", "{filter.pk}", "999999"),
    ("deliveries", "find", "Ironwood-12", "Nowhere"),
    ("deliveries", "listener", "{listener.pk}", "999999"),
    ("executions", "macro", "{macro.pk}", "999999"),
    ("executions", "ticket", "{ticket.pk}", "999999"),
    ("api-keys", "prefix", "{loose_key.prefix}", "nowhere"),
    ("api-keys", "name", "{loose_key.name}", "Nowhere"),
    ("api-calls", "api_key", "{loose_key.pk}", "999999"),
]
ASKED = [*(("tickets", name, *values) for name, values in FILTERS.items()), *OTHER_FILTERS]


def told_of(world, role, method, path, value, **options):
    """The answer, less the value that was asked for."""
    told = ask(world, role, method, path, **options)
    text = told.text if value.isdecimal() else told.text.replace(value.lower(), "")
    return told.code, re.sub(r'name="csrfmiddlewaretoken" value="\w+"|\d', "", text)


@pytest.mark.parametrize(("resource", "name", "known", "unknown"), ASKED)
@pytest.mark.parametrize("role", ["teamless", "key_read_zebra"])
def test_no_filter_tells_of_what_is_hidden(world, role, resource, name, known, unknown):
    name, *values = (text.format_map(vars(world.named)) for text in (name, known, unknown))

    hit, miss = (
        told_of(world, role, "GET", f"/api/v1/{resource}/?{name}={value}", value)
        for value in values
    )

    assert hit == miss


@pytest.mark.parametrize("name", FILTERS)
def test_no_filter_of_tickets_tells_participants_what_only_those_inside_know(world, name):
    hidden = {
        "team": (world.beta.second_support.pk, 999999),
        "team__not": (world.beta.second_support.pk, 999999),
        "tags": (world.beta.spare_tag.name, "Nowhere"),
        "tags__not": (world.beta.spare_tag.pk, 999999),
        "status": (world.beta.spare_status.pk, 999999),
        "status__not": (world.beta.spare_status.name, "Nowhere"),
        "search": ("Innerwood", "Nowhere"),
        "filter": (world.beta.filter.pk, 999999),
        "submitter_email": (world.beta.tester.email, "nobody@example.com"),
        "submitter_team": (world.beta.participants.pk, 999999),
        "submitter": (world.people["observer"].username, "nobody"),
        "custom_data": ("outer.word=Innerwood", "outer.word=Nowhere"),
        "custom_data__not": ("outer.word=Innerwood", "outer.word=Nowhere"),
        "feedback_type={bugs.pk}&field.inner__not": ("Innerwood", "Nowhere"),
    }
    for known, unknown in filter(None, [hidden.get(name)]):
        name = name.format_map(vars(world.named))
        for address in ("/api/v1/tickets/", "/admin/projects/beta/BUG/tickets/"):
            hit, miss = (
                told_of(world, "participant", "GET", f"{address}?{name}={value}", str(value))
                for value in (known, unknown)
            )
            assert hit == miss, address


# What a body may name: something of Beta's, and what nobody has.
NAMED = {
    "a submitter": ("POST", "tickets/", "submitter", "{tester.username}", "nobody"),
    "a person in no team": ("POST", "tickets/", "submitter", "{spare_person.username}", "nobody"),
    "a team": ("POST", "tickets/", "team", "{support.pk}", 999999),
    "a status": ("POST", "tickets/", "status", "{new.pk}", 999999),
    "a type": ("POST", "tickets/", "feedback_type", "{bugs.pk}", 999999),
    "a project": ("POST", "tags/", "project", "{project.key}", "nosuch"),
    "a workflow": ("POST", "statuses/", "workflow", "{workflow.pk}", 999999),
    "a macro": ("POST", "listeners/", "macro", "{macro.pk}", 999999),
    "a filter": ("POST", "listeners/", "filter", "{filter.pk}", 999999),
    "a ticket": ("POST", "comments/", "ticket", "{ticket.pk}", 999999),
    "a default": ("POST", "feedback-types/", "default_workflow", "{workflow.pk}", 999999),
}
OF_ZEBRA = {
    "tickets/": lambda zebra: {"feedback_type": zebra.bugs.pk, "summary": "New"},
    "tags/": lambda zebra: {"project": "zebrawood", "name": "New"},
    "statuses/": lambda zebra: {"workflow": zebra.workflow.pk, "name": "Newer"},
    "listeners/": lambda zebra: {
        "feedback_type": zebra.bugs.pk,
        "name": "New",
        "key": "new",
        "macro": zebra.macro.pk,
    },
    "comments/": lambda zebra: {"ticket": zebra.ticket.pk, "body": "Hi"},
    "feedback-types/": lambda zebra: {
        "project": "zebrawood",
        "name": "New",
        "prefix": "NEW",
        "default_workflow": zebra.workflow.pk,
    },
}


@pytest.mark.parametrize("what", NAMED)
@pytest.mark.parametrize("role", ["other_manager", "teamless", "key_write_zebra"])
def test_no_body_finds_out_what_is_hidden(world, role, what):
    method, resource, name, known, unknown = NAMED[what]
    values = [known.format_map(vars(world.named)), unknown]
    if isinstance(unknown, int):
        values[0] = int(values[0])

    answers = [
        told_of(
            world,
            role,
            method,
            f"/api/v1/{resource}",
            str(value),
            body=OF_ZEBRA[resource](world.zebra) | {name: value},
        )
        for value in values
    ]

    assert answers[0] == answers[1]
    assert answers[0][0] in (400, 403)


@pytest.mark.parametrize("which", ["tester", "spare_person"])
def test_nobody_but_the_community_finds_people_by_naming_members(world, which):
    known = getattr(world.named, which).username
    address = f"/api/v1/teams/{world.zebra.spare_team.pk}/"
    for role in ("other_manager", "key_write_zebra"):
        hit, miss = (
            told_of(world, role, "PATCH", address, name, body={"members": [name]})
            for name in (known, "whoever")
        )
        assert hit == miss


LOOKUPS = {
    "feedback/team": "project__id__exact={project.pk} project={project.pk} members={tester.pk} "
    "members__id__exact={tester.pk} members__email__startswith=betawood q=Betawood "
    "project__name__startswith=Betawood kind__exact=support&project__id__exact={project.pk} "
    "project__teams__members__email__contains=Betawood id={spare_team.pk} name=Betawood",
    "feedback/workflow": "project__id__exact={project.pk} id={workflow.pk} q=Betawood "
    "statuses__name__contains=Innerwood project__key=beta feedbacktype__name__contains=Betawood",
    "feedback/feedbacktype": "project__id__exact={project.pk} id={bugs.pk} q=Betawood "
    "default_workflow={workflow.pk} default_workflow__name__contains=Innerwood "
    "tickets__summary__contains=Betawood macros__name__contains=Ironwood",
    "feedback/tag": "project__id__exact={project.pk} id={tag.pk} q=Betawood name=Betawood "
    "tickets__submitter__email__contains=Betawood",
}


@pytest.mark.parametrize("model", LOOKUPS)
def test_no_lookup_of_the_admin_tells_of_what_is_hidden(world, model):
    differing = []
    for lookup in LOOKUPS[model].split():
        name = lookup.rpartition("=")[0]
        hit, miss = (
            ask(world, "other_manager", "GET", f"/admin/{model}/?{query}")
            for query in (lookup.format_map(vars(world.named)), f"{name}=999999")
        )
        links = [re.findall(rf"/admin/{model}/\d+/change/", each.text) for each in (hit, miss)]
        if hit.code != miss.code or links[0] != links[1] or "betawood project" in hit.text:
            differing.append((lookup, hit.code, miss.code))

    assert differing == []


FORMS = [
    "feedback/team/add/?project={project.pk}&members={tester.pk}",
    "feedback/workflow/add/?project={project.pk}",
    "feedback/feedbacktype/add/?project={project.pk}&default_workflow={workflow.pk}",
    "feedback/feedbacktype/add/?_changelist_filters=project__id__exact%3D{project.pk}",
    "feedback/tag/add/?project={project.pk}",
    "search/?s=betawood&extended=1",
    "search/?s=beta&extended=1",
    "search/?s=bug-1&extended=1",
    "?page=2",
]


@pytest.mark.parametrize("address", FORMS)
def test_no_form_and_no_search_shows_what_is_hidden(world, address):
    path = f"/admin/{address}".format_map(vars(world.named))

    told = ask(world, "other_manager", "GET", path)

    assert told.code == 200
    assert "betawood" not in told.text.replace("betawood&amp;extended", "").replace(
        'value="betawood"', ""
    )


def test_a_key_of_another_project_leaves_no_name_of_it_where_it_was_refused(world):
    address = "/api/v1/projects/beta/feedbackListeners/closed"
    client, secret = world.client, world.keys["key_listen_zebra"].secret
    client.cookies.clear()

    answer = client.post(address, {}, "application/json", headers={"X-API-Key": secret})
    delivery = Delivery.objects.order_by("pk").last()

    assert answer.status_code == 403
    assert delivery.reason == "key_out_of_scope"
    for path in (
        f"/admin/deliveries/{delivery.public_id}/",
        f"/api/v1/deliveries/{delivery.public_id}/",
        f"/admin/projects/beta/BUG/listeners/{world.beta.listener.pk}/log/",
    ):
        told = ask(world, "manager", "GET", path)
        assert told.code == 200
        assert "zebrawood" not in told.text
