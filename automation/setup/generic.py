"""Anything that can POST: the address of DESIGN's door, as curl calls it."""

from __future__ import annotations

import shlex
from operator import attrgetter

from automation.setup.base import Facts, Field, Step, Way, signed, unsigned

BODY = '{"status": "Done"}'
SECRET = "SECRET_OF_THE_LISTENER"


def example_url(facts: Facts) -> str:
    return facts.address if facts.names_itself else f"{facts.address}?find={facts.prefix}-0001"


def command(facts: Facts) -> str:
    return (
        f"curl -X POST {shlex.quote(example_url(facts))} \\\n"
        f"  -H {shlex.quote(f'X-API-Key: {facts.key}')} \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(BODY)}"
    )


def signed_command(facts: Facts) -> str:
    """The signature is the HMAC of the very bytes of the body."""
    return (
        f"secret={shlex.quote(facts.secret or SECRET)}\n"
        f"body={shlex.quote(BODY)}\n"
        'signature=$(printf %s "$body" | openssl dgst -sha256 -hmac "$secret" | sed \'s/^.* //\')\n'
        f"curl -X POST {shlex.quote(example_url(facts))} \\\n"
        f"  -H {shlex.quote(f'X-API-Key: {facts.key}')} \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        f'  -H "{facts.header}: sha256=$signature" \\\n'
        '  -d "$body"'
    )


POST = Way(
    slug="post",
    name="POST request",
    choose="From a script, a pipeline, or any system with outgoing webhooks.",
    who="whoever administers that system",
    source="https://curl.se/docs/manpage.html",
    whose="curl",
    steps=(
        Step(
            "Try it in a terminal first.",
            fields=(
                Field("Command", command, only=unsigned),
                Field("Commands", signed_command, only=signed),
            ),
            note="The answer is 200 with the request's id. What came of it appears here.",
        ),
        Step(
            "Let your system send the same.",
            fields=(
                Field("Method", choose="POST"),
                Field(
                    "URL",
                    attrgetter("url"),
                    note="Put the ticket's id, or the key of a linked item, in place of VALUE.",
                    only=lambda facts: not facts.names_itself,
                ),
                Field(
                    "URL",
                    attrgetter("url"),
                    note="The listener reads from the body which ticket it is.",
                    only=attrgetter("names_itself"),
                ),
                Field(
                    "Header X-API-Key",
                    attrgetter("key"),
                    note="Or apiKey= in the URL: one is enough.",
                ),
                Field(
                    "Header Content-Type",
                    "application/json",
                    note="A form, XML or no body is read, too.",
                ),
                Field(
                    "Header Idempotency-Key",
                    choose="a new one for each event, if you have one",
                    note="With it a request that is sent again counts once.",
                ),
                Field(
                    "Header for the signature",
                    lambda facts: f"{facts.header}: sha256=…",
                    note="The HMAC-SHA256 of the body with the secret, in hexadecimal digits.",
                    only=signed,
                ),
            ),
        ),
    ),
)

WAYS = (POST,)
