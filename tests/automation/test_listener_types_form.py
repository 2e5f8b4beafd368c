"""What a listener's page asks for each type and sender, and what other pages say of it."""

from __future__ import annotations

import pytest

from automation.macro_users import Count
from automation.models import ExternalListener
from tests.automation.listener_forms import errors_of, rows_of, table
from tests.conftest import make_listener


def test_a_comment_listener_keeps_nothing_of_a_macro(page, given, address, close, whole):
    page.post(
        address("listener", whole.pk),
        given
        | table(("Done", "", close))
        | {"type": "comment", "macro": close.pk, "comment_exposure": "public", "when": "created"},
    )

    whole.refresh_from_db()
    assert (whole.type, whole.comment_exposure, whole.when) == ("comment", "public", "commented")
    assert (whole.macro, rows_of(whole), whole.protected_statuses.count()) == (None, [], 0)


def test_a_listener_of_custom_data_keeps_its_name_and_its_part(page, given, address, whole):
    data = {"data_name": "Jira-Fields", "data_expression": "issue.fields"}
    page.post(address("listener", whole.pk), given | data | {"type": "custom_data"})

    whole.refresh_from_db()
    assert (whole.type, whole.data_name, whole.data_expression) == (
        "custom_data",
        "jira-fields",
        "issue.fields",
    )
    assert (whole.macro, whole.when, rows_of(whole)) == (None, "status_changed", [])


def test_what_other_types_ask_is_neither_kept_nor_found_wrong(page, given, address, close):
    others = {
        "macro": close.pk,
        "comment_exposure": "nonsense",
        "data_name": "Ä ö",
        "data_expression": "a..b",
    }
    page.post(address("listener_add"), given | others)

    listener = ExternalListener.objects.get()
    assert (listener.comment_exposure, listener.data_name, listener.data_expression) == (
        "internal",
        "",
        "",
    )


def test_comments_need_a_sender_that_tells_them(page, given, address):
    answer = page.post(
        address("listener_add"),
        given | {"type": "comment", "sender": "generic", "event_expression": "action"},
    )

    assert errors_of(answer) == {
        "type": ["Anything that can POST does not tell comments: choose another listener type."]
    }


@pytest.mark.parametrize("name", ["data_name", "data_expression"])
def test_what_custom_data_ask_is_checked(page, given, address, name):
    answer = page.post(
        address("listener_add"), given | {"type": "custom_data", name: "no..such thing"}
    )

    assert list(errors_of(answer)) == [name]


# What expressions let a sender tell


@pytest.mark.parametrize(
    ("expressions", "when", "problem"),
    [
        ({"event_expression": "a"}, "created", ""),
        ({"event_expression": "a"}, "commented", ""),
        ({"event_expression": "a"}, "status_changed", ""),
        ({"status_expression": "a"}, "status_changed", ""),
        ({"status_expression": "a"}, "status_changed_to", ""),
        ({"event_expression": "a", "status_expression": "b"}, "status_changed_to", ""),
        ({"event_expression": "a"}, "status_changed_to", "enter a status expression"),
        ({"status_expression": "a"}, "created", "enter an event expression"),
    ],
)
def test_expressions_decide_what_can_be_waited_for(
    page, given, address, close, expressions, when, problem
):
    answer = page.post(
        address("listener_add"),
        given
        | expressions
        | {"sender": "generic", "when": when, "when_status": "Done", "macro": close.pk},
    )

    if problem:
        [sentence] = errors_of(answer)["when"]
        assert sentence.startswith(
            f"Anything that can POST with your expressions does not tell that: {problem}, or "
        )
    else:
        assert ExternalListener.objects.get().when == when


def test_a_status_expression_takes_the_place_of_the_trackers_events(page, given, address, close):
    """As the door reads it: “created” would never come."""
    answer = page.post(
        address("listener_add"),
        given | {"status_expression": "a", "when": "created", "macro": close.pk},
    )

    assert list(errors_of(answer)) == ["when"]


def test_a_mistake_in_an_expression_is_told_once(page, given, address, close):
    answer = page.post(
        address("listener_add"),
        given
        | {"sender": "generic", "event_expression": "a..b", "when": "created", "macro": close.pk},
    )

    assert list(errors_of(answer)) == ["event_expression"]


def test_several_tickets_are_acted_on_unless_said_otherwise(page, given, address, close):
    page.post(address("listener_add"), given | {"macro": close.pk})
    before = ExternalListener.objects.get().several

    url = address("listener", ExternalListener.objects.get().pk)
    page.post(url, given | {"macro": close.pk, "several": "stop"})

    assert (before, ExternalListener.objects.get().several) == ("all", "stop")
    assert page.get(url).context["layout"].advanced_open()


def test_when_must_be_chosen(page, given, address, close):
    answer = page.post(address("listener_add"), given | {"macro": close.pk, "when": ""})

    assert errors_of(answer) == {"when": ["Choose which requests count."]}


# What is said of it elsewhere


def test_the_card_lists_the_rows(page, whole, address, beta, start):
    whole.status_rows.create(order=1, status="Odd", macro=None)
    content = " ".join(page.get(address("automation")).content.decode().split())

    assert (
        f'<li>Done: macro <a href="{address("macro", whole.macro_id)}">Close ticket</a></li>'
        in content
    )
    assert "<li>Odd: nothing</li>" in content
    assert "Anything else: macro <a" in content
    assert "Never out of Closed." in content


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"type": "comment"}, "Adds the comments of Jira to the ticket, as internal ones."),
        ({"type": "custom_data"}, "Keeps the whole body on the ticket, as “jiraclosed”."),
    ],
)
def test_the_card_says_what_other_types_do(page, beta, address, fields, sentence):
    make_listener(beta, None, **fields)

    assert sentence in page.get(address("automation")).content.decode()


def test_an_address_without_a_placeholder_has_no_find(page, beta, close, address):
    listener = make_listener(beta, close, sender="github")

    content = page.get(address("listener", listener.pk)).content.decode()

    assert "feedbackListeners/jiraclosed?apiKey=prefix-community_API_key" in content
    assert "GitHub names the item in the body." in content


def test_a_macros_page_names_the_listeners_whose_rows_run_it(page, whole, address, start, close):
    whole.status_rows.create(order=1, status="Open", resolution="Late", macro=start)

    content = " ".join(page.get(address("macro", start.pk)).content.decode().split())
    resources = page.get(address("resources"))

    user = "Listener “Jira follows” (its status table: Open / Late)"
    assert f'<a href="{whole.get_absolute_url()}">{user}</a>' in content
    assert {macro.name: used for macro, _, used in resources.context["macros"]} == {
        "Close ticket": [Count(1, "listener")],
        "Start work": [Count(1, "listener")],
    }
