from __future__ import annotations

import json
from io import BytesIO
from itertools import pairwise

import pytest

from centercode_sim.management.commands.up import WEB
from centercode_sim.wsgi import application
from tests.installation import PROCFILE


@pytest.mark.parametrize("charset", ["hex", "undefined", "utf-16", "utf-8"])
@pytest.mark.parametrize("query", ["find=BUG-0001", "&".join(f"p{n}=1" for n in range(1001))])
@pytest.mark.django_db(transaction=True)
def test_no_charset_and_no_query_breaks_the_door(charset, query):
    answered = []
    environ = {
        "REQUEST_METHOD": "POST",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(b""),
        "PATH_INFO": "/api/v1/projects/beta/feedbackListeners/jiraclosed",
        "QUERY_STRING": query,
        "CONTENT_TYPE": f"application/json; charset={charset}",
    }

    body = b"".join(application(environ, lambda status, headers: answered.append(status)))

    assert answered == ["401 Unauthorized"]
    assert json.loads(body)["status"] == "refused"


def test_the_web_server_speaks_http_1_alone():
    """Over HTTP/2 a body needs no length, and Django would read none."""
    from_procfile = PROCFILE["web"].partition("--http ")[2].split()[0]
    embedded = dict(pairwise(WEB))["--http"]

    assert (from_procfile, embedded) == ("1", "1")
