from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.db import transaction
from django.test import Client

from tests.permissions.asking import snapshot
from tests.permissions.cast import make_world, places


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """Everybody and everything, made once; each request is taken back."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = make_world()
        made.named = SimpleNamespace(**places(made))
        made.before = snapshot()
        made.client = Client()  # one for all: each begins by listing the static files
        yield made
        transaction.set_rollback(True)
