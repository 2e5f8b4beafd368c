"""Whatever a stranger puts into an address, no page answers 5xx."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from django.contrib.auth.models import User
from django.urls import get_resolver, reverse

from automation import queue
from automation.models import Delivery, Execution
from feedback.models import SavedFilter
from feedback.saved_filters import save_filter

STRANGE = [
    "%00",
    "%ED%A0%80",
    "99999999999999999999999",
    "-1",
    "'\"<",
    "x" * 3000,
    "5" * 5000,
    "¼",
    "٣",
]
PARAMS = {
    "tickets": [
        *("page", "order", "filter", "saving", "group", "count"),
        *("search", "status", "status__not", "submitter"),
    ],
    "save_filter": ["saving", "group", "tags", "created_after", "blocking__not", "submitter_email"],
    "listener_log": ["status", "reason", "find", "newer", "older"],
    "api_key_log": ["status", "reason", "find", "newer", "older"],
    "ticket": ["all", "edit", "link"],
    "search": ["s", "extended"],
    "auth_user": ["q", "o", "p", "e", "teams__project__id__exact"],
    "feedback_team": ["q", "project__id__exact"],
}


@pytest.fixture
def addresses(beta, listener, api_key, post):
    """One of each page of ours, and the lists of the admin."""
    post(listener, find="BUG-0001")
    queue.settle_all()
    known = {
        "project_key": "beta",
        "prefix": "BUG",
        "ref": "BUG-0001",
        "public_id": Delivery.objects.get().public_id,
    }
    ids = {"macro": listener.macro.pk, "listener": listener.pk, "api_key_log": api_key.row.pk}
    found = {}
    for name, parameters in own_pages():
        kwargs = {
            each: known.get(each, ids.get(name, ids.get(name.split("_")[0], 1)))
            for each in parameters
        }
        if name == "cause":
            kwargs["public_id"] = Execution.objects.get().public_id
        found[name] = reverse(name, kwargs=kwargs)
    lists = ("feedback_project", "feedback_team", "auth_user", "apikeys_apikey")
    found |= {name: reverse(f"admin:{name}_changelist") for name in lists}
    return found | {"search": reverse("admin:search"), "index": reverse("admin:index")}


def own_pages():
    resolver = get_resolver()
    for name in filter(lambda name: isinstance(name, str), resolver.reverse_dict):
        _, pattern, _, converters = resolver.reverse_dict.getlist(name)[0]
        if pattern.startswith("admin/"):
            yield name, list(converters)


@pytest.mark.parametrize("strange", STRANGE, ids=lambda text: text[:12])
def test_no_page_breaks_over_a_strange_address(addresses, client, strange):
    client.force_login(User.objects.create_superuser("root"))

    codes = {}
    for name, address in addresses.items():
        queries = [f"{parameter}={strange}" for parameter in PARAMS.get(name, [])]
        for url in (
            address.replace("beta", strange[:200]),
            *(f"{address}?{query}" for query in ["&".join(queries), *queries]),
        ):
            codes[name, url[:90]] = client.get(url).status_code

    assert {place: code for place, code in codes.items() if code >= 500} == {}


@pytest.mark.parametrize("strange", STRANGE, ids=lambda text: text[:12])
def test_no_form_breaks_over_a_strange_number(addresses, beta, client, strange):
    client.force_login(User.objects.create_superuser("root"))
    row = SavedFilter(feedback_type=beta.bugs, name="Lens", groups=[{"search": "lens"}])
    saved = save_filter(row).pk
    save, number = addresses["save_filter"], unquote(strange, errors="replace")

    answers = [
        client.post(f"{save}?search=lens&saving={strange}&group=0"),
        client.post(f"{save}?search=lens&saving={saved}&group={strange}"),
        client.post(save + "?search=lens", {"existing": number}),
        client.post(row.get_absolute_url(), {"action": "remove_group", "group": number}),
        client.post(addresses["ticket"], {"action": "unlink", "link": number}),
    ]

    assert [answer.status_code for answer in answers if answer.status_code >= 500] == []


@pytest.mark.parametrize("strange", STRANGE, ids=lambda text: text[:12])
def test_the_door_never_breaks_over_a_strange_address(listener, api_key, client, strange):
    base = "/api/v1/projects/beta/feedbackListeners"

    answers = [
        client.post(address, content_type="application/json", headers={"X-API-Key": api_key.secret})
        for address in (
            f"/api/v1/projects/{strange}/feedbackListeners/jiraclosed",
            f"{base}/{strange}",
            f"{base}/jiraclosed?find={strange}",
            f"{base}/jiraclosed?{strange}={strange}&find=BUG-1",
        )
    ]
    queue.settle_all()

    assert [answer.status_code for answer in answers] == [404, 404, 200, 200]
    assert not Delivery.objects.unsettled().exists()
