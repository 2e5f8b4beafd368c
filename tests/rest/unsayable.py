"""What a request may be refused for although it is as the schema says.

Schemathesis takes each request that matches the schema for a good one (its check
“positive_data_acceptance”). No schema tells which rows there are, which names are taken, what fits
what, or what changed meanwhile: all that we refuse for such reasons is listed here, word by word.
Tests and bin/fuzz load it as schemathesis' hooks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import schemathesis
from hypothesis.strategies import sampled_from
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData

SENTENCES = re.compile(
    "|".join(
        (
            # What is not there, or not for this caller
            r"There is nothing with the id \d+ here that you may choose\.",
            r"There is no “.*” that you may choose\.",
            r"There is nobody called “.*” whom you may name\.",
            r"There is no such saved filter that you may see\.",
            r"Select a valid choice\. .* is not one of the available choices\.",
            # What is taken
            r"The (project|workflow|type) has a \w+ of this name: choose another\.",
            r"The (project|type) has a \w+ with this (key|label): choose another\.",
            r"The key “.*” is taken by listener “.*” of .*\. Choose another one: .*\.",
            r"The project has this (prefix|tag) already(: choose another)?\.",
            r"This item stands for the ticket already\.",
            r".* with this .* already exists\.",
            # What stays
            r"This cannot be changed any more: make a new one instead\.",
            r"Who submitted a ticket is not changed\.",
            r"Tickets are called .*-… already: it stays .*\.",
            r"This is archived: it is no longer offered\. Choose another one\.",
            r"Project “.*” is archived: nothing new is made in it\.",
            r"Its workflow “.*” is archived\. Choose another one\.",
            r"“.*” is used by .*\. (Archive it instead: .*|Leave it as high as it was\.)",
            # What the form field that a value is for takes
            r"“.*” is none of these: .*",
            r"Enter a number\.",
            r"Write a day such as 2026-11-23\.",
            r"This field takes .*\.",
            r"This is required: give it a value\.",
            r"Ensure that there are no more than \d+ (digits|decimal places).*\.",
            r"Ensure this value has at most (250|10000) characters \(it has \d+\)\.",
            # What does not fit something else in the body
            r"There is no form field “.*” here\..*",
            r"There is no field “.*” to filter by\..*",
            r"Give at least one choice\.",
            r"A field of the kind “.*” has no choices: leave this empty\.",
            r"“.*” stands there twice, or in both lists: keep it once\.",
            r"A choice is one line of text, without space around it\.",
            r"“.*” is one of project “.*”\.",
            r"“.*” is not a (workflow|status) of .*\.",
            r"This is none of project “.*”, where the ticket is\.",
            r"Workflow “.*” has no status that a new ticket could begin with: .*\.",
            r"Name each field once\.",
            r"“.*” stands there twice: a macro does it once\.",
            r".* does not tell that: enter .*, or choose one of .*\.",
            r".* does not tell (a status|comments): .*\.",
            r"There is no status \d+ in this project that is offered\.",
            r"Choose a macro of this feedback type that is offered\.",
            r"Choose a macro, here or in a row of the status table: else nothing runs\.",
            r"Row \d+ \(.*\) is never reached: .*\.",
            r"Enter the status over there, exactly as the tracker calls it\.",
            r"Choose a team, a workflow or a status: all three are left as they are\.",
            r"Choose a tag, or name one\.",
            r"Choose what becomes of the rank points or of the priority score\.",
            r"Say how much\.",
            r"Say whether to add, subtract or set it\.",
            r"“.*” is a team of project managers: .*",
            r"Say what the item is called over there: its key, its id or both\.",
            r"Choose a system or name an item: otherwise every link would go\.",
            r"Choose to whom the mail goes, or enter an address\.",
            r"The macro would run itself: .*",
            r"A secret goes to a fixed host only: .*",
            r"Nothing uses it: write \{\{ secret \}\} where it belongs\.",
            r"Enter what \{\{ secret \}\} stands for: .*",
            r"It is kept for .* alone: .*",
            r"The value of .* would be shown to whoever opens this macro: .*",
            # What follows a grammar of its own
            r"“.*” is no (e-mail address|header|line such as).*",
            r"This is no web address: .*",
            r"There is no variable “.*”\..*",
            r"Line \d+: .*",
            r"Give at most \d+ (addresses|headers)\.",
            r"Keep at most \d+ values\.",
            r"(The header )?.* stands there twice\.",
            r"This is no JMESPath expression: .*\.",
            r"“.*” asks for no custom data\. Write .*\.",
            r"Enter a valid (URL|email address)\.",
            r"“.*” (is not an address or network|has host bits set)\. Write .*\.",
            # What JSON has, but no database keeps, which would need a pattern for every text
            r"The text .* holds a character that no text may have\.",
            r"Null characters are not allowed\.",
        )
    ),
    re.DOTALL,
)
# In its phase “coverage” schemathesis puts only letters and digits into headers of other formats.
schemathesis.openapi.format("etag", sampled_from(["*", '"0a1b"', 'W/"0a1b", "2c3d"']))

BY_HEADER = {412: "If-Match", 422: "Idempotency-Key"}


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Whether it is one indeed."""
    if isinstance(failure, RejectedPositiveData):
        return not is_unsayable(response)
    # 412 refuses too, as HTTP has it before the body is looked at; schemathesis does not count it.
    stale = response.status_code == 412 and "If-Match" in response.request.headers
    return not (isinstance(failure, AcceptedNegativeData) and stale)


def is_unsayable(response: Any) -> bool:
    if header := BY_HEADER.get(response.status_code):
        return header in response.request.headers
    if response.status_code != 400:
        return False
    problems = json.loads(response.content)
    return all(map(SENTENCES.fullmatch, texts(problems.get("detail", problems))))


def texts(problems: Any) -> Iterator[str]:
    if isinstance(problems, str):
        yield problems
    else:
        for inner in problems.values() if isinstance(problems, dict) else problems:
            yield from texts(inner)
