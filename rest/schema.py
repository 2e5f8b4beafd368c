"""What the schema says of every operation, so that no view has to."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from rest.fields import MOST, NOT_BLANK, RowField

SUMMARIES = {
    "list": "List the {many}",
    "retrieve": "Show {a} {one}",
    "create": "Make {a} {one}",
    "update": "Replace {a} {one}",
    "partial_update": "Change {a} {one}",
    "destroy": "Delete {a} {one}",
}


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
    {
        "type": "string",
        "format": "etag",
        "pattern": r'^(\*|(W/)?"[!#-+\--~]*"(, ?(W/)?"[!#-+\--~]*")*)$',
    },
    OpenApiParameter.HEADER,
    examples=[OpenApiExample("Whatever it is now", "*")],
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
    "DELETE": ("401", "403", "404", "406", "409", "429", "503"),
    "POST": ("401", "403", "404", "406", "409", "413", "415", "422", "429", "503"),
    "PUT": ("401", "403", "404", "406", "409", "413", "415", "429", "503"),
    "PATCH": ("401", "403", "404", "406", "409", "413", "415", "429", "503"),
}


class Schema(AutoSchema):
    view: Any

    def get_operation_id(self) -> str:
        return f"{self.view.basename}_{self.view.action}".replace("-", "_")

    def get_summary(self) -> str:
        known = SUMMARIES.get(self.view.action)
        if known is None:
            return self.get_description().partition(".")[0]
        name = str(self.view.model._meta.verbose_name)
        article = "an" if name[0].lower() in "aeiou" else "a"
        return known.format(a=article, one=name, many=self.view.model._meta.verbose_name_plural)

    def get_override_parameters(self) -> list[Any]:
        parameters = [*super().get_override_parameters()]
        if self.method == "POST" and self.view.action not in self.view.without_effect:
            parameters.append(IDEMPOTENCY_KEY)
        if self._takes_if_match():
            parameters.append(IF_MATCH)
        return parameters

    def _takes_if_match(self) -> bool:
        return self.view.action in ("update", "partial_update", "destroy", "restore")

    def _get_filter_parameters(self) -> list[dict[str, Any]]:
        get: Any = super()._get_filter_parameters
        parameters = get()
        for parameter in parameters:
            value = parameter["schema"].get("items", parameter["schema"])
            if value["type"] == "string" and not value.keys() & {"enum", "format"}:
                value |= NOT_BLANK | self._longest(parameter["name"])
        return parameters

    def _longest(self, name: str) -> dict[str, int]:
        most = self.view.filterset_class.base_filters[name].extra.get("max_length")
        return {"maxLength": most} if most else {}

    def _get_request_for_media_type(
        self, serializer: Any, direction: Any = "request"
    ) -> tuple[Any, bool]:
        get: Any = super()._get_request_for_media_type
        schema, _ = get(serializer, direction)
        needed = self.method != "PATCH" and not getattr(serializer, "may_be_left_out", False)
        return schema, bool(schema) and needed

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> dict[str, Any]:
        """With what no single field says: other names are refused, and rules between names."""
        get: Any = super()._map_basic_serializer
        schema = get(serializer, direction)
        if direction == "request":
            schema["additionalProperties"] = False
            schema |= getattr(serializer, "also", {})
        return schema

    def _map_serializer_field(
        self, field: Any, direction: Any, bypass_extensions: bool = False
    ) -> Any:
        get: Any = super()._map_serializer_field
        schema = get(field, direction, bypass_extensions)
        if direction == "request" and isinstance(field, RowField):
            schema |= {"minimum": 1, "maximum": MOST}
        if _is_never_blank(field) and direction == "request" and "pattern" not in schema:
            schema |= NOT_BLANK
        if direction == "request" and not getattr(field, "allow_empty", True):
            schema["minItems"] = 1
        most = getattr(field, "max_length", None)
        if isinstance(field, serializers.ListSerializer) and most:
            schema["maxItems"] = most
        return schema

    def _get_examples(
        self,
        serializer: Any,
        direction: Any,
        media_type: Any,
        status_code: Any = None,
        extras: Any = None,
    ) -> Any:
        """A request's example stands in its serializer, as ``example``."""
        example = getattr(serializer, "example", None)
        if direction == "request" and example:
            if self.method == "PATCH":
                kept = {"project", *serializer.fixed}
                example = {name: value for name, value in example.items() if name not in kept}
            extras = [*(extras or []), OpenApiExample("Such as", example)]
        get: Any = super()._get_examples
        return get(serializer, direction, media_type, status_code, extras)

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        bodies["400"] = {
            "description": "A body or parameter that is wrong; nothing was done.",
            "content": {"application/json": {"schema": self._problems_or_refusal()}},
        }
        stale = ("412",) if self._takes_if_match() else ()
        for code in sorted({*BY_METHOD[self.method], *stale}):
            answer = OpenApiResponse(Refusal, REFUSALS[code])
            bodies[code] = self._answer(answer, code)
        return bodies

    def _answer(self, answer: OpenApiResponse, code: str) -> dict[str, Any]:
        get: Any = self._get_response_for_code
        return get(answer, code, ["application/json"])

    def _problems_or_refusal(self) -> dict[str, Any]:
        refusal = self.resolve_serializer(Refusal, "response").ref
        return {"anyOf": [refusal, PROBLEMS]}


def _is_never_blank(field: Any) -> bool:
    text = isinstance(field, serializers.CharField)
    return text and not field.allow_blank and field.trim_whitespace


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
