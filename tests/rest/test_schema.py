"""The schema of the API: whole, without a warning, and with examples that hold."""

from __future__ import annotations

import json
from collections import Counter

import pytest
import yaml
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from access.callers import Caller
from automation.bulk import start_bulk, work_off
from automation.by_hand import run_by_hand
from feedback.models import Ticket
from tests.conftest import closing_macro, make_listener


def described():
    return SchemaGenerator().get_schema(request=None, public=True)


def operations():
    """Each as (METHOD /path, description)."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in described()["paths"].items()
        for method, operation in methods.items()
    }


OPERATIONS = operations()
EXAMPLES = {
    name: operation["requestBody"]["content"]["application/json"].get("examples", {})
    for name, operation in OPERATIONS.items()
    if "requestBody" in operation
}


def test_it_is_valid_and_made_without_a_warning(tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema"))


@pytest.mark.parametrize(
    ("accept", "read"),
    [
        ("application/json", json.loads),
        ("application/yaml", yaml.safe_load),
        ("*/*", yaml.safe_load),
    ],
)
def test_everybody_may_read_it_as_json_or_yaml(client, db, accept, read):
    answer = client.get("/api/schema/", headers={"Accept": accept})

    assert answer.status_code == 200
    assert read(answer.content)["paths"].keys() == described()["paths"].keys()


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_says_what_it_does_and_every_way_it_may_fail(operation):
    assert operation["summary"]
    assert operation["description"]
    assert all(
        answer["description"] or code < "300" for code, answer in operation["responses"].items()
    )
    assert {"400", "401", "403", "404", "406", "429", "503"} <= operation["responses"].keys()


def test_no_two_operations_have_one_name():
    names = Counter(operation["operationId"] for operation in OPERATIONS.values())

    assert set(names.values()) == {1}
    assert {"tickets_list", "tickets_add_link", "api_keys_replace_secret"} <= names.keys()


def test_a_body_has_an_example_and_no_names_beside_those_that_are_described():
    schemas = described()["components"]["schemas"]

    assert [name for name, examples in EXAMPLES.items() if not examples] == []
    assert {
        schema["additionalProperties"]
        for name, schema in schemas.items()
        if name.endswith("Request") and "properties" in schema
    } == {False}


@pytest.fixture
def community(beta):
    client = Client()
    client.force_login(User.objects.create_superuser("community"))

    def call(method, path, body):
        answer = client.generic(method, path, json.dumps(body), content_type="application/json")
        assert answer.status_code in (200, 201), answer.content
        return answer.json()

    return call


@pytest.mark.parametrize("path", [name.split()[1] for name in EXAMPLES if name.startswith("POST")])
def test_the_examples_can_be_sent(path, community, beta):
    """To make one, to write it anew and to change it; of ids only the kind of row is an example."""
    known = {
        "workflow": beta.workflow.pk,
        "default_workflow": beta.workflow.pk,
        "feedback_type": beta.bugs.pk,
        "status": beta.closed.pk,
        "team": beta.support.pk,
        "ticket": beta.ticket.pk,
        "macro": (macro := closing_macro(beta)).pk,
    }
    bulk = start_bulk(macro, Ticket.objects.all(), chosen="All", actor="pam")
    work_off()
    rows = {
        "tickets": beta.ticket.pk,
        "macros": macro.pk,
        "listeners": make_listener(beta, macro, key="another").pk,
        "executions": run_by_hand(macro, beta.ticket, Caller(name="pam")).public_id,
        "bulk-runs": bulk.public_id,
    }

    def real(value):
        if isinstance(value, dict):
            return {
                name: known[name] if isinstance(inner, int) and name in known else real(inner)
                for name, inner in value.items()
            }
        return [real(inner) for inner in value] if isinstance(value, list) else value

    def example(method, path):
        ((_, found),) = EXAMPLES[f"{method} {path}"].items()
        return real(found["value"])

    made = community("POST", path.format(id=rows.get(path.split("/")[3])), example("POST", path))

    for method in ("PUT", "PATCH"):
        own = next((name for name in EXAMPLES if name.startswith(f"{method} {path}{{")), None)
        if own:
            row = own.split()[1]
            body = example(method, row)
            community(method, row.format(id=made["id"], key=made.get("key")), body)
