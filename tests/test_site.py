from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType

from feedback.models import Ticket


def test_no_address_leads_from_a_rows_number_to_its_page(beta, client):
    client.force_login(User.objects.create_user("stranger"))
    kind = ContentType.objects.get_for_model(Ticket)

    answer = client.get(f"/admin/r/{kind.pk}/{beta.ticket.pk}/")

    assert answer.status_code == 404


@pytest.mark.parametrize("address", ["/admin/login/", "/static/favicon.svg", "/static/hub.css"])
def test_whoever_is_not_signed_in_sees_the_way_in_and_its_looks(db, client, address):
    answer = client.get(address)
    answer.close()

    assert answer.status_code == 200
