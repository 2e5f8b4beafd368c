from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from feedback.models import Exposure, SavedFilter
from feedback.saved_filters import save_filter
from feedback.services import add_comment, change_ticket, submit_ticket

ROLES = ("community", "manager", "support", "observer", "participant", "stranger")
# What each of them is answered, in the order of ROLES.
EVERYONE_INSIDE = (200, 200, 200, 200, 200, 404)
MANAGERS = (200, 200, 404, 404, 404, 404)
PAGES = {
    "project_home": (["beta"], EVERYONE_INSIDE),
    "project_settings": (["beta"], MANAGERS),
    "tickets": (["beta", "BUG"], EVERYONE_INSIDE),
    "submit_ticket": (["beta", "BUG"], EVERYONE_INSIDE),
    "ticket": (["beta", "bug-1"], EVERYONE_INSIDE),
    "filters": (["beta", "BUG"], MANAGERS),
    "save_filter": (["beta", "BUG"], MANAGERS),
    "admin:index": ([], (200,) * 6),
    "admin:feedback_team_changelist": ([], (200, 200, 403, 403, 403, 200)),
    "admin:feedback_project_changelist": ([], (200, 403, 403, 403, 403, 403)),
    "admin:feedback_project_add": ([], (200, 403, 403, 403, 403, 403)),
    "admin:auth_user_changelist": ([], (200, 403, 403, 403, 403, 403)),
    "admin:auth_user_add": ([], (200, 403, 403, 403, 403, 403)),
}


@pytest.mark.parametrize("name", PAGES)
def test_each_page_is_open_to_its_roles_alone(sign_in, name):
    args, expected = PAGES[name]

    answers = [sign_in(role).get(reverse(name, args=args)).status_code for role in ROLES]

    assert dict(zip(ROLES, answers, strict=True)) == dict(zip(ROLES, expected, strict=True))


@pytest.mark.parametrize("name", PAGES)
def test_who_is_not_signed_in_is_asked_to(db, name):
    answer = Client().get(reverse(name, args=PAGES[name][0]))

    assert answer.status_code == 302
    assert answer.url.startswith("/admin/login/")


def test_everyone_signs_in_whether_staff_or_not(cast):
    client = Client()

    answer = client.post("/admin/login/", {"username": "participant", "password": "participant"})

    assert answer.url == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_who_is_switched_off_does_not_get_in(cast):
    cast.ada.is_active = False
    cast.ada.save()

    answer = Client().post("/admin/login/", {"username": "ada", "password": "ada"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "model", ["team", "workflow", "feedbacktype", "tag"], ids=lambda model: model
)
def test_a_stranger_does_not_even_learn_that_a_row_exists(sign_in, cast, model):
    cast.project.tags.create(name="iOS")
    rows = {
        "team": cast.support,
        "workflow": cast.workflow,
        "feedbacktype": cast.bugs,
        "tag": cast.project.tags.get(),
    }
    client = sign_in("stranger")

    listed = client.get(reverse(f"admin:feedback_{model}_changelist"))
    there = client.get(reverse(f"admin:feedback_{model}_change", args=[rows[model].pk]))
    nowhere = client.get(reverse(f"admin:feedback_{model}_change", args=[99999]))

    assert ">Beta<" not in listed.text
    assert (there.status_code, nowhere.status_code) == (404, 404)


def test_a_manager_is_offered_rows_of_managed_projects_only(sign_in, cast):
    answer = sign_in("manager").get(reverse("admin:feedback_feedbacktype_add"))

    form = answer.context["adminform"].form
    assert [str(project) for project in form.fields["project"].queryset] == ["Beta"]
    assert [str(row) for row in form.fields["default_workflow"].queryset] == ["Default"]
    assert form.fields["default_workflow"].queryset.get().project == cast.project


def test_a_manager_cannot_put_a_row_into_a_strange_project(sign_in, cast):
    stranger = sign_in("stranger")

    answer = stranger.post(
        reverse("admin:feedback_tag_add"), {"project": cast.project.pk, "name": "iOS"}
    )

    assert answer.status_code == 200
    assert not cast.project.tags.exists()


def test_only_community_managers_say_who_is_in_a_team(sign_in, cast):
    url = reverse("admin:feedback_team_change", args=[cast.participants.pk])
    data = {"name": "Testers", "kind": "project_manager", "members": []}

    sign_in("manager").post(url, data)

    cast.participants.refresh_from_db()
    assert (cast.participants.name, cast.participants.kind) == ("Testers", "participant")
    assert cast.participants.members.filter(username="ada").exists()


def test_a_team_with_members_is_not_the_managers_to_delete(sign_in, cast):
    url = reverse("admin:feedback_team_delete", args=[cast.observers.pk])

    assert sign_in("manager").post(url, {"post": "yes"}).status_code == 403
    assert sign_in("community").post(url, {"post": "yes"}).status_code == 302
    assert not cast.project.teams.filter(name="Observers").exists()


def test_the_sidebar_names_what_the_person_may_see_and_escapes_it(sign_in, cast):
    for_manager = sign_in("manager").get("/admin/").text
    for_participant = sign_in("participant").get("/admin/").text
    for_stranger = sign_in("stranger").get("/admin/").text

    assert reverse("resources", args=["beta", "BUG"]) in for_manager
    assert reverse("resources", args=["beta", "BUG"]) not in for_participant
    assert reverse("tickets", args=["beta", "BUG"]) in for_participant
    assert reverse("community") not in for_manager
    assert "Beta" not in for_stranger
    assert "<i>project" not in for_stranger


@pytest.mark.parametrize("name", ["project_home", "project_settings", "import_links", "rules"])
def test_the_sidebar_is_open_at_the_project_of_the_page(sign_in, cast, name):
    answer = sign_in("manager").get(reverse(name, args=["beta"]))

    [beta] = [group for group in answer.context["sidebar_navigation"] if group["title"] == "Beta"]
    assert [item["title"] for item in beta["items"] if item["active"]] == ["Project home"]


def test_what_is_not_there_keeps_the_menu_for_whoever_is_signed_in(sign_in, client):
    missing, forbidden = "/admin/projects/nosuch/", reverse("community")

    lost = sign_in("manager").get(missing)
    refused = sign_in("manager").get(forbidden)
    nobody = client.get("/nosuch/")

    assert (lost.status_code, refused.status_code, nobody.status_code) == (404, 403, 404)
    assert "There is nothing here" in lost.text
    assert "You may not do this" in refused.text
    assert all("nav-sidebar" in answer.text for answer in (lost, refused))
    assert "There is nothing here" in nobody.text
    assert "nav-sidebar" not in nobody.text


@pytest.mark.parametrize(
    ("address", "open_at"),
    [
        ("/admin/projects/beta/BUG/fields/", "Feedback Resources"),
        ("/admin/projects/beta/BUG/filters/", "Feedback Resources"),
        ("/admin/projects/beta/BUG/runs/", "Feedback Automation"),
        ("/admin/projects/beta/BUG/run/", "Bugs"),
        ("/admin/feedback/team/{team}/change/", "Project home"),
        ("/admin/feedback/workflow/{workflow}/change/", "Project home"),
    ],
)
def test_the_menu_marks_where_a_page_stands(sign_in, cast, address, open_at):
    ids = {"team": cast.observers.pk, "workflow": cast.bugs.default_workflow_id}

    answer = sign_in("manager").get(address.format(**ids))

    assert marked(answer) == [open_at]


def marked(answer):
    items = [item for group in answer.context["sidebar_navigation"] for item in group["items"]]
    return [strip_tags(item["title"]) for item in items if item["active"]]


def test_names_that_people_gave_are_escaped_everywhere(sign_in, cast):
    cast.bugs.name = "<script>alert(1)</script>"
    cast.bugs.save()
    cast.project.name = "<b>Beta</b>"
    cast.project.save()
    client = sign_in("community")

    for name, (args, _) in PAGES.items():
        text = client.get(reverse(name, args=args)).text
        assert "<script>alert" not in text
        assert "<b>Beta" not in text


def test_participants_see_public_tickets_and_their_own(sign_in, cast):
    hidden = submit_ticket(
        cast.bugs, summary="Not for testers", submitter=cast.ada, exposure=Exposure.INTERNAL
    )
    listed = {
        role: sign_in(role).get(reverse("tickets", args=["beta", "BUG"])).text
        for role in ("ada", "participant", "observer")
    }

    assert [role for role in listed if "Not for testers" in listed[role]] == ["ada", "observer"]
    assert sign_in("participant").get(hidden.get_absolute_url()).status_code == 404
    assert sign_in("ada").get(hidden.get_absolute_url()).status_code == 200


def test_observers_read_and_the_others_submit_and_comment(sign_in, cast):
    submit = reverse("submit_ticket", args=["beta", "BUG"])
    listed = [reverse("project_home", args=["beta"]), reverse("tickets", args=["beta", "BUG"])]
    new = {"summary": "It hums", "exposure": "public"}
    comment = {"action": "comment", "body": "Hello", "exposure": "public"}

    offered, answered = {}, {}
    for role in ROLES[:5]:
        client = sign_in(role)
        texts = [client.get(url).text for url in (*listed, submit, cast.ticket.get_absolute_url())]
        words = (submit, submit, 'name="summary"', 'name="body"')
        offered[role] = {word in text for word, text in zip(words, texts, strict=True)}
        answered[role] = [
            client.post(submit, new).status_code,
            client.post(cast.ticket.get_absolute_url(), comment).status_code,
        ]

    assert offered == {role: {role != "observer"} for role in ROLES[:5]}
    assert answered.pop("observer") == [403, 403]
    assert list(answered.values()) == [[302, 302]] * 4
    assert not cast.ticket.comments.filter(actor="observer").exists()


def test_who_observes_and_takes_part_too_may_comment(sign_in, cast):
    client = sign_in("observer")
    cast.participants.members.add(User.objects.get(username="observer"))

    comment = {"action": "comment", "body": "Hello", "exposure": "internal"}
    client.post(cast.ticket.get_absolute_url(), comment)

    assert cast.ticket.comments.filter(actor="observer").exists()


def test_participants_do_not_see_which_team_is_responsible(sign_in, cast):
    pages = [cast.ticket.get_absolute_url(), reverse("tickets", args=["beta", "BUG"])]

    seen = {
        role: {"Project Managers" in sign_in(role).get(url).text for url in pages}
        for role in ("support", "observer", "participant")
    }

    assert seen == {"support": {True}, "observer": {True}, "participant": {False}}


def test_participants_see_no_internal_comment_and_no_machinery(sign_in, cast):
    add_comment(cast.ticket, body="Between us", actor="manager", exposure=Exposure.INTERNAL)
    add_comment(cast.ticket, body="For all", actor="manager")
    change_ticket(cast.ticket, actor="Jira closed → Close", cause="abc", status=cast.closed)
    url = cast.ticket.get_absolute_url()

    for_participant = sign_in("participant").get(url).text
    for_observer = sign_in("observer").get(url).text
    for_manager = sign_in("manager").get(url).text

    assert "For all" in for_participant
    assert "Between us" not in for_participant
    assert "Jira closed" not in for_participant
    assert "Between us" in for_observer
    assert "Jira closed → Close" in for_observer
    assert reverse("cause", args=["abc"]) not in for_observer
    assert reverse("cause", args=["abc"]) in for_manager


def test_the_palette_finds_tickets_and_projects_that_the_person_sees(sign_in, cast):
    def found(role, term):
        return sign_in(role).get("/admin/search/", {"s": term, "extended": 1}).text

    assert "The lens cap melts" in found("participant", "bug-1")
    assert "The lens cap melts" in found("participant", "LENS")
    assert "The lens cap melts" not in found("stranger", "lens")
    assert reverse("project_home", args=["beta"]) in found("observer", "beta")
    assert reverse("project_home", args=["beta"]) not in found("stranger", "beta")


def test_what_was_taken_away_is_not_found_a_moment_later(sign_in, cast):
    client = sign_in("participant")
    assert "lens cap" in client.get("/admin/search/", {"s": "lens"}).text

    cast.participants.members.clear()

    assert "lens cap" not in client.get("/admin/search/", {"s": "lens"}).text


@pytest.mark.parametrize("action", ["edit", "link", "unlink"])
@pytest.mark.parametrize("role", ["observer", "participant", "support"])
def test_who_may_not_change_a_ticket_is_refused(sign_in, cast, role, action):
    answer = sign_in(role).post(cast.ticket.get_absolute_url(), {"action": action})

    assert answer.status_code == 403
    assert not cast.ticket.changes.exists()


def test_support_edits_the_tickets_of_its_own_team(sign_in, cast):
    change_ticket(cast.ticket, actor="manager", team=cast.support)

    page = sign_in("support").get(cast.ticket.get_absolute_url() + "?edit")

    assert "Edit the ticket" in page.text


def test_only_managers_keep_filters(sign_in, cast):
    url = reverse("save_filter", args=["beta", "BUG"]) + "?search=lens"

    answers = [sign_in(role).post(url, {"name": "Lens"}).status_code for role in ROLES[1:]]

    assert answers == [302, 404, 404, 404, 404]
    assert SavedFilter.objects.count() == 1


def test_participants_cannot_probe_what_they_do_not_see(sign_in, cast):
    saved = SavedFilter(feedback_type=cast.bugs, name="All", groups=[{"search": "lens"}])
    save_filter(saved)
    url = reverse("tickets", args=["beta", "BUG"])
    client = sign_in("participant")

    probed = client.get(url, {"submitter_email": "ada"})

    assert "There is no field" in probed.text
    assert "The lens cap melts" not in probed.text
    assert client.get(url, {"filter": saved.pk}).status_code == 404


def test_lists_take_the_same_few_queries_however_long_they_are(sign_in, cast):
    client = sign_in("manager")
    tickets = reverse("tickets", args=["beta", "BUG"])
    lists = [
        tickets,
        f"{tickets}?status={cast.new.pk}",
        reverse("filters", args=["beta", "BUG"]),
        reverse("project_home", args=["beta"]),
        reverse("admin:index"),
        reverse("admin:feedback_team_changelist"),
        cast.ticket.get_absolute_url(),
    ]

    def fill(times):
        for number in range(times):
            name = f"{times} {number}"
            ticket = submit_ticket(cast.bugs, summary=name, submitter=cast.ada)
            change_ticket(cast.ticket, actor="manager", status=ticket.status, summary=name)
            add_comment(cast.ticket, body=name, actor="manager")
            cast.project.teams.create(name=name, kind="support")
            group = {"status": [cast.new.pk], "submitter": [cast.ada.pk]}
            save_filter(SavedFilter(feedback_type=cast.bugs, name=name, groups=[group]))

    def queries():
        counts = {}
        for url in lists:
            with CaptureQueriesContext(connection) as captured:
                assert client.get(url).status_code == 200
            counts[url] = len(captured)
        return counts

    fill(2)
    few = queries()
    fill(20)

    assert queries() == few
    assert max(few.values()) < 50
