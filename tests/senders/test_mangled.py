"""Samples and recorded bodies, mangled: whatever a stranger posts, no error and no wrong ticket.

MANGLED_EXAMPLES asks for more examples of each sender than the tests take.
"""

from __future__ import annotations

import copy
import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation import queue, samples
from automation.bodies import FORM
from automation.models import Delivery
from automation.senders import SENDERS
from automation.senders.base import Event, Kind, clean_text
from feedback.services import link_ticket, submit_ticket
from tests.conftest import make_listener

EXAMPLES = int(os.environ.get("MANGLED_EXAMPLES", "25"))
HOME = os.environ.get("PAYLOADS_DIR", "")
FOLDERS = {"azure_devops": "azuredevops"}
OF_SAMPLES = {
    slug: [json.dumps(samples.load(*pair).payload) for pair in samples.known() if pair[0] == slug]
    for slug in SENDERS
}
RECORDED = {
    slug: [
        path.read_text()
        for path in sorted(Path(HOME, FOLDERS.get(slug, slug)).glob("*.json"))
        if HOME
    ]
    for slug in SENDERS
}
JSON_SENDERS = sorted(slug for slug, bodies in OF_SAMPLES.items() if bodies)

DEEP = {f"@{depth}@": "[" * depth + "]" * depth for depth in (60, 300, 5000)}
ODD: list[object] = [
    *(None, True, False, 0, -1, 5, 10**30, 10**400, 1e308, float("nan"), float("-inf")),
    *("", " ", "0", "None", "nan", "\0", "\ud800", "12\0", "x\u2028y", "é", "9" * 400, "x" * 9000),
    *("${issue.key}", "{{issue.key}}", "BUG-0001", "jira:SANDBOX-12", "rally:DE12", "#12", "12"),
    *("SANDBOX-12", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2026-13-45", "<div" * 99),
    *("https://x/rest/api/2/issue/12/comment/5", "https://x/a/-/issues/12", *DEEP),
    *([], {}, [None], [[]], [{}], {"": None}, {"items": {}}, {"0": 1}, {"id": 12}, ["status"]),
    {"value": {"value": {"value": 1}}},
    {"type": "doc", "content": [{"type": "text", "text": 7}, {"type": "date"}, 5]},
]
# Where the senders look: half of all mangling is done there
READ = re.compile(
    r"id|iid|key|number|name|type|action|.*[Ee]vent.*|issue|comment|message|resource|data|state|"
    r"changes|changelog|items|fields|object_.*|user|url|transition|value|old_?[Vv]alue|text|body"
)


def parts_of(value):
    names = value if isinstance(value, dict) else range(len(value)) if is_list(value) else ()
    for name in list(names):
        yield value, name
        yield from parts_of(value[name])


def is_list(value):
    return isinstance(value, list)


def leaves(value):
    return [
        holder[name] for holder, name in parts_of([value]) if not isinstance(holder[name], dict)
    ]


def said_in(body):
    """Every text and number of ``body``, and every name that it uses."""
    names = [name for _, name in parts_of([body]) if isinstance(name, str)]
    plain = [each for each in leaves(body) if not is_list(each)]
    return "\n".join(clean_text(str(each)) for each in [*plain, *names])


def is_said(reference, said):
    """Whether the parts of ``owner/repo#12``, WEB-44 or a plain id are in ``said``."""
    parts = re.split(r"#|!|-(?=[0-9]+$)", reference)
    return all(part in said for part in parts)


@st.composite
def mangled(draw, slug):
    """One of the sender's bodies with some parts dropped, doubled, swapped, cut or replaced."""
    sources = [each[slug] for each in (OF_SAMPLES, RECORDED) if each[slug]]
    body = json.loads(draw(st.sampled_from(draw(st.sampled_from(sources)))))
    for _ in range(draw(st.integers(1, 5))):
        parts = list(parts_of(body))
        if draw(st.booleans()):
            parts = [part for part in parts if READ.fullmatch(str(part[1]))] or parts
        if not parts:
            break
        holder, name = parts[draw(st.integers(0, len(parts) - 1))]
        other_holder, other = parts[draw(st.integers(0, len(parts) - 1))]
        value = holder[name]
        match draw(
            st.sampled_from(["drop", "odd", "odd", "swap", "wrap", "double", "cut", "type"])
        ):
            case "drop":
                del holder[name]
            case "odd":
                holder[name] = copy.deepcopy(draw(st.sampled_from(ODD)))
            case "swap":
                holder[name] = copy.deepcopy(other_holder[other])
            case "wrap":
                holder[name] = draw(st.sampled_from([[value], {"name": value}, {"value": value}]))
            case "double" if is_list(holder):
                holder.append(value)
            case "double":
                holder[f"{name}".upper()] = value
            case "cut":
                holder[name] = str(value)[: draw(st.integers(0, 8))]
            case "type":
                holder[name] = str(value) if isinstance(value, int) else 12
    return draw(st.sampled_from([body, body, body, [body], {"payload": body}]))


def some(factor=1):
    """Few examples, the same ones each time: the run is a test, not a search."""
    return settings(
        max_examples=EXAMPLES * factor,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.parametrize("slug", JSON_SENDERS)
def test_reading_never_raises_and_names_only_what_is_said(slug):
    @some(factor=4)
    @given(body=mangled(slug))
    def reads(body):
        event = SENDERS[slug].read({}, body)

        assert isinstance(event, Event)
        assert set(event.kinds) <= set(Kind.values)
        said = said_in(body)
        assert [each for each in event.references if not is_said(each, said)] == []
        assert "\0" not in "".join(event.references)

    reads()


@pytest.mark.parametrize("slug", JSON_SENDERS)
def test_anything_at_all_is_read(slug):
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )

    @some()
    @given(body=anything | st.sampled_from(ODD))
    def reads(body):
        assert isinstance(SENDERS[slug].read({}, body), Event)

    reads()


CONTENT_TYPES = [
    *["application/json"] * 20,
    *("application/json; charset=utf-8", "application/json; charset=latin-1", "text/json"),
    *("application/json; charset=utf-16", "application/json;charset=nonsense", FORM),
    *("application/cloudevents+json", "application/json; charset", "text/plain", "x"),
]


@st.composite
def posted(draw, slug):
    """(bytes, content type) of a mangled body, on whose way something may have broken too."""
    text = json.dumps(draw(mangled(slug)), ensure_ascii=draw(st.booleans()))
    for mark, deep in DEEP.items():
        text = text.replace(f'"{mark}"', deep)
    encodings = ["utf-8"] * 12 + ["utf-8-sig", "utf-16", "latin-1"]
    raw = bytearray(text.encode(draw(st.sampled_from(encodings)), "replace"))
    match draw(st.sampled_from([*["whole"] * 12, "cut", "byte", "empty"])):
        case "cut":
            del raw[draw(st.integers(0, len(raw))) :]
        case "byte":
            raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
        case "empty":
            raw.clear()
    return bytes(raw), draw(st.sampled_from(CONTENT_TYPES))


DECOYS = ["0", "1", "5", "12", "None", "nan", "True", "x", "#12", "12345", "!1", "sandbox"]


def link_many(beta, system):
    """A ticket for each item of the samples, and for others that a slip would lead to."""
    told = [samples.load(*pair).event["references"] for pair in samples.known() if system in pair]
    for name in {*DECOYS, *(name for names in told for name in names)}:
        ticket = submit_ticket(beta.bugs, summary=name, submitter=beta.ada)
        link_ticket(ticket, actor="ada", system=system or "other", remote_key=name)


@pytest.mark.parametrize("slug", JSON_SENDERS)
def test_at_the_door_there_is_no_crash_and_no_ticket_but_one_that_is_named(
    client, api_key, beta, close, settings, slug
):
    settings.LOOP_LIMIT = 10**6
    listener = make_listener(beta, close, sender=slug)
    link_many(beta, SENDERS[slug].system)
    address = listener.endpoint_path.partition("?")[0]
    reached = set()

    @some()
    @given(request=posted(slug))
    def arrives(request):
        raw, content_type = request
        key = {"X-API-Key": api_key.secret}
        answer = client.generic("POST", address, raw, content_type=content_type, headers=key)
        assert answer.status_code in (200, 400, 415), answer.content
        assert answer.json()["status"] in ("received", "duplicate", "refused")
        queue.settle_all()
        delivery = Delivery.objects.order_by("pk").last()
        assert delivery.status in ("done", "skipped", "refused"), delivery.sentence
        names = {execution.ticket.summary for execution in delivery.executions.all()}
        reached.update(names)
        said = said_in(delivery.payload) if names else ""
        assert [name for name in names if not is_said(name, said)] == []

    arrives()

    assert bool(reached) == bool(SENDERS[slug].system)
