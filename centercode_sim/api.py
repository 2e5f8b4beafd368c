"""Every resource of the REST API, by its name."""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import DefaultRouter

from apikeys import views as apikeys
from automation import views as automation
from feedback import views as feedback
from rest.pages import ReferencePage, ResourcePage

RESOURCES = {
    "projects": feedback.ProjectView,
    "teams": feedback.TeamView,
    "workflows": feedback.WorkflowView,
    "statuses": feedback.StatusView,
    "feedback-types": feedback.FeedbackTypeView,
    "form-fields": feedback.FormFieldView,
    "tags": feedback.TagView,
    "tickets": feedback.TicketView,
    "comments": feedback.CommentView,
    "rank-points": feedback.RankPointsView,
    "person-notes": feedback.PersonNoteView,
    "saved-filters": feedback.SavedFilterView,
    "macros": automation.MacroView,
    "listeners": automation.ListenerView,
    "deliveries": automation.DeliveryView,
    "executions": automation.ExecutionView,
    "outgoing": automation.OutgoingView,
    "api-keys": apikeys.APIKeyView,
    "api-calls": apikeys.APICallView,
}

router = DefaultRouter()
router.trailing_slash = "/?"  # an address without it is no redirect
router.include_format_suffixes = False
for name, view in RESOURCES.items():
    router.register(name, view, basename=name)

urlpatterns = [
    path("v1/", include(router.urls)),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", ReferencePage.as_view(), name="api_docs"),
    path("docs/<slug:name>/", ResourcePage.as_view(), name="api_docs_resource"),
]
