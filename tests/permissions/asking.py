"""Asks as somebody, takes back what came of it, and says what that was."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

from django.apps import apps
from django.db import connection, transaction

from automation.reasons import DeliveryStatus
from tests.permissions.roles import KEYS

OURS = ("rest", "apikeys", "feedback", "automation", "auth", "admin")
NOTED = {"apikeys_apicall", "django_session"}  # which requests came, and who is signed in
WRITES = re.compile(r'(?:INSERT INTO|UPDATE|DELETE FROM) "(\w+)"')


def snapshot():
    """All that our models keep, but for the notes of refused requests."""
    return {
        model._meta.label: sorted(
            repr(row)
            for row in model._base_manager.values()
            if row.get("status") != DeliveryStatus.REFUSED
        )
        for app in OURS
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
        if model._meta.db_table not in NOTED
    }


def ask(world, role, method, path, body=None, accept="*/*"):
    """The answer to ``role``: code, text in small letters, where to; and what was written.

    What was asked is struck out of the text: that it is told again betrays nothing.
    """
    client = world.client
    client.cookies.clear()
    headers = {"Accept": accept}
    if role in world.sessions:
        client.cookies["sessionid"] = world.sessions[role]
    elif role in KEYS:
        headers["Authorization"] = f"Bearer {world.keys[role].secret}"
    options = {"data": body or {}}
    if path.startswith("/api/v1/"):
        options = {"data": json.dumps(body or {}), "content_type": "application/json"}
    if method == "GET":
        options = {}
    written = set()
    with transaction.atomic():
        with connection.execute_wrapper(_noting(written)):
            answer = getattr(client, method.lower())(path, headers=headers, **options)
            text = answer.getvalue().decode()
        changed = bool(written) and snapshot() != world.before
        transaction.set_rollback(True)
    for value in (body or {}).values():
        text = text.replace(value, "") if isinstance(value, str) and value else text
    return SimpleNamespace(
        code=answer.status_code,
        text=text.lower(),
        to=answer.get("Location", ""),
        written=written,
        changed=changed,
    )


def _noting(written):
    """Notes in ``written`` the tables that are written to."""

    def execute(execute, sql, params, many, context):
        found = WRITES.match(sql)
        if found and found[1] not in NOTED:
            written.add(found[1])
        return execute(sql, params, many, context)

    return execute
