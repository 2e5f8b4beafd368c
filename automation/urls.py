from __future__ import annotations

from django.urls import path, re_path

from automation.bulk_pages import BulkAddPage, BulkRunPage, BulkUndoPage
from automation.call_pages import KeyCallsPage, RefusedCallsPage
from automation.deleted_pages import DeletedPage
from automation.delivery_page import CauseView, DeliveryPage
from automation.door import ListenView
from automation.hand_over_page import HandOverPage
from automation.listener_pages import (
    AutomationPage,
    ListenerAddPage,
    ListenerDeletePage,
    ListenerPage,
    ListenerSwitchPage,
    ListenerTrialPage,
)
from automation.log_pages import CommunityToolsPage, KeyLogPage, ListenerLogPage, RefusedLogPage
from automation.macro_pages import (
    MacroAddPage,
    MacroDeletePage,
    MacroPage,
    ResourcesPage,
    TextPreviewView,
    VariablesView,
)
from automation.outbox_pages import OutboxPage, OutgoingPage
from automation.rehearsal_pages import RehearseDaysPage
from automation.rules_pages import ClonePage, NewFromFilePage, RulesDownload, RulesPage
from automation.run_log import RunLogPage
from automation.run_pages import RunMacroPage, RunPage, UndoRunPage
from automation.setup_pages import HandOverAddView, HandOverRevokeView, LightView, SetupPage
from automation.start_pages import (
    ScheduleDeletePage,
    SchedulePage,
    ScheduleSwitchPage,
    StartsPage,
    TriggerDeletePage,
    TriggerPage,
    TriggerSwitchPage,
)
from automation.switch_pages import ListenerGoOnPage, PauseAllPage, PausePage
from automation.version_pages import ListenerVersionsPage, MacroVersionsPage

listen = ListenView.as_view()

urlpatterns = [
    path("hand-over/", HandOverPage.as_view(), name="hand_over"),
    path(
        "api/v1/projects/<str:project_key>/feedbackListeners/<str:listener_key>",
        listen,
        name="listen",
    ),
    re_path(  # with a trailing slash, or in another letter case
        r"^api/v1/projects/(?P<project_key>[^/]+)/(?P<word>(?i:feedbackListeners))"
        r"/(?P<listener_key>[^/]+)/?$",
        listen,
    ),
]

_type = "projects/<slug:project_key>/<slug:prefix>/"
pages = [
    path(_type + "resources/", ResourcesPage.as_view(), name="resources"),
    path(_type + "resources/deleted/", DeletedPage.as_view(), name="deleted"),
    path(_type + "macros/add/", MacroAddPage.as_view(), name="macro_add"),
    path(_type + "macros/variables/", VariablesView.as_view(), name="variables"),
    path(_type + "macros/preview/", TextPreviewView.as_view(), name="text_preview"),
    path(_type + "macros/<int:pk>/", MacroPage.as_view(), name="macro"),
    path(_type + "macros/<int:pk>/delete/", MacroDeletePage.as_view(), name="macro_delete"),
    path(_type + "macros/<int:pk>/versions/", MacroVersionsPage.as_view(), name="macro_versions"),
    path(_type + "automation/", AutomationPage.as_view(), name="automation"),
    path(_type + "listeners/add/", ListenerAddPage.as_view(), name="listener_add"),
    path(_type + "listeners/add/try/", ListenerTrialPage.as_view(), name="listener_try"),
    path(_type + "listeners/<int:pk>/", ListenerPage.as_view(), name="listener"),
    path(_type + "listeners/<int:pk>/try/", ListenerTrialPage.as_view(), name="listener_try"),
    path(_type + "listeners/<int:pk>/setup/", SetupPage.as_view(), name="listener_setup"),
    path(_type + "listeners/<int:pk>/setup/light/", LightView.as_view(), name="listener_light"),
    path(_type + "listeners/<int:pk>/hand-overs/", HandOverAddView.as_view(), name="hand_over_add"),
    path(
        _type + "listeners/<int:pk>/hand-overs/<int:hand_over>/revoke/",
        HandOverRevokeView.as_view(),
        name="hand_over_revoke",
    ),
    path(
        _type + "listeners/<int:pk>/versions/",
        ListenerVersionsPage.as_view(),
        name="listener_versions",
    ),
    path(
        _type + "listeners/<int:pk>/rehearse/", RehearseDaysPage.as_view(), name="listener_rehearse"
    ),
    path(_type + "listeners/<int:pk>/log/", ListenerLogPage.as_view(), name="listener_log"),
    path(
        _type + "listeners/<int:pk>/switch/", ListenerSwitchPage.as_view(), name="listener_switch"
    ),
    path(
        _type + "listeners/<int:pk>/delete/", ListenerDeletePage.as_view(), name="listener_delete"
    ),
    path(_type + "starts/", StartsPage.as_view(), name="starts"),
    path(_type + "triggers/add/", TriggerPage.as_view(), name="trigger_add"),
    path(_type + "triggers/<int:pk>/", TriggerPage.as_view(), name="trigger"),
    path(_type + "triggers/<int:pk>/delete/", TriggerDeletePage.as_view(), name="trigger_delete"),
    path(_type + "triggers/<int:pk>/switch/", TriggerSwitchPage.as_view(), name="trigger_switch"),
    path(_type + "schedules/add/", SchedulePage.as_view(), name="schedule_add"),
    path(_type + "schedules/<int:pk>/", SchedulePage.as_view(), name="schedule"),
    path(
        _type + "schedules/<int:pk>/delete/", ScheduleDeletePage.as_view(), name="schedule_delete"
    ),
    path(
        _type + "schedules/<int:pk>/switch/", ScheduleSwitchPage.as_view(), name="schedule_switch"
    ),
    path(_type + "runs/", RunLogPage.as_view(), name="runs"),
    path(_type + "listeners/<int:pk>/go-on/", ListenerGoOnPage.as_view(), name="listener_go_on"),
    path("projects/<slug:project_key>/pause/", PausePage.as_view(), name="pause"),
    path("community/pause/", PauseAllPage.as_view(), name="pause_all"),
    path(_type + "run/", BulkAddPage.as_view(), name="bulk_add"),
    path("bulk-runs/<slug:public_id>/", BulkRunPage.as_view(), name="bulk_run"),
    path("bulk-runs/<slug:public_id>/undo/", BulkUndoPage.as_view(), name="bulk_undo"),
    path("deliveries/<slug:public_id>/", DeliveryPage.as_view(), name="delivery"),
    path(
        "projects/<slug:project_key>/ticket/<slug:ref>/run/",
        RunMacroPage.as_view(),
        name="run_macro",
    ),
    path("runs/<slug:public_id>/", RunPage.as_view(), name="run"),
    path("runs/<slug:public_id>/undo/", UndoRunPage.as_view(), name="undo_run"),
    path("causes/<slug:public_id>/", CauseView.as_view(), name="cause"),
    path("projects/<slug:project_key>/outbox/", OutboxPage.as_view(), name="outbox"),
    path(
        "projects/<slug:project_key>/outbox/<slug:public_id>/",
        OutgoingPage.as_view(),
        name="outgoing",
    ),
    path("projects/<slug:project_key>/rules/", RulesPage.as_view(), name="rules"),
    path(
        "projects/<slug:project_key>/rules/download/",
        RulesDownload.as_view(),
        name="rules_download",
    ),
    path("projects/<slug:project_key>/rules/clone/", ClonePage.as_view(), name="rules_clone"),
    path("community/", CommunityToolsPage.as_view(), name="community"),
    path("community/project-from-file/", NewFromFilePage.as_view(), name="project_from_file"),
    path("key-log/none/", RefusedLogPage.as_view(), name="refused_log"),
    path("key-log/none/calls/", RefusedCallsPage.as_view(), name="refused_calls"),
    path("key-log/<int:pk>/", KeyLogPage.as_view(), name="api_key_log"),
    path("key-log/<int:pk>/calls/", KeyCallsPage.as_view(), name="api_key_calls"),
]
