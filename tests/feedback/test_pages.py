from __future__ import annotations

import html
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from access.callers import Caller
from feedback.forms import TicketForm
from feedback.furnishing import create_project
from feedback.models import Exposure, Project, SavedFilter, Status, Team, Ticket
from feedback.saved_filters import save_filter
from feedback.services import change_ticket, person_behind, submit_ticket
from tests.conftest import closing_macro, link_to_jira, make_listener, narrow_listener
from tests.feedback.conftest import is_locked

TICKETS = "/admin/projects/beta/BUG/tickets/"


@pytest.fixture
def manager(sign_in):
    return sign_in("manager")


def saved(beta, name="Lens", **group):
    row = SavedFilter(feedback_type=beta.bugs, name=name, groups=[group or {"search": "lens"}])
    return save_filter(row)


def messages(answer):
    return " ".join(str(message) for message in answer.context["messages"])


# Projects


def test_the_project_home_counts_what_is_open(manager, beta):
    submit_ticket(beta.bugs, summary="Another", submitter=beta.ada)
    change_ticket(beta.ticket, actor="ada", status=beta.closed)

    answer = manager.get(reverse("project_home", args=["beta"]))

    bugs = answer.context["page"].types[0]
    assert (bugs.open_tickets, bugs.all_tickets) == (1, 2)


def test_a_new_project_says_what_comes_first(manager, beta):
    home = reverse("project_home", args=["beta"])
    used = manager.get(home).text

    beta.ticket.delete()
    new = manager.get(home).text

    assert "What comes first" not in used
    steps = [reverse(name, args=["beta", "BUG"]) for name in ("macro_add", "listener_add")]
    assert all(f'<a href="{step}">Create' in new for step in steps)


def test_a_new_key_is_asked_about_before_it_breaks_every_endpoint_url(manager, beta):
    url = reverse("project_settings", args=["beta"])
    data = {"name": "Beta two", "key": "BETA-2"}

    asked = manager.post(url, data)
    assert "endpoint URL" in asked.text
    assert Project.objects.get(pk=beta.project.pk).key == "beta"

    done = manager.post(url, data | {"confirm_key": "on"}, follow=True)
    assert done.redirect_chain[0][0] == reverse("project_settings", args=["beta-2"])
    assert "API Endpoint URL" in messages(done)


def test_a_key_is_unique_in_any_letter_case(manager, beta):
    url = reverse("project_settings", args=["beta"])

    answer = manager.post(url, {"name": "Beta", "key": "SECRET", "confirm_key": "on"})

    assert "Another project has the key “secret”" in answer.text


def test_a_project_that_is_created_comes_furnished(sign_in, cast):
    answer = sign_in("community").post(
        reverse("admin:feedback_project_add"), {"name": "Gamma", "key": "Gamma"}
    )

    gamma = Project.objects.get(key="gamma")
    assert answer.url == reverse("project_home", args=["gamma"])
    assert [team.name for team in gamma.teams.all()] == [
        "Project Managers",
        "Beta Support",
        "Participants",
    ]
    assert gamma.feedback_types.count() == 2


# Tickets


def test_a_participant_submits_a_ticket(sign_in, cast):
    answer = sign_in("participant").post(
        reverse("submit_ticket", args=["beta", "BUG"]),
        {"summary": "It hums", "description": "At night.", "exposure": "internal"},
    )

    ticket = Ticket.objects.get(summary="It hums")
    assert answer.url == ticket.get_absolute_url()
    assert (ticket.ref, ticket.submitter.username) == ("BUG-0002", "participant")
    assert ticket.exposure == Exposure.PUBLIC  # only insiders choose


def test_a_ticket_of_a_program_says_which_key_submitted_it(manager, beta):
    key = person_behind(Caller("API key “Scripts”", "key 1"))
    ticket = submit_ticket(beta.bugs, summary="Melts", submitter=key)

    answer = manager.get(ticket.get_absolute_url())

    assert "<strong>API key “Scripts”</strong> submitted the ticket" in answer.text


def test_an_archived_type_takes_no_new_tickets(manager, beta):
    beta.bugs.archived = True
    beta.bugs.save()

    url = reverse("submit_ticket", args=["beta", "BUG"])

    answer = manager.post(url, {"summary": "Late", "exposure": "public"})

    assert answer.status_code == 403
    assert "takes no new tickets" in manager.get(url).text
    assert Ticket.objects.count() == 1


def test_a_manager_edits_a_ticket_and_the_history_tells(manager, beta):
    url = beta.ticket.get_absolute_url()
    form = manager.get(url + "?edit").context["edit_form"]
    data = {name: form.initial.get(name) or "" for name in form.fields if name != "blocking"}

    answer = manager.post(
        url,
        data | {"action": "edit", "status": beta.closed.pk, "tags": "iOS, camera"},
        follow=True,
    )

    changed = {(change.field, change.actor) for change in beta.ticket.changes.all()}
    assert changed == {("status", "manager"), ("tags", "manager")}
    assert "camera, iOS" in answer.text


def test_an_edit_never_overwrites_what_changed_meanwhile(manager, beta):
    url = beta.ticket.get_absolute_url()
    form = manager.get(url + "?edit").context["edit_form"]
    data = {name: form.initial.get(name) or "" for name in form.fields if name != "blocking"}
    change_ticket(beta.ticket, actor="jira", status=beta.closed)

    answer = manager.post(url, data | {"action": "edit", "summary": "Mine"})

    beta.ticket.refresh_from_db()
    assert "changed since you opened this page" in answer.text
    assert (beta.ticket.summary, beta.ticket.status) == ("The lens cap melts", beta.closed)


def test_an_edit_writes_only_what_its_person_changed(manager, beta, monkeypatch):
    url = beta.ticket.get_absolute_url()
    form = manager.get(url + "?edit").context["edit_form"]
    data = {name: form.initial.get(name) or "" for name in form.fields if name != "blocking"}
    checked = TicketForm.is_valid

    def is_valid(form):
        valid = checked(form)
        change_ticket(Ticket.objects.get(), actor="jira", status=beta.closed)
        return valid

    monkeypatch.setattr(TicketForm, "is_valid", is_valid)
    manager.post(url, data | {"action": "edit", "summary": "Mine"})

    ticket = Ticket.objects.get()
    assert (ticket.summary, ticket.status) == ("Mine", beta.closed)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_ticket_is_locked_while_its_edit_is_checked(on_postgres, manager, beta, monkeypatch):
    locked = []
    monkeypatch.setattr(TicketForm, "is_valid", lambda form: locked.append(is_locked(beta.ticket)))

    manager.post(beta.ticket.get_absolute_url(), {"action": "edit"})

    assert locked == [True]


def test_comments_are_public_unless_an_insider_says_otherwise(sign_in, cast):
    url = cast.ticket.get_absolute_url()
    data = {"action": "comment", "body": "Hello", "exposure": "internal"}

    for role in ("support", "participant"):
        sign_in(role).post(url, data)

    found = [(row.actor, row.exposure) for row in cast.ticket.comments.all()]
    assert found == [("support", "internal"), ("participant", "public")]


def test_links_are_added_once_and_removed(manager, beta):
    url = beta.ticket.get_absolute_url()
    link = {"action": "link", "system": "jira", "remote_key": "SANDBOX-12"}

    nameless = manager.post(url, {"action": "link", "system": "jira"})
    manager.post(url, link)
    twice = manager.post(url, link)
    manager.post(url, {"action": "unlink", "link": beta.ticket.links.get().pk})

    assert nameless.text.count("Say what the item is called over there") == 1
    assert twice.status_code == 200
    assert beta.ticket.links.count() == 0
    assert [change.field for change in beta.ticket.changes.all()] == ["link", "link"]


def test_a_long_history_shows_its_newest_part_until_asked(manager, beta):
    for number in range(101):
        change_ticket(beta.ticket, actor="ada", summary=f"Summary {number}")
    url = beta.ticket.get_absolute_url()

    assert "Show everything" in manager.get(url).text
    assert "Show everything" not in manager.get(url + "?all").text


def test_an_unknown_action_or_ref_is_nowhere(manager, beta):
    url = beta.ticket.get_absolute_url()

    assert manager.post(url, {"action": "explode"}).status_code == 404
    assert manager.get(url.replace("BUG-0001", "BUG-9999")).status_code == 404
    assert manager.get(url.replace("BUG-0001", "nonsense")).status_code == 404


# The list


def test_the_advanced_view_is_remembered(manager, beta):
    assert "Switch to Advanced View" in manager.get(TICKETS).text

    manager.post(TICKETS, {"view": "advanced"})
    advanced = manager.get(TICKETS).text
    assert "Switch to Simple View" in advanced
    assert reverse("resources", args=["beta", "BUG"]) in advanced

    manager.post(TICKETS, {"view": "simple"})
    assert "Switch to Advanced View" in manager.get(TICKETS).text


def test_the_list_says_what_it_shows(manager, beta):
    submit_ticket(beta.bugs, summary="Battery", submitter=beta.ada)

    answer = manager.get(TICKETS, {"search": "lens", "status": beta.new.pk})

    assert answer.context["sentence"] == "Text contains lens and Status is New"
    assert [row.ref for row in answer.context["page_obj"]] == ["BUG-0001"]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("colour=red", "There is no field “colour” to filter by."),
        ("status=99999", "99999"),
        ("created_after=yesterday", "Creation date"),
    ],
)
def test_what_cannot_be_understood_is_said_and_matches_nothing(manager, beta, query, problem):
    answer = manager.get(f"{TICKETS}?{query}")

    assert problem in " ".join(answer.context["errors"])
    assert len(answer.context["page_obj"]) == 0


def test_a_form_that_was_left_alone_asks_for_nothing(manager, beta):
    manager.post(TICKETS, {"view": "advanced"})
    form_rows = manager.get(TICKETS).context["rows"]

    selected = [row["label"] for row in form_rows if "selected" in str(row["field"])]

    assert len(form_rows) == 14
    assert [row["label"] for row in form_rows if row["shown"]] == ["Text", "Status", "Team"]
    assert selected == ["Blocking"]  # its first choice, “Either”
    assert manager.get(TICKETS, {"blocking": "", "search": ""}).context["sentence"] == ""


def test_a_field_that_is_used_is_not_folded_away(manager, beta):
    answer = manager.get(TICKETS, {"blocking__not": "true"})

    assert "Blocking" in [row["label"] for row in answer.context["rows"] if row["shown"]]


def test_the_order_is_the_reader_s_choice(manager, beta):
    later = submit_ticket(beta.bugs, summary="Later", submitter=beta.ada)
    Ticket.objects.filter(pk=beta.ticket.pk).update(updated_at=timezone.now() + timedelta(1))

    def shown(order):
        return [row.ref for row in manager.get(TICKETS, {"order": order}).context["page_obj"]]

    assert shown("newest") == [later.ref, beta.ticket.ref]
    assert shown("updated") == [beta.ticket.ref, later.ref]
    assert shown("ref") == [beta.ticket.ref, later.ref]


def test_how_many_would_match_is_told_while_typing(manager, beta):
    found = manager.get(TICKETS, {"search": "lens", "count": ""}).json()
    wrong = manager.get(TICKETS, {"status": "99999", "count": ""}).json()

    assert found == {"count": 1, "problem": ""}
    assert wrong["count"] == 0
    assert "99999" in wrong["problem"]


def test_thousands_of_testers_are_not_listed(manager, beta, monkeypatch):
    monkeypatch.setattr("feedback.ticket_list.PEOPLE_LISTED", 1)
    manager.post(TICKETS, {"view": "advanced"})

    answer = manager.get(TICKETS, {"submitter": beta.ada.pk})

    assert "too many people to list" in answer.text
    assert answer.context["sentence"] == "Submitter is ada"


# Saved filters


def test_what_the_list_shows_is_saved_as_a_filter(manager, beta):
    query = f"status={beta.new.pk}&status={beta.open.pk}&blocking__not=true"
    page = manager.get(f"{TICKETS}?{query}")
    save = reverse("save_filter", args=["beta", "BUG"])
    assert save in page.text

    answer = manager.post(f"{save}?{query}", {"name": "New ones"}, follow=True)

    row = SavedFilter.objects.get()
    assert row.groups == [{"status": [beta.new.pk, beta.open.pk], "blocking__not": [True]}]
    assert "Status is New or Open and Blocking is none of yes" in answer.text
    assert manager.get(f"{TICKETS}?filter={row.pk}").context["page_obj"].paginator.count == 1


def test_another_group_joins_a_filter_that_exists(manager, beta):
    row = saved(beta)
    save = reverse("save_filter", args=["beta", "BUG"])

    manager.post(f"{save}?status={beta.closed.pk}", {"existing": row.pk})

    row.refresh_from_db()
    assert row.groups == [{"search": ["lens"]}, {"status": [beta.closed.pk]}]


def test_a_group_is_edited_on_the_list_and_put_back(manager, beta):
    row = saved(beta)
    page = manager.get(row.get_absolute_url())
    edit = page.context["groups"][0]["edit"]
    assert "Save the group" in manager.get(edit).text
    save = reverse("save_filter", args=["beta", "BUG"])

    manager.post(f"{save}?saving={row.pk}&group=0&search=cap")
    manager.post(f"{save}?saving={row.pk}&group=1&search=strap")

    row.refresh_from_db()
    assert row.groups == [{"search": ["cap"]}, {"search": ["strap"]}]


@pytest.mark.parametrize(
    ("query", "data", "problem"),
    [
        ("search=x", {}, "Name a new filter, or choose one that exists."),
        ("search=x", {"name": "LENS"}, "There is a filter “LENS” already"),
        ("status=99999", {"name": "New"}, "99999"),
        ("", {"name": "New"}, "at least one field"),
    ],
)
def test_a_filter_that_could_not_work_is_not_kept(manager, beta, query, data, problem):
    saved(beta)

    answer = manager.post(f"{reverse('save_filter', args=['beta', 'BUG'])}?{query}", data)

    assert problem in answer.text
    assert SavedFilter.objects.count() == 1


def test_a_filter_loses_a_group_but_never_its_last(manager, beta):
    row = saved(beta)
    row.groups.append({"search": "cap"})
    save_filter(row)
    url = row.get_absolute_url()

    manager.post(url, {"action": "remove_group", "group": "0"})
    manager.post(url, {"action": "remove_group", "group": "0"})

    row.refresh_from_db()
    assert row.groups == [{"search": ["cap"]}]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_filter_is_locked_while_its_groups_change(on_postgres, manager, beta, monkeypatch):
    row = saved(beta)
    save = reverse("save_filter", args=["beta", "BUG"])
    locked = []

    def look(changed, *, actor):
        locked.append(is_locked(row))
        return changed

    monkeypatch.setattr("feedback.filter_pages.save_filter", look)
    manager.post(f"{save}?saving={row.pk}&group=0&search=cap")
    manager.post(f"{save}?search=cap", {"existing": row.pk})
    manager.post(row.get_absolute_url(), {"action": "remove_group", "group": "0"})

    assert locked == [True, True, True]


def test_a_filter_of_a_single_bare_value_is_shown(manager, beta):
    saved(beta, submitter=beta.ada.pk)

    listed = manager.get(reverse("filters", args=["beta", "BUG"]))

    assert "Submitter is ada" in listed.text


def test_a_filter_is_renamed_unless_the_name_is_taken(manager, beta):
    row = saved(beta)
    saved(beta, "Other")

    taken = manager.post(row.get_absolute_url(), {"action": "rename", "name": "OTHER"})
    manager.post(row.get_absolute_url(), {"action": "rename", "name": "Caps"})

    row.refresh_from_db()
    assert "There is another filter" in taken.text
    assert row.name == "Caps"


def test_a_filter_in_use_is_not_deleted_and_its_users_are_named(manager, listener):
    row = narrow_listener(listener, "Lens", search="lens")
    url = row.get_absolute_url()
    assert "External listener “Jira closed”" in manager.get(url).text

    refused = manager.post(url, {"action": "delete"}, follow=True)
    assert "It is used by: External listener “Jira closed”" in messages(refused)

    manager.post(url, {"action": "archive"})
    row.refresh_from_db()
    assert row.archived
    listener.filter = None
    listener.save()
    manager.post(url, {"action": "delete"})
    assert not SavedFilter.objects.exists()


def test_a_broken_filter_says_why_and_matches_nothing(manager, beta):
    row = SavedFilter.objects.create(
        feedback_type=beta.bugs, name="Old", groups=[{"status": [99999]}]
    )

    page = manager.get(row.get_absolute_url())
    listed = manager.get(reverse("filters", args=["beta", "BUG"]))
    tickets = manager.get(f"{TICKETS}?filter={row.pk}")

    assert "no longer works" in page.text
    assert "This filter no longer works: open it to see why." in listed.text
    assert len(tickets.context["page_obj"]) == 0
    assert "Filter “Old” no longer works" in tickets.text


# Administration


def test_what_is_in_use_is_not_deleted_and_its_users_are_named(sign_in, cast):
    closing_macro(cast)
    url = reverse("admin:feedback_team_delete", args=[cast.support.pk])

    answer = sign_in("community").post(url, {"post": "yes"}, follow=True)

    assert "It is used by: Macro “Close ticket”" in messages(answer)
    assert Team.objects.filter(pk=cast.support.pk).exists()


def test_a_status_in_use_stays_and_the_page_says_why(sign_in, cast):
    statuses = list(cast.workflow.statuses.all())
    data = {
        "name": "Default",
        "statuses-TOTAL_FORMS": len(statuses),
        "statuses-INITIAL_FORMS": len(statuses),
    }
    for index, status in enumerate(statuses):
        data |= {
            f"statuses-{index}-{name}": getattr(status, name)
            for name in ("id", "name", "category", "order")
        } | {f"statuses-{index}-workflow": cast.workflow.pk}
    used = statuses.index(cast.new)

    answer = sign_in("manager").post(
        reverse("admin:feedback_workflow_change", args=[cast.workflow.pk]),
        data | {f"statuses-{used}-DELETE": "on"},
    )

    assert "BUG-0001" in answer.text
    assert Status.objects.filter(pk=cast.new.pk).exists()


def test_a_tag_in_use_stays_and_the_page_names_its_tickets(sign_in, cast):
    tag = cast.project.tags.create(name="iOS")
    change_ticket(cast.ticket, actor="manager", tags=[tag])
    url = reverse("admin:feedback_tag_delete", args=[tag.pk])

    answer = sign_in("manager").post(url, {"post": "yes"}, follow=True)

    assert "“iOS” is in use and was not deleted. It is used by: Ticket BUG-0001." in messages(
        answer
    )
    assert cast.ticket.tags.get() == tag


def test_two_statuses_of_one_name_are_refused_kindly(sign_in, cast):
    data = {"name": "Second", "project": cast.project.pk}
    data |= {"statuses-TOTAL_FORMS": 2, "statuses-INITIAL_FORMS": 0}
    for index, name in enumerate(("New", "NEW")):
        data |= {
            f"statuses-{index}-name": name,
            f"statuses-{index}-category": "new",
            f"statuses-{index}-order": index,
        }

    answer = sign_in("manager").post(reverse("admin:feedback_workflow_add"), data)

    assert "“NEW” is there twice." in answer.text


@pytest.mark.parametrize("model", ["team", "workflow", "tag"])
def test_a_name_that_is_taken_is_refused_also_when_renaming(sign_in, cast, model):
    manager = {"team": cast.project.teams, "workflow": cast.project.workflows}.get(
        model, cast.project.tags
    )
    extra = {"kind": "support"} if model == "team" else {}
    first, second = (manager.create(name=name, **extra) for name in ("One", "Two"))
    data = {"name": first.name.upper(), "kind": "support", "members": []}
    data |= {"statuses-TOTAL_FORMS": 0, "statuses-INITIAL_FORMS": 0}

    answer = sign_in("community").post(
        reverse(f"admin:feedback_{model}_change", args=[second.pk]), data
    )

    second.refresh_from_db()
    assert "Beta has a “ONE” already" in answer.text
    assert second.name == "Two"


def test_the_prefix_stays_once_it_has_tickets(sign_in, cast):
    client = sign_in("manager")
    workflow = cast.workflow.pk

    for kind in (cast.bugs, cast.suggestions):
        client.post(
            reverse("admin:feedback_feedbacktype_change", args=[kind.pk]),
            {"name": kind.name, "prefix": "new", "default_workflow": workflow},
        )

    cast.bugs.refresh_from_db()
    cast.suggestions.refresh_from_db()
    assert (cast.bugs.prefix, cast.suggestions.prefix) == ("BUG", "NEW")


def test_a_type_begins_in_a_workflow_of_its_own_project(sign_in, cast):
    strange = create_project("third", "Third").workflows.get()

    answer = sign_in("community").post(
        reverse("admin:feedback_feedbacktype_change", args=[cast.bugs.pk]),
        {"name": "Bugs", "default_workflow": strange.pk},
    )

    assert "is not a workflow of Beta" in answer.text


def test_a_community_manager_makes_people_and_puts_them_into_teams(sign_in, cast):
    client = sign_in("community")
    password = "a long enough one"

    client.post(
        reverse("admin:auth_user_add"),
        {
            "username": "grace",
            "usable_password": "true",
            "password1": password,
            "password2": password,
            "teams": [cast.managers.pk],
        },
    )
    grace = User.objects.get(username="grace")
    assert list(grace.teams.all()) == [cast.managers]

    client.post(
        reverse("admin:auth_user_change", args=[grace.pk]),
        {"username": "grace", "is_active": "on", "is_superuser": "on", "teams": []},
    )
    grace.refresh_from_db()
    assert (grace.is_superuser, grace.is_staff, grace.teams.count()) == (True, True, 0)


def test_somebody_who_is_named_by_tickets_is_switched_off_not_deleted(sign_in, cast):
    client = sign_in("community")

    answer = client.post(
        reverse("admin:auth_user_delete", args=[cast.ada.pk]), {"post": "yes"}, follow=True
    )
    client.post(reverse("admin:auth_user_change", args=[cast.ada.pk]), {"username": "ada"})

    cast.ada.refresh_from_db()
    assert "Ticket “BUG-0001”" in messages(answer)
    assert not cast.ada.is_active


def test_the_last_community_manager_stays(sign_in, cast):
    community = User.objects.get(username="community")

    answer = sign_in("community").post(
        reverse("admin:auth_user_change", args=[community.pk]),
        {"username": "community", "is_active": "on"},
    )

    assert "only community manager" in answer.text
    assert sign_in("community").get("/admin/auth/user/").status_code == 200


# The overview


def test_the_overview_tells_a_manager_what_came_in(manager, beta, send, close):
    listener = make_listener(beta, close)
    link_to_jira(beta.ticket)
    delivery = send(listener, find="BUG-0001")

    answer = manager.get("/admin/")

    card = answer.context["cards"][0]
    assert (card["open"], card["listeners"]) == (0, 1)
    assert delivery.get_absolute_url() in answer.text
    assert delivery.sentence.replace("“", "").split()[0] in answer.text


def test_deliveries_are_counted_for_managers_alone(sign_in, cast, send):
    send(make_listener(cast, closing_macro(cast)), find="BUG-0001")

    cards = {
        role: sign_in(role).get("/admin/").context["cards"][0]
        for role in ("manager", "observer", "participant")
    }

    counted = {role: (card["listeners"], len(card["outcomes"])) for role, card in cards.items()}
    assert counted == {"manager": (1, 1), "observer": (0, 0), "participant": (0, 0)}


def test_deliveries_of_other_projects_stay_theirs(sign_in, cast, send):
    delivery = send(make_listener(cast, closing_macro(cast)), find="BUG-0001")

    for role in ("stranger", "participant", "observer"):
        assert delivery.get_absolute_url() not in sign_in(role).get("/admin/").text


def test_an_empty_overview_says_what_to_do_first(client, admin_user, django_user_model):
    client.force_login(admin_user)
    assert "Create the first project" in client.get("/admin/").text

    client.force_login(django_user_model.objects.create_user("new"))
    assert "Ask a community manager" in client.get("/admin/").text


def test_a_status_in_use_is_not_deleted_from_its_workflow_and_the_page_says_who_uses_it(
    cast, sign_in
):
    client = sign_in("manager")
    statuses = list(cast.workflow.statuses.all())
    data = {"name": "Default", "statuses-TOTAL_FORMS": len(statuses)}
    data["statuses-INITIAL_FORMS"] = len(statuses)
    for index, status in enumerate(statuses):
        row = {"id": status.pk, "workflow": cast.workflow.pk, "name": status.name}
        row |= {"category": status.category, "order": status.order}
        data |= {f"statuses-{index}-{name}": value for name, value in row.items()}
    data["statuses-0-DELETE"] = "on"

    page = client.post(f"/admin/feedback/workflow/{cast.workflow.pk}/change/", data)

    text = html.unescape(page.content.decode())
    assert "“New” is in use and was not deleted. It is used by: Ticket “BUG-0001”." in text
    assert "Archive it instead" in text
    assert cast.workflow.statuses.count() == len(statuses)
