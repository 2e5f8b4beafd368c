"""What the schema says of every operation, so that no view has to."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers


class Refusal(serializers.Serializer):
    """Why a request was refused."""

    status = serializers.CharField(help_text="Always “refused”.")
    reason = serializers.CharField(help_text="A code that never changes.")
    detail = serializers.CharField(help_text="What happened, and what to do.")


PROBLEMS = {
    "type": "object",
    "description": "By the name of each field or parameter what is wrong with it, nested like the "
    "body; “non_field_errors” is about the whole.",
    "additionalProperties": {},
}
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of what you read: if it changed since, nothing is done (412).",
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="A text of your own, new for each request: repeated with it, a request does "
    "nothing and gets its first answer again. Kept for a week.",
)
REFUSALS = {
    "401": "No key that is on, and nobody signed in.",
    "403": "Not allowed.",
    "404": "Nothing there that the caller may see.",
    "405": "Not with this verb.",
    "406": "Not in that format.",
    "409": "In use, or written by somebody else at the same moment.",
    "412": "It changed since it was read.",
    "413": "The body is too large.",
    "415": "The body is of another type than application/json.",
    "422": "The Idempotency-Key came before, with another request.",
    "429": "Too many requests with a wrong key.",
    "503": "Something broke on our side: repeat it in a minute.",
}
BY_METHOD = {
    "GET": ("401", "403", "404", "406", "429", "503"),
    "DELETE": ("401", "403", "404", "406", "409", "412", "429", "503"),
    "POST": ("401", "403", "404", "406", "409", "413", "415", "422", "429", "503"),
    "PUT": ("401", "403", "404", "406", "409", "412", "413", "415", "429", "503"),
    "PATCH": ("401", "403", "404", "406", "409", "412", "413", "415", "429", "503"),
}


class Schema(AutoSchema):
    def get_override_parameters(self) -> list[Any]:
        parameters = [*super().get_override_parameters()]
        if self.method == "POST":
            parameters.append(IDEMPOTENCY_KEY)
        if self.method in ("PUT", "PATCH", "DELETE"):
            parameters.append(IF_MATCH)
        return parameters

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        bodies["400"] = {
            "description": "A body or parameter that is wrong; nothing was done.",
            "content": {"application/json": {"schema": self._problems_or_refusal()}},
        }
        for code in BY_METHOD[self.method]:
            answer = OpenApiResponse(Refusal, REFUSALS[code])
            bodies[code] = self._answer(answer, code)
        return bodies

    def _answer(self, answer: OpenApiResponse, code: str) -> dict[str, Any]:
        get: Any = self._get_response_for_code
        return get(answer, code, ["application/json"])

    def _problems_or_refusal(self) -> dict[str, Any]:
        refusal = self.resolve_serializer(Refusal, "response").ref
        return {"anyOf": [refusal, PROBLEMS]}


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apikeys.authentication.APIKeyAuthentication"
    name = ["bearer", "header"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        return [{"bearer": []}, {"header": []}]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        key = "An API key with the scope “read” or “write”."
        return [
            {"type": "http", "scheme": "bearer", "description": key},
            {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": key},
        ]
