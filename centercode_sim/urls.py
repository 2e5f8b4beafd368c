from __future__ import annotations

from django.contrib import admin
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.generic import RedirectView

from automation.urls import pages as automation_pages


def healthz(request: HttpRequest) -> JsonResponse:
    try:
        connection.cursor().execute("SELECT 1")
    except Error:
        return JsonResponse({"status": "database unreachable"}, status=503)
    return JsonResponse({"status": "ok"})


urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("healthz", healthz),
    path("admin/", include("feedback.urls")),
    path("admin/", include(automation_pages)),
    path("admin/", admin.site.urls),
    path("", include("automation.urls")),
    path("api/", include("centercode_sim.api")),
]

handler400 = "centercode_sim.errors.bad_request"
handler403 = "centercode_sim.errors.permission_denied"
handler404 = "centercode_sim.errors.page_not_found"
handler500 = "centercode_sim.errors.server_error"
