"""How the REST API behaves, whatever it is about; knows none of the apps."""

from __future__ import annotations
