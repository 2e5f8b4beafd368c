"""Under /api/ an error is JSON: a tracker shows its administrator what it was answered."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views import defaults

LISTENER = "Nothing lives at this address. Copy the listener's API Endpoint URL again."
RESOURCE = "Nothing lives at this address. GET /api/v1/ lists what there is; see also /api/docs/."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if for_people(request):
        return defaults.bad_request(request, exception)
    detail = "The request cannot be served as it is: look at its address, host name and headers."
    return refusal(HTTPStatus.BAD_REQUEST, "bad_request", detail)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if for_people(request):
        return in_shell(request, HTTPStatus.FORBIDDEN) or defaults.permission_denied(
            request, exception
        )
    return refusal(HTTPStatus.FORBIDDEN, "forbidden", "You may not do this here.")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if for_people(request):
        return in_shell(request, HTTPStatus.NOT_FOUND) or defaults.page_not_found(
            request, exception
        )
    detail = LISTENER if "feedbacklistener" in request.path_info.lower() else RESOURCE
    return refusal(HTTPStatus.NOT_FOUND, "not_found", detail)


def server_error(request: HttpRequest) -> HttpResponse:
    if for_people(request):
        return defaults.server_error(request)
    detail = "Something broke on our side. Send the request again in a minute."
    answer = refusal(HTTPStatus.SERVICE_UNAVAILABLE, "crashed", detail)
    answer["Retry-After"] = "60"
    return answer


def in_shell(request: HttpRequest, status: HTTPStatus) -> HttpResponse | None:
    """The page with the menu, for whoever is signed in and so has one."""
    if not (hasattr(request, "user") and request.user.is_authenticated):
        return None
    context = admin.site.each_context(request) | {"shell": "hub/page.html"}
    return render(request, f"{status.value}.html", context, status=status)


def for_people(request: HttpRequest) -> bool:
    return not request.path_info.startswith("/api/")


def refusal(status: HTTPStatus, reason: str, detail: str) -> JsonResponse:
    return JsonResponse({"status": "refused", "reason": reason, "detail": detail}, status=status)
