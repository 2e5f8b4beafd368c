"""Variables in the texts of macros: ``{{ event.status_after }}``, in a sandbox.

The language is Jinja's (https://jinja.palletsprojects.com/templates/), less what a text does not
need: no calls, no attributes of objects, no arithmetic; ``for`` once, over a list of up to 1,000.
"""

from __future__ import annotations

from automation.variables.limits import LONGEST_TEXT
from automation.variables.names import KNOWN, PLAIN, shapes
from automation.variables.sandbox import Verbatim
from automation.variables.texts import Words, check, fields_in, fill, names_in

__all__ = [
    "KNOWN",
    "LONGEST_TEXT",
    "PLAIN",
    "Verbatim",
    "Words",
    "check",
    "fields_in",
    "fill",
    "names_in",
    "shapes",
]
