from __future__ import annotations

from django.urls import path

from feedback.field_pages import FieldAddPage, FieldPage, FieldsPage
from feedback.filter_pages import SavedFilterPage, SavedFiltersPage, SaveFilterPage
from feedback.filter_version_page import FilterVersionsPage
from feedback.imports.export import ExportPage
from feedback.imports.pages import ImportLinksPage, ImportTicketsPage
from feedback.person_page import PersonPage
from feedback.project_pages import ProjectHome, ProjectSettings
from feedback.ticket_list import TicketsPage
from feedback.ticket_pages import SubmitTicketPage, TicketPage

project = "projects/<slug:project_key>/"
feedback_type = project + "<slug:prefix>/"

urlpatterns = [
    path(project, ProjectHome.as_view(), name="project_home"),
    path(project + "settings/", ProjectSettings.as_view(), name="project_settings"),
    path(project + "ticket/<slug:ref>/", TicketPage.as_view(), name="ticket"),
    path(project + "people/<int:pk>/", PersonPage.as_view(), name="person"),
    path(feedback_type + "tickets/", TicketsPage.as_view(), name="tickets"),
    path(project + "import-links/", ImportLinksPage.as_view(), name="import_links"),
    path(feedback_type + "import/", ImportTicketsPage.as_view(), name="import_tickets"),
    path(feedback_type + "export/", ExportPage.as_view(), name="export_tickets"),
    path(feedback_type + "submit/", SubmitTicketPage.as_view(), name="submit_ticket"),
    path(feedback_type + "fields/", FieldsPage.as_view(), name="form_fields"),
    path(feedback_type + "fields/add/", FieldAddPage.as_view(), name="form_field_add"),
    path(feedback_type + "fields/<int:pk>/", FieldPage.as_view(), name="form_field"),
    path(feedback_type + "filters/", SavedFiltersPage.as_view(), name="filters"),
    path(feedback_type + "filters/save/", SaveFilterPage.as_view(), name="save_filter"),
    path(feedback_type + "filters/<int:pk>/", SavedFilterPage.as_view(), name="saved_filter"),
    path(
        feedback_type + "filters/<int:pk>/versions/",
        FilterVersionsPage.as_view(),
        name="saved_filter_versions",
    ),
]
