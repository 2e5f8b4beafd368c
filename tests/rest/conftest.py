from __future__ import annotations

import json

import pytest

from tests.conftest import make_key


@pytest.fixture
def key(db):
    """A key that may read and write everything by REST."""
    return make_key(name="Scripts", prefix="scripts", scopes=["read", "write"])


@pytest.fixture
def call(client, key):
    """Call the API with that key, or another; the answer is read into ``json``."""

    def call(method, path, body=None, *, secret=None, headers=None, raw=None, **query):
        data = raw if raw is not None else b"" if body is None else json.dumps(body)
        return client.generic(
            method,
            f"/api/v1/{path}",
            data,
            content_type="application/json",
            headers={"Authorization": f"Bearer {secret or key.secret}"} | (headers or {}),
            query_params=query,
        )

    return call
