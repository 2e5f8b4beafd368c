"""Every refusal of the API in one of two shapes.

What is wrong with a body or a parameter: ``{"name": ["Sentence."], …}``, nested like the body.
Everything else: ``{"status": "refused", "reason": "code", "detail": "Sentence."}``.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError, OperationalError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

NO_SUCH = "There is nothing here that you may see. Look at the id, and at whose key it is."
UNKNOWN = "Send an API key that is on as “Authorization: Bearer …”, or sign in."


class InUse(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "in_use"


class Conflict(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"
    default_detail = "Somebody else wrote the same at the same moment. Look again, and repeat it."


class Busy(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "not_stored"
    default_detail = "The database is busy or away: nothing was done. Repeat it in a minute."
    wait = 60  # seconds, as Retry-After


class ChangedMeanwhile(exceptions.APIException):
    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "changed_meanwhile"
    default_detail = (
        "This is no longer what “If-Match” names: somebody changed it. Read it again, look at what "
        "changed, and repeat your change with the new ETag."
    )


class KeyReused(exceptions.APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"
    default_detail = (
        "This “Idempotency-Key” came before, with another request. Use a new one for each request."
    )


def answer_to(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's ``EXCEPTION_HANDLER``; None for what is a bug."""
    error = _as_api_error(error)
    response = exception_handler(error, context)
    if response is None or not isinstance(error, exceptions.APIException):
        return response
    if isinstance(error, exceptions.ValidationError):
        if not isinstance(response.data, dict):
            response.data = {api_settings.NON_FIELD_ERRORS_KEY: response.data}
        return response
    codes = error.get_codes()
    reason = codes if isinstance(codes, str) else error.default_code
    response.data = {"status": "refused", "reason": reason, "detail": str(error.detail)}
    return response


def _as_api_error(error: Exception) -> Exception:
    if isinstance(error, DjangoValidationError):
        return exceptions.ValidationError(by_field(error))
    if isinstance(error, Http404):
        return exceptions.NotFound(NO_SUCH)
    if isinstance(error, exceptions.NotAuthenticated):
        return exceptions.NotAuthenticated(UNKNOWN, "key_missing")
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied(str(error) or None)
    if isinstance(error, OperationalError):
        return Busy()
    return Conflict() if isinstance(error, IntegrityError) else error


def by_field(error: DjangoValidationError) -> dict[str, Any]:
    """Django's errors under the names that the body has for them."""
    if not hasattr(error, "error_dict"):
        return {api_settings.NON_FIELD_ERRORS_KEY: error.messages}
    found: dict[str, list[str]] = defaultdict(list)
    for name, problems in error.error_dict.items():
        for problem in problems:
            found[_place(name, problem)] += problem.messages
    return dict(found)


def _place(name: str, problem: DjangoValidationError) -> str:
    """A constraint's error says by its code, such as “name_taken”, which field it is about."""
    if name != NON_FIELD_ERRORS:
        return name
    field, taken, _ = (problem.code or "").partition("_taken")
    return field if taken else api_settings.NON_FIELD_ERRORS_KEY
