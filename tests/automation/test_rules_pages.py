from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from automation.models import ExternalListener
from automation.rules.document import LIMIT
from automation.rules.export import rules_of
from feedback.models import FeedbackType, Project, Team
from tests.conftest import narrow_listener

RULES = "/admin/projects/beta/rules/"
CLONE = RULES + "clone/"
NEW = "/admin/community/project-from-file/"


@pytest.fixture
def community(root):
    client = Client()
    client.force_login(root)
    return client


def text_of(beta) -> str:
    return rules_of(beta.project).text


def fingerprint(response) -> str:
    [found] = re.findall(r'name="seen" value="([0-9a-f]{64})"', response.content.decode())
    return found


def shown(response) -> str:
    return response.content.decode()


def test_a_manager_downloads_the_rules(page, beta, listener):
    response = page.get(RULES + "download/")

    assert shown(response) == text_of(beta)
    assert response["Content-Type"] == "application/yaml; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="beta.yaml"'


@pytest.mark.parametrize("address", [RULES, RULES + "download/"])
def test_rules_are_for_those_who_manage_the_project(people, address):
    codes = {}
    for role, person in people.items():
        client = Client()
        client.force_login(person)
        codes[role] = client.get(address).status_code

    assert codes == dict.fromkeys(people, 404) | {"manager": 200, "community": 200}
    assert Client().get(address).status_code == 302


@pytest.mark.parametrize("address", [CLONE, NEW])
def test_new_projects_are_for_community_managers(people, address):
    for role, person in people.items():
        client = Client()
        client.force_login(person)
        wanted = 200 if role == "community" else 403

        assert client.get(address).status_code == wanted
        assert client.post(address, {"name": "", "key": "x", "text": "version: 1"}).status_code in (
            {400} if role == "community" else {403}
        )
    assert set(Project.objects.values_list("key", flat=True)) == {"beta", "other"}


def test_the_way_to_the_rules_is_shown_to_those_who_may_go_it(page, beta, community):
    assert f'href="{RULES}"' in shown(page.get("/admin/projects/beta/"))
    assert f'href="{RULES}"' in shown(page.get("/admin/projects/beta/settings/"))
    assert CLONE not in shown(page.get(RULES))
    assert CLONE in shown(community.get(RULES))
    assert NEW in shown(community.get("/admin/community/"))


def test_an_upload_shows_its_plan_first(page, beta, listener):
    text = text_of(beta).replace("name: Bugs", "name: Defects <b>")
    file = SimpleUploadedFile("beta.yaml", text.encode())

    response = page.post(RULES, {"file": file})

    assert "Defects &lt;b&gt;" in shown(response)
    assert "Apply these changes" in shown(response)
    assert FeedbackType.objects.get(prefix="BUG").name == "Bugs"


def test_what_was_shown_is_applied(page, beta, listener):
    text = text_of(beta).replace("name: Bugs", "name: Defects").replace("\n", "\r\n")
    seen = fingerprint(page.post(RULES, {"text": text}))

    response = page.post(RULES, {"text": text, "seen": seen}, follow=True)

    assert response.redirect_chain == [(RULES, 302)]
    assert "The rules of “Beta” are in force: 0 created, 1 changed." in shown(response)
    assert FeedbackType.objects.get(prefix="BUG").name == "Defects"


def test_a_plan_that_is_no_longer_true_is_shown_anew(page, beta, listener):
    text = text_of(beta).replace("name: Bugs", "name: Defects")
    seen = fingerprint(page.post(RULES, {"text": text}))
    ExternalListener.objects.update(enabled=False)

    response = page.post(RULES, {"text": text, "seen": seen})

    assert "the project is no longer as it was when you saw the plan" in shown(response)
    assert "enabled: false" in shown(response)
    assert fingerprint(response) != seen
    assert FeedbackType.objects.get(prefix="BUG").name == "Bugs"
    assert ExternalListener.objects.get().enabled is False


def test_another_text_than_the_one_shown_is_not_applied(page, beta):
    text = text_of(beta).replace("name: Bugs", "name: Defects")
    seen = fingerprint(page.post(RULES, {"text": text}))

    response = page.post(RULES, {"text": text.replace("Defects", "Flaws"), "seen": seen})

    assert "no longer as it was" in shown(response)
    assert FeedbackType.objects.get(prefix="BUG").name == "Bugs"


def test_nothing_to_do_is_said(page, beta, listener):
    ExternalListener.objects.update(secret="swordfish")

    response = page.post(RULES, {"text": text_of(beta)})

    assert "Nothing to do: the project is as the file says." in shown(response)
    assert "Secrets of listeners stay as they are: “jiraclosed”." in shown(response)
    assert "Apply these changes" not in shown(response)
    assert "swordfish" not in shown(response)


def test_what_the_file_lacks_is_listed(page, beta):
    text = text_of(beta).replace("  - name: Participants\n    kind: participant\n", "")

    response = page.post(RULES, {"text": text})

    assert "Only in the project, and left as it is: team “Participants”." in shown(response)


def test_errors_are_listed_with_their_lines_and_the_text_stays(page, beta):
    text = text_of(beta).replace("kind: support", "kind: suport")

    response = page.post(RULES, {"text": text})

    assert response.status_code == 400
    assert "line 9, teams" in shown(response)
    assert "Did you mean “support”?" in shown(response)
    assert "kind: suport" in shown(response)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({}, "Choose a file or paste its text."),
        ({"text": "  \r\n"}, "Choose a file or paste its text."),
        ({"text": "version: 1\n", "file": b"version: 9\n"}, "reads version 1 only."),
        ({"file": b""}, "The submitted file is empty."),
        ({"file": b"\xff\xfe"}, "This is not UTF-8 text: save the file as UTF-8."),
        ({"file": b"x" * (LIMIT + 1)}, "This file is larger than 1 MiB"),
        ({"text": "x" * (LIMIT + 1)}, "This text is larger than 1 MiB"),
        ({"text": "\0"}, "Null characters are not allowed."),
        ({"text": "a: ["}, "line 1: This is not YAML"),
        ({"text": "[" * 5000}, "line 1: This is nested more deeply than any rule is."),
        ({"text": "version: 1\n", "seen": "x"}, "“project” is missing."),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_bad_input_is_refused_with_a_sentence(page, beta, data, sentence):
    if "file" in data:
        data = data | {"file": SimpleUploadedFile("a.yaml", data["file"])}

    response = page.post(RULES, data)

    assert response.status_code == 400
    assert sentence in shown(response).replace("&#x27;", "'")


def test_a_manager_imports_into_the_own_project_only(page, beta):
    text = text_of(beta).replace("key: beta", "key: other").replace("name: Beta\n", "name: Mine\n")

    response = page.post(RULES, {"text": text})

    assert "Here only rules of the project “beta” can be imported." in shown(response)
    assert not Project.objects.filter(key="other").exists()


def test_only_community_managers_change_what_a_team_is(page, beta, community):
    text = text_of(beta).replace("kind: support", "kind: project_manager")

    mine = page.post(RULES, {"text": text})
    theirs = community.post(RULES, {"text": text})

    assert "Only a community manager changes what kind of team “Beta Support” is." in shown(mine)
    assert "Apply these changes" in shown(theirs)
    assert Team.objects.get(name="Beta Support").kind == "support"


def test_a_project_is_made_from_a_file(community, beta, listener):
    text = text_of(beta).replace("key: beta", "key: gamma").replace("name: Beta\n", "name: Gamma\n")
    plan = community.post(NEW, {"text": text})

    response = community.post(NEW, {"text": text, "seen": fingerprint(plan)}, follow=True)

    assert "The project “Gamma” would be made." in shown(plan)
    assert response.redirect_chain == [("/admin/projects/gamma/", 302)]
    assert "New listeners have no secret yet: “Jira closed”." in shown(response)
    assert Project.objects.get(key="gamma").listeners.get().key == "jiraclosed"


def test_a_file_does_not_make_a_project_twice(community, beta):
    response = community.post(NEW, {"text": text_of(beta)})

    assert "There is a project “beta” already: import this on its Rules page." in shown(response)


def test_a_clone_shows_its_new_addresses_and_what_stayed(community, beta, listener):
    narrow_listener(listener, "Melting", search=["melts"])

    response = community.post(CLONE, {"name": "Gamma", "key": "Gamma"})

    clone = Project.objects.get(key="gamma").listeners.get()
    assert (clone.key, clone.enabled) == ("jiraclosed-gamma", False)
    assert "/api/v1/projects/gamma/feedbackListeners/jiraclosed-gamma?find=" in shown(response)
    assert ">jiraclosed<" in shown(response)
    assert "Tickets (1), with their comments, links and history" in shown(response)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"name": "Gamma", "key": "beta"}, "Another project has the key “beta”"),
        ({"name": "Gamma", "key": "Ga mma"}, "Use small letters, digits"),
        ({"name": "", "key": "gamma"}, "This field is required."),
    ],
)
def test_a_clone_needs_a_name_and_a_free_key(community, beta, data, sentence):
    response = community.post(CLONE, data)

    assert response.status_code == 400
    assert sentence in shown(response)
    assert Project.objects.count() == 1
