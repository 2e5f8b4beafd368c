"""What outside systems tell about a ticket, and who is told of it here."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import User
from django.db import connection

from access.callers import Caller
from access.rules import seen
from feedback.errors import ContentRefused, OutOfOrder
from feedback.following import follow_comment, follow_deletion, keep_data
from feedback.models import Comment, TicketChange, TicketData
from feedback.services import add_comment, remove_comment
from tests.conftest import make_beta

PAGE = "/admin/projects/beta/ticket/BUG-0001/"


def at(minute):
    return datetime(2026, 1, 1, 12, minute, tzinfo=UTC)


def said(ticket, body, *, exposure="public", did="added", remote_id="9", minute=None):
    told = {
        "system": "jira",
        "remote_id": remote_id,
        "author": "Dana Developer (Jira)",
        "exposure": exposure,
        "actor": "Erin Editor (Jira)",
        "cause": "c0ffee",
        "at": minute if minute is None else at(minute),
    }
    if did == "deleted":
        return follow_deletion(ticket, **told)
    return follow_comment(ticket, body=body, edited=did == "edited", **told)


def story(client):
    """What the ticket's page says, without its forms."""
    page = client.get(PAGE)
    assert page.status_code == 200
    text = page.content.decode()
    return text[text.index("hub-timeline") : text.index("</ol>", text.index("hub-timeline"))]


# Comments


def test_a_public_comment_and_its_edits_are_told_to_everybody(sign_in, cast):
    said(cast.ticket, "First words")
    said(cast.ticket, "Second words", did="edited")

    inside, outside = (story(sign_in(role)) for role in ("manager", "participant"))

    for text in (inside, outside):
        assert "First words" in text
        assert "Second words" in text
    assert "<strong>Dana Developer (Jira)</strong> commented" in inside
    assert "<strong>Erin Editor (Jira)</strong> changed" in inside
    assert "/admin/causes/c0ffee/" in inside
    assert "(Jira)" not in outside
    assert "causes" not in outside


def test_neither_an_internal_comment_nor_its_edits_are_told_to_participants(sign_in, cast):
    said(cast.ticket, "First words", exposure="internal")
    said(cast.ticket, "Second words", did="edited")

    assert "Second words" in story(sign_in("observer"))
    assert "First words" in story(sign_in("observer"))
    assert "words" not in story(sign_in("participant"))
    assert "omment" not in story(sign_in("participant"))


@pytest.mark.parametrize("exposure", ["public", "internal"])
def test_what_was_deleted_is_gone_and_those_inside_are_told_so(sign_in, cast, exposure):
    said(cast.ticket, "First words", exposure=exposure)
    said(cast.ticket, "Second words", did="edited")
    said(cast.ticket, "", did="deleted")

    inside, outside = (story(sign_in(role)) for role in ("support", "participant"))

    assert "words" not in inside + outside
    assert "Comment of Dana Developer (Jira) deleted over there" in inside
    assert "<strong>Erin Editor (Jira)</strong> changed" in inside
    assert "eleted" not in outside


def test_a_comment_that_was_removed_here_was_not_deleted_over_there(sign_in, cast):
    comment = add_comment(cast.ticket, body="Too early.", actor="pam", exposure="public")
    remove_comment(comment, actor="pam")

    inside = story(sign_in("support"))

    assert "Comment removed:" in inside
    assert "Too early.</del>" in inside
    assert "over there" not in inside


def test_a_deletion_is_seen_by_the_same_rule_everywhere(cast):
    said(cast.ticket, "First words")
    said(cast.ticket, "Second words", did="edited")
    said(cast.ticket, "", did="deleted")
    callers = [Caller.of(User.objects.get(username=name)) for name in ("community", "participant")]

    assert [seen(Comment, caller).count() for caller in callers] == [0, 0]
    assert [seen(TicketChange, caller).count() for caller in callers] == [1, 0]


def test_other_changes_are_told_as_ever(cast):
    """The rule of comments looks into JSON of every shape that changes have."""
    kinds = [None, "text", True, 5, ["lens"], {"id": 6, "name": "Closed"}, {"name": "x"}]
    TicketChange.objects.bulk_create(
        TicketChange(ticket=cast.ticket, field=field, before=value, after="x", actor="ada")
        for value in kinds
        for field in ("summary", "team", "comment")
    )
    inside, outside = (
        Caller.of(User.objects.get(username=name)) for name in ("observer", "participant")
    )

    assert seen(TicketChange, inside).filter(field="team").count() == len(kinds)
    assert set(seen(TicketChange, outside).values_list("field", flat=True)) == {"summary"}


def test_an_empty_comment_says_so(sign_in, cast):
    said(cast.ticket, "")

    assert "It has no text." in story(sign_in("participant"))


def test_an_older_text_is_out_of_order(beta):
    said(beta.ticket, "Second", did="edited", minute=5)

    with pytest.raises(OutOfOrder) as order:
        said(beta.ticket, "First", did="edited", minute=1)

    assert (order.value.moment, order.value.newer) == (at(1), at(5))
    assert beta.ticket.comments.get().body == "Second"


def test_a_newer_word_of_the_same_text_makes_what_lies_between_late(beta):
    said(beta.ticket, "Same", minute=1)
    said(beta.ticket, "Same", did="edited", minute=9)

    with pytest.raises(OutOfOrder):
        said(beta.ticket, "Other", did="edited", minute=5)


def test_a_comment_of_ours_is_never_taken_for_one_of_theirs(beta):
    Comment.objects.create(ticket=beta.ticket, body="Ours", actor="ada")

    followed = [said(beta.ticket, "Theirs", remote_id="") for _ in range(2)]

    assert [each.did for each in followed] == ["added", "added"]
    assert Comment.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_at_one_moment_from_many_it_is_one(on_postgres):
    beta = make_beta()
    start = Barrier(8)
    did = []

    def follow(number):
        start.wait()
        did.append(said(beta.ticket, "It melts.", minute=number).did)
        keep_data(beta.ticket, name="jira", content={"a": 1}, actor="Jira", cause="", at=at(1))
        connection.close()

    threads = [Thread(target=follow, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(did) == [""] * 7 + ["added"]
    assert (Comment.objects.count(), TicketData.objects.count()) == (1, 1)


# Custom data


def keep(ticket, content, name="jirafixed", minute=None):
    moment = minute if minute is None else at(minute)
    return keep_data(ticket, name=name, content=content, actor="Jira", cause="c0ffee", at=moment)


def test_a_change_says_in_short_what_differs_and_keeps_the_whole(beta):
    keep(beta.ticket, {"a": 1, "b": {"c": "x"}, "d": [1, 2]})

    change = keep(beta.ticket, {"a": 2, "b": {"c": "y" * 300}, "d": [1], "e": True, "f": None})

    assert change.before == {
        "name": "jirafixed: a 1, b.c x, e empty and 1 more",
        "data": "jirafixed",
        "content": {"a": 1, "b": {"c": "x"}, "d": [1, 2]},
    }
    assert change.after_text.startswith("jirafixed: a 2, b.c yyy")
    assert len(change.after_text) < 200
    assert change.told == "custom data jirafixed kept"


@pytest.mark.parametrize(
    ("before", "after", "texts"),
    [
        ("Low", "High", ("jirafixed: Low", "jirafixed: High")),
        (["a"], [], ("jirafixed: [0] a", "jirafixed: [0] empty")),
        ({"a": None}, {"a": ""}, ("jirafixed", "jirafixed")),
        ({"a": 1}, {"a": True}, ("jirafixed: a 1", "jirafixed: a true")),
        ({"a.b": 1}, {"a.b": 2}, ('jirafixed: "a.b" 1', 'jirafixed: "a.b" 2')),
    ],
)
def test_content_of_any_shape_is_told_in_short(beta, before, after, texts):
    keep(beta.ticket, before)

    change = keep(beta.ticket, after)

    assert (change.before_text, change.after_text) == texts


def test_what_is_kept_by_hand_has_the_same_limits(beta):
    with pytest.raises(ContentRefused, match="65 KiB"):
        keep(beta.ticket, "ü" * 33_000)
    keep(beta.ticket, "ü" * 32_000)


def test_those_inside_see_the_data_on_the_page(sign_in, cast):
    keep(cast.ticket, {"priority": {"name": "<b>High"}, "labels": ["a", "b"], "none": None})

    inside, outside = (
        sign_in(role).get(PAGE).content.decode() for role in ("observer", "participant")
    )

    assert "Custom data" in inside
    assert ">jirafixed.priority.name</a>" in inside
    assert "?custom_data=jirafixed.priority.name%3D%3Cb%3EHigh" in inside
    assert "&lt;b&gt;High" in inside
    assert "jirafixed.labels[1]" in inside
    assert "jirafixed.none" not in inside
    assert "jirafixed" not in outside


def test_the_link_of_a_value_finds_the_ticket(sign_in, cast):
    keep(cast.ticket, {"a b": {"x.y": 'High & "mighty" = 5%'}})
    client = sign_in("observer")
    page = client.get(PAGE)

    (row,) = page.context["data"][0].rows
    found = client.get("/admin/projects/beta/BUG/tickets/", {"custom_data": row.ask})

    assert row.path == 'jirafixed.a b."x.y"'
    assert [ticket.number for ticket in found.context["page_obj"]] == [1]


@pytest.mark.parametrize("value", ["x" * 300, "two\nlines", " spaces "])
def test_what_cannot_be_asked_for_has_no_link(sign_in, cast, value):
    keep(cast.ticket, {"a": value})

    (row,) = sign_in("observer").get(PAGE).context["data"][0].rows

    assert row.ask == ""


def test_of_many_values_a_hundred_are_shown(sign_in, cast):
    keep(cast.ticket, {f"n{number}": number for number in range(101)})

    page = sign_in("observer").get(PAGE)

    (card,) = page.context["data"]
    assert (len(card.rows), card.more, card.open) == (100, True, False)
    assert f"/api/v1/tickets/{cast.ticket.pk}/data" in page.content.decode()


def test_data_cost_one_query_however_many_there_are(sign_in, cast, django_assert_max_num_queries):
    for number in range(9):
        keep(cast.ticket, {"a": number}, name=f"n{number}")
    client = sign_in("observer")
    client.get(PAGE)

    with django_assert_max_num_queries(25):
        assert len(client.get(PAGE).context["data"]) == 9
