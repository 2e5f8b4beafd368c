"""Every saved change of a filter is kept, compared and restored."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.urls import reverse

from feedback.models import SavedFilter, Status
from feedback.saved_filters import restore_filter, save_filter
from feedback.versions import compared, versions_of


@pytest.fixture
def saved(beta):
    """A filter with two versions."""
    groups = [{"status": [beta.new.pk]}, {"search": ["lens"]}]
    saved = save_filter(
        SavedFilter(feedback_type=beta.bugs, name="New ones", groups=groups), actor="pam"
    )
    saved.groups = [{"status": [beta.open.pk, beta.new.pk]}]
    return save_filter(saved, actor="root")


@pytest.fixture
def page(client, beta):
    pam = User.objects.create_user("pam")
    beta.managers.members.add(pam)
    client.force_login(pam)
    return client


def kept(saved):
    return list(versions_of(saved).order_by("number").values_list("number", "actor"))


def address(saved, name="saved_filter_versions"):
    return reverse(name, args=["beta", "BUG", saved.pk])


def test_a_version_says_in_sentences_what_the_filter_was(saved):
    second, first = versions_of(saved)

    assert first.lines == ["Name: New ones", "Group: Status is New", "Group: Text contains lens"]
    assert [line.text for line in compared(first.lines, second.lines) if line.sign == " "] == [
        "Name: New ones"
    ]
    assert kept(saved) == [(1, "pam"), (2, "root")]


def test_a_filter_goes_back_to_what_it_was(saved, beta):
    first = versions_of(saved).get(number=1)

    again = restore_filter(saved, first, actor="sam")

    assert again.groups == [{"status": [beta.new.pk]}, {"search": ["lens"]}]
    assert again.version.content == first.content
    assert [use.status for use in again.uses.all()] == [beta.new]
    assert kept(saved)[2:] == [(3, "sam")]


def test_a_filter_does_not_go_back_to_what_is_gone(saved, beta):
    parked = Status.objects.create(workflow=beta.workflow, name="Parked", order=9)
    saved.groups = [{"status": [parked.pk]}]
    third = save_filter(saved).version
    saved.groups = [{"status": [beta.new.pk]}]
    save_filter(saved)
    parked.delete()

    with pytest.raises(ValidationError, match="Status"):
        restore_filter(saved, third, actor="pam")


def test_every_button_of_the_page_that_changes_the_filter_makes_a_version(page, saved):
    url = address(saved, "saved_filter")
    page.post(url, {"action": "rename", "name": "Others"})
    page.post(url, {"action": "archive"})
    save = reverse("save_filter", args=["beta", "BUG"])
    page.post(f"{save}?search=cap&saving={saved.pk}&group=1")
    page.post(f"{save}?search=hot", {"name": "Hot"})
    page.post(url, {"action": "remove_group", "group": "0"})

    assert kept(saved)[2:] == [(number, "pam") for number in (3, 4, 5, 6)]
    third, fourth = versions_of(saved).filter(number__in=[3, 4]).order_by("number")
    assert third.lines[0] == "Name: Others"
    assert "Archived: yes" in fourth.lines
    assert kept(SavedFilter.objects.get(name="Hot")) == [(1, "pam")]


def test_its_page_goes_back(page, saved):
    assert f'href="{address(saved)}"' in page.get(address(saved, "saved_filter")).content.decode()

    page.post(address(saved), {"restore": "1"})

    assert [each.restores for each in versions_of(saved)] == [1, None, None]
    assert "went back to version 1" in page.get(address(saved)).content.decode()


def test_programs_make_versions_and_read_them(page, saved):
    url = f"/api/v1/saved-filters/{saved.pk}/"
    page.patch(url, {"name": "Named"}, content_type="application/json")
    page.patch(url, json.dumps({"groups": [{"search": "hot"}]}), content_type="application/json")

    assert kept(saved)[2:] == [(3, "pam"), (4, "pam")]
    results = page.get(f"{url}versions/").json()["results"]
    assert [each["number"] for each in results] == [4, 3, 2, 1]
    assert page.get(f"{url}versions/", {"nonsense": 1}).status_code == 400


def test_who_only_reads_filters_does_not_read_their_versions(client, saved, beta):
    sam = User.objects.create_user("sam")
    beta.support.members.add(sam)
    client.force_login(sam)

    assert client.get(f"/api/v1/saved-filters/{saved.pk}/").status_code == 200
    assert client.get(f"/api/v1/saved-filters/{saved.pk}/versions/").status_code == 403
    assert client.get(address(saved)).status_code == 404
