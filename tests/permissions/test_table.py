"""Every address, every action, every role: what is not allowed is refused and leaves no trace.

A new address needs its rows in ``pages.py`` or ``resources.py``.
"""

from __future__ import annotations

import re

import pytest

from feedback.ticket_pages import TicketPage
from tests.permissions.addresses import every_address
from tests.permissions.asking import ask
from tests.permissions.pages import PAGES
from tests.permissions.resources import RESOURCES
from tests.permissions.roles import KEYS, PEOPLE, secret_words

pytestmark = pytest.mark.django_db  # so that there is a database when the world is made

TABLE = [*PAGES, *RESOURCES]
OUTSIDERS = ("other_manager", "teamless", "key_write_zebra")


def test_every_address_has_its_rows_in_the_table():
    served = {address.route: address for address in every_address()}
    entered = {}
    for entry in TABLE:
        entered.setdefault(entry.route, set()).add(entry.method)

    missing = [
        f"{method} {address.route} ({address.name})"
        for route, address in served.items()
        for method in sorted(address.methods - entered.get(route, set()))
    ]

    assert not missing, (
        "Say in tests/permissions/pages.py or resources.py who may do this: " + "; ".join(missing)
    )
    assert entered.keys() <= served.keys()


def test_every_button_of_a_ticket_has_its_row():
    assert {*TicketPage.ACTIONS} <= {entry.what for entry in PAGES}


@pytest.mark.parametrize("entry", TABLE, ids=str)
def test_only_those_who_may_are_answered(world, entry):
    path = entry.path.format_map(vars(world.named))
    body = entry.given(world.named)

    wrong = [
        f"{role} {problem} ({told.code} {told.to})"
        for role in sorted(entry.roles)
        for told in [ask(world, role, entry.method, path, body)]
        for problem in problems_with(told, role, entry)
    ]

    assert wrong == []


def problems_with(told, role, entry):
    leaves_something = entry.method != "GET" and entry.changes
    if role not in entry.allowed:
        if told.code not in refusals(role, entry):
            yield "is not refused"
        if told.changed:
            yield f"is refused and yet changes {told.written}"
    elif told.code != entry.answer or told.to.startswith("/admin/login/"):
        yield f"is refused: {told.text[:300]}"
    elif leaves_something != told.changed:
        yield "changes nothing" if leaves_something else f"changes {told.written}"
    for word in secret_words(role):
        if word in told.text:
            at = told.text.index(word)
            yield f"reads “{told.text[max(at - 80, 0) : at + 40]}”"


def refusals(role, entry):
    """At a page a key is nobody, and nobody is asked to sign in."""
    if role in PEOPLE or (entry.rest and role in KEYS):
        return entry.refusal
    return {401, *entry.refusal} - {403} if entry.rest else {302, 404}


@pytest.mark.parametrize("entry", [entry for entry in TABLE if entry.names_rows], ids=str)
def test_what_is_hidden_is_answered_like_what_is_not_there(world, entry):
    there = entry.path.format_map(vars(world.named))
    body = entry.given(world.named)

    differing = [
        (role, told.code, missed.code)
        for role in OUTSIDERS
        if role in entry.roles and role not in entry.allowed
        for told in [ask(world, role, entry.method, there, body)]
        for missed in [ask(world, role, entry.method, entry.nowhere, body)]
        if (told.code, without_token(told.text)) != (missed.code, without_token(missed.text))
    ]

    assert differing == []


def without_token(text):
    """The token of the menu's forms, which is another one each time."""
    return re.sub(r'(csrfmiddlewaretoken" value="|x-csrftoken": ?")\w+', "", text)
