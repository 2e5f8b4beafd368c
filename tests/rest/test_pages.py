"""The API as people see it: its reference, and its answers in a browser."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from centercode_sim.api import RESOURCES
from rest.reference import read, reference

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def root(db):
    return User.objects.create_superuser("root")


def text_of(answer):
    return " ".join(answer.content.decode().split())


# The reference


def test_the_reference_has_every_resource_with_its_operations(client, db):
    index = text_of(client.get(reverse("api_docs")))

    for name in RESOURCES:
        url = reverse("api_docs_resource", args=[name])
        assert f'href="{url}"' in index
        page = text_of(client.get(url))
        for operation in reference().resources[name].operations:
            assert f'id="{operation.name}"' in page
            assert operation.path in page
            assert operation.title in page


def test_whoever_is_signed_out_reads_the_reference_without_a_menu(client, beta, root):
    url = reverse("api_docs_resource", args=["tickets"])
    signed_out = text_of(client.get(url))
    client.force_login(root)
    signed_in = text_of(client.get(url))

    assert "nav-sidebar" not in signed_out
    assert "Beta" not in signed_out
    assert "nav-sidebar" in signed_in


def test_the_reference_needs_no_other_host(client, db):
    for url in (reverse("api_docs"), reverse("api_docs_resource", args=["listeners"])):
        page = client.get(url).content.decode()
        loaded = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="([^"]*)"', page)
        assert loaded
        assert [each for each in loaded if not each.startswith("/static/")] == []


def test_the_example_names_this_installation(client, db, settings):
    settings.SITE_URL = "https://hub.example.com"

    page = client.get(reverse("api_docs_resource", args=["macros"])).content.decode()

    assert "curl https://hub.example.com/api/v1/macros/ID/ -X PATCH" in page


def test_an_unknown_resource_has_no_reference(client, db):
    assert client.get("/api/docs/nonsense/").status_code == 404


def test_every_name_that_the_reference_refers_to_is_explained_on_its_page():
    for resource in reference().resources.values():
        shapes = {shape.name for shape in resource.shapes}
        named = {name for each in resource.operations for name in (each.takes, each.gives)}
        inner = {
            name
            for shape in resource.shapes
            for field in shape.fields
            for name in re.findall(r"\b[A-Z]\w+", field.type)
        }
        assert (named | inner) - {""} <= shapes


def test_a_shape_says_what_to_send_and_what_is_never_sent():
    shapes = {shape.name: shape for shape in reference().resources["listeners"].shapes}
    listener = shapes["Listener"]
    fields = {field.name: field for field in listener.fields}

    assert [fields[name].sent for name in ("key", "description", "endpoint_url")] == [
        "required",
        "if you like",
        "never",
    ]
    assert fields["filter"].type == "number or null"
    assert "jira" in fields["sender"].choices
    assert "never shown" in fields["secret"].about


def test_an_example_can_be_pasted_into_a_shell():
    body = {"application/json": {"schema": {}, "examples": {"one": {"value": {"a": "it's"}}}}}
    operation = {
        "operationId": "x",
        "tags": ["x"],
        "requestBody": {"content": body},
        "responses": {"200": {"description": ""}},
    }
    schema = {"paths": {"/x/{id}/": {"put": operation}}, "components": {"schemas": {}}}

    (made,) = read(schema).resources["x"].operations

    assert made.example.startswith('/x/ID/ -X PUT \\\n  -H "Authorization: Bearer KEY" \\\n')
    assert made.example.endswith("""-d '{"a": "it'"'"'s"}'""")


# Answers in a browser


@pytest.mark.parametrize("name", RESOURCES)
def test_every_list_can_be_looked_at_in_a_browser(client, root, send, listener, name):
    send(listener, find="BUG-0001")
    client.force_login(root)

    answer = client.get(f"/api/v1/{name}/", headers=HTML)

    assert answer.status_code == 200
    text = text_of(answer)
    assert "nav-sidebar" in text
    assert f'href="{reverse("api_docs_resource", args=[name])}"' in text
    assert "&quot;count&quot;:" in text


def test_a_row_has_forms_for_what_may_be_sent_there(client, root, beta):
    client.force_login(root)

    text = text_of(client.get(f"/api/v1/tags/{tag_of(beta)}/", headers=HTML))

    for method in ("PATCH", "DELETE"):
        assert f'data-send="{method}"' in text
    assert 'data-send="POST"' not in text
    assert "csrfmiddlewaretoken" in text


def tag_of(beta):
    return beta.project.tags.create(name="lens").pk


@pytest.mark.parametrize(
    ("path", "code"), [("tickets/9999/", 404), ("tickets/?colour=red", 400), ("tickets/", 200)]
)
def test_a_refusal_is_a_page_too_and_has_no_forms(client, root, beta, path, code):
    client.force_login(root)

    answer = client.get(f"/api/v1/{path}", headers=HTML)

    assert answer.status_code == code
    assert ("data-send" in answer.content.decode()) is (code == 200)


def test_whoever_is_signed_out_is_asked_to_sign_in(client, beta):
    answer = client.get("/api/v1/tickets/?project=beta", headers=HTML)

    text = text_of(answer)
    assert answer.status_code == 401
    assert "/admin/login/?next=%2Fapi%2Fv1%2Ftickets%2F%3Fproject%3Dbeta" in text
    assert "nav-sidebar" not in text


def test_what_people_wrote_is_text_on_the_page(client, root, beta):
    beta.ticket.summary = "<script>alert(1)</script>"
    beta.ticket.save()
    client.force_login(root)

    page = client.get(f"/api/v1/tickets/{beta.ticket.pk}/", headers=HTML).content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_programs_get_json_whatever_they_accept(client, root, beta):
    client.force_login(root)

    for accept in ("*/*", "application/json", None):
        answer = client.get("/api/v1/tickets/", headers={"Accept": accept} if accept else {})
        assert answer.headers["Content-Type"] == "application/json"
