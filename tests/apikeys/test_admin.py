from __future__ import annotations

import io
import re
from html import unescape

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.urls import reverse

from apikeys.models import APIKey, digest_of
from tests.conftest import make_key

WHOLE_KEY = re.compile(r"\b[a-z0-9]+-[0-9a-f]{48}\b")
NETWORKLESS_READER = {"networks": "", "scopes": ["read"]}
LIST = "admin:apikeys_apikey_changelist"


@pytest.fixture
def community(client, db):
    """A client signed in as the community manager."""
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def given():
    return {
        "name": "Jira",
        "description": "For the tracker",
        "prefix": "jira",
        "scopes": ["listen"],
        "networks": "192.0.2.0/24\r\n\r\n 2001:db8::/32 ",
        "mail_on_use": "ops@example.com",
        "enabled": "on",
        "expires_at_0": "",
        "expires_at_1": "",
        "project": "",
    }


def stored_anywhere(text):
    """Whether any column of any table holds ``text``."""
    return [
        (model.__name__, row)
        for model in apps.get_models()
        for row in model._base_manager.values_list()
        if text in repr(row)
    ]


def test_a_new_key_is_shown_once_and_kept_nowhere(community, given):
    answer = community.post(reverse("admin:apikeys_apikey_add"), given)

    [whole_key, *others] = set(WHOLE_KEY.findall(answer.content.decode()))
    key = APIKey.objects.get()
    assert others == []
    assert key.digest == digest_of(whole_key)
    assert (key.prefix, key.scopes) == ("jira", ["listen"])
    assert key.networks == "192.0.2.0/24\n2001:db8::/32"
    assert "it is never shown again" in answer.content.decode()
    assert f"&amp;apiKey={whole_key}" in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    secret = whole_key.partition("-")[2]
    assert stored_anywhere(secret) == []
    assert secret not in repr(dict(community.session))
    for url in (reverse(LIST), reverse("admin:apikeys_apikey_change", args=[key.pk])):
        assert secret not in community.get(url).content.decode()


@pytest.mark.parametrize(
    ("scopes", "said"),
    [
        (["listen"], (False, False)),
        (["read"], (True, True)),
        (["listen", "write"], (True, False)),
    ],
)
def test_a_key_for_programs_comes_with_a_call_to_try(community, given, settings, scopes, said):
    settings.SITE_URL = "https://hub.example.com"
    answer = community.post(reverse("admin:apikeys_apikey_add"), given | {"scopes": scopes})

    page = unescape(answer.content.decode())
    [whole_key] = set(WHOLE_KEY.findall(page))
    url = "https://hub.example.com/api/v1/projects/"
    example = f'curl -H "Authorization: Bearer {whole_key}" {url}'
    assert (example in page, "by REST this key only reads" in page) == said
    assert (reverse("api_docs") in page) is said[0]


def test_the_example_works_as_it_stands(community, given, beta):
    page = community.post(reverse("admin:apikeys_apikey_add"), given | NETWORKLESS_READER)
    [header] = set(re.findall(r"Authorization: (Bearer \S+-[0-9a-f]{48})", page.content.decode()))
    community.logout()

    answer = community.get("/api/v1/projects/", headers={"Authorization": header})

    assert [project["key"] for project in answer.json()["results"]] == ["beta"]


@pytest.mark.parametrize("button", ["_addanother", "_continue", "_save"])
def test_whichever_button_makes_the_key_it_is_shown(community, given, button):
    answer = community.post(reverse("admin:apikeys_apikey_add"), given | {button: "1"})

    assert WHOLE_KEY.search(answer.content.decode())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"networks": "192.0.2.1/24"}, "has host bits set"),
        ({"networks": "everywhere"}, "is not an address or network"),
        ({"prefix": "Jira-1"}, "Use small letters and digits only."),
        ({"scopes": []}, "This field is required."),
        ({"mail_on_use": "nobody"}, "Enter a valid email address."),
    ],
)
def test_a_key_that_cannot_be_is_refused(community, given, change, problem):
    answer = community.post(reverse("admin:apikeys_apikey_add"), given | change)

    assert problem in answer.content.decode()
    assert not APIKey.objects.exists()


def test_a_changed_key_keeps_its_secret_and_prefix(community, api_key, given):
    url = reverse("admin:apikeys_apikey_change", args=[api_key.row.pk])
    answer = community.post(url, given | {"prefix": "other", "name": "Renamed"})

    key = APIKey.objects.get()
    assert answer.status_code == 302
    assert (key.name, key.prefix, key.digest) == ("Renamed", "jira", api_key.row.digest)


def test_a_replaced_secret_is_asked_for_and_shown_once(community, api_key):
    url = f"/admin/apikeys/apikey/{api_key.row.pk}/replace-secret/"
    question = community.get(url)
    unchanged = APIKey.objects.get().digest

    answer = community.post(url)

    [whole_key] = set(WHOLE_KEY.findall(answer.content.decode()))
    assert "every tracker that still has the old one is refused" in question.content.decode()
    assert unchanged == api_key.row.digest
    assert APIKey.objects.get().digest == digest_of(whole_key) != unchanged
    assert "no-store" in answer.headers["Cache-Control"]
    assert stored_anywhere(whole_key.partition("-")[2]) == []


def test_the_list_says_all_and_leads_to_the_log(community, api_key):
    make_key(name="Off", prefix="off", enabled=False)
    content = community.get(reverse(LIST)).content.decode()

    assert api_key.row.get_log_url() in content
    for part in ("jira", "Call external listeners", "any", "Off"):
        assert part in content


def test_the_list_takes_as_many_queries_for_many_keys_as_for_one(
    community, beta, django_assert_max_num_queries
):
    for number in range(20):
        make_key(name=f"Key {number}", prefix=f"key{number}", project=beta.project)
    community.get(reverse(LIST))

    with django_assert_max_num_queries(14):
        community.get(reverse(LIST))


def test_a_used_key_is_switched_off_instead_of_deleted(community, api_key, listener, send):
    send(listener, find="BUG-0001")
    url = reverse("admin:apikeys_apikey_delete", args=[api_key.row.pk])

    answer = community.post(url, {"post": "yes"}, follow=True)

    assert "Switch it off instead" in answer.content.decode()
    assert APIKey.objects.exists()


def test_an_unused_key_is_deleted_after_a_question(community, api_key):
    url = reverse("admin:apikeys_apikey_delete", args=[api_key.row.pk])

    assert community.get(url).status_code == 200
    community.post(url, {"post": "yes"})
    assert not APIKey.objects.exists()


def test_nobody_else_sees_api_keys(client, beta, api_key):
    manager = User.objects.create_user("pam")
    beta.managers.members.add(manager)
    client.force_login(manager)

    for url in (
        reverse(LIST),
        reverse("admin:apikeys_apikey_add"),
        reverse("admin:apikeys_apikey_change", args=[api_key.row.pk]),
        reverse("admin:apikeys_apikey_delete", args=[api_key.row.pk]),
        f"/admin/apikeys/apikey/{api_key.row.pk}/replace-secret/",
    ):
        assert client.get(url).status_code in (403, 404)
        assert client.post(url).status_code in (403, 404)
    assert APIKey.objects.get().digest == api_key.row.digest


def make_by_command(*args):
    out = io.StringIO()
    call_command("create_api_key", *args, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_key_alone_on_its_last_line(beta):
    printed = make_by_command(
        "CI",
        "--prefix",
        "ci",
        "--scope",
        "write",
        "listen",
        "--network",
        "192.0.2.0/24",
        "2001:db8::/32",
        "--project",
        "BETA",
    )

    key = APIKey.objects.get()
    assert key.digest == digest_of(printed.splitlines()[-1])
    assert (key.name, key.prefix, key.scopes) == ("CI", "ci", ["listen", "write"])
    assert key.networks == "192.0.2.0/24\n2001:db8::/32"
    assert key.project == beta.project


def test_the_command_gives_a_listener_key_by_default(db):
    make_by_command("Jira")

    assert APIKey.objects.get().scopes == ["listen"]


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["Jira", "--prefix", "Ji-ra"], "prefix: Use small letters and digits only."),
        (["Jira", "--network", "nowhere"], "networks: “nowhere” is not an address"),
        (["Jira", "--project", "gone"], "no project “gone”. There are: none yet."),
        (["Jira", "--scope", "everything"], "invalid choice"),
        (["x" * 101], "name: "),
    ],
)
def test_the_command_refuses_what_cannot_be(db, args, problem):
    with pytest.raises(CommandError, match=re.escape(problem)):
        make_by_command(*args)
    assert not APIKey.objects.exists()


def test_the_command_refuses_a_name_that_is_taken(api_key):
    with pytest.raises(CommandError, match=r"name: .*already exists"):
        make_by_command("Jira")
