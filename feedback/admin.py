"""What a project is made of, for its managers; people and projects, for community managers."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm

from access.admin import AsksAccess
from access.callers import Caller
from access.rules import changeable
from feedback.admin_forms import (
    FeedbackTypeForm,
    KeptStatusForm,
    NewPersonForm,
    PartForm,
    PersonForm,
    UniqueNames,
)
from feedback.forms import ProjectForm
from feedback.furnishing import furnish_project
from feedback.models import FeedbackType, Project, Status, Tag, Team, Workflow
from feedback.pages import stand_in
from feedback.people import note_regrouped
from feedback.protection import why_kept


class HubAdmin(ModelAdmin):
    """What is in use is not deleted: the refusal says who uses it."""

    actions: Any = None
    list_per_page = 50
    list_filter_submit = False
    view_on_site: Any = False  # the site has no such address

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        row = self.get_object(request, unquote(object_id))
        refusal = why_kept(row) if row and self.has_delete_permission(request, row) else ""
        if not refusal:
            return super().delete_view(request, object_id, extra_context)
        messages.error(request, refusal)
        meta = self.model._meta
        return redirect(f"admin:{meta.app_label}_{meta.model_name}_change", row.pk)


class ProjectPartAdmin(AsksAccess, HubAdmin):
    form = PartForm
    list_filter: list[Any] = [("project", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["project"]

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        stand_in(request, getattr(row, "project", None), None)
        return row

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["project"] if obj else []

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        model = db_field.related_model
        if model in (Project, Workflow):
            kwargs["queryset"] = changeable(model, Caller.of(request.user)).filter(archived=False)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The project that the list was narrowed to, or the only one there is."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        listed = parse_qs(initial.pop("_changelist_filters", "")).get("project__id__exact")
        managed = changeable(Project, Caller.of(request.user)).values_list("pk", flat=True)
        ids = listed or [str(pk) for pk in managed[:2]]
        return {"project": ids[0], **initial} if len(ids) == 1 else initial


@admin.register(Team)
class TeamAdmin(ProjectPartAdmin):
    list_display = ["name", "project", "kind", "people", "archived"]
    list_filter = [*ProjectPartAdmin.list_filter, "kind"]
    search_fields = ["name", "project__name"]
    fields = ["project", "name", "kind", "members", "archived"]
    autocomplete_fields = ["members"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        return super().get_queryset(request).annotate(count_of_members=Count("members"))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Who is in a team, and what that means, is for community managers to say."""
        fixed = super().get_readonly_fields(request, obj)
        if Caller.of(request.user).runs_community:
            return fixed
        return [*fixed, "members", "kind"] if obj else ["members"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        theirs = Caller.of(request.user).runs_community or obj is None
        return (theirs or not obj.members.exists()) and super().has_delete_permission(request, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        team = form.instance
        before = {*team.members.all()}
        super().save_related(request, form, formsets, change)
        moved = before ^ {*team.members.all()}
        note_regrouped(moved, [team], actor=Caller.of(request.user).name)

    @admin.display(description="Members", ordering="count_of_members")
    def people(self, team: Any) -> int:
        return int(team.count_of_members)


class StatusInline(AsksAccess, TabularInline):
    model = Status
    formset = UniqueNames
    fields = ["name", "category", "order", "archived"]
    extra = 0
    show_change_link = False

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form = type("StatusForm", (KeptStatusForm, formset.form), {})
        return formset

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.widget.attrs.setdefault("aria-label", str(field.label))
        return field


@admin.register(Workflow)
class WorkflowAdmin(ProjectPartAdmin):
    list_display = ["name", "project", "archived"]
    search_fields = ["name"]
    fields = ["project", "name", "archived"]
    inlines = [StatusInline]


@admin.register(FeedbackType)
class FeedbackTypeAdmin(ProjectPartAdmin):
    form = FeedbackTypeForm
    list_display = ["name", "project", "prefix", "default_workflow", "archived"]
    list_select_related = ["project", "default_workflow"]
    search_fields = ["name", "prefix"]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        own = ["project", "name", "prefix", "default_workflow", "archived"]
        return [*own, "form_fields"] if obj else own

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """A ref is never given twice, nor does a ticket ever change its own."""
        fixed = [*super().get_readonly_fields(request, obj), "form_fields"]
        used = isinstance(obj, FeedbackType) and obj.last_number > 0
        return [*fixed, "prefix"] if used else fixed

    @admin.display(description="Form fields")
    def form_fields(self, kind: FeedbackType) -> str:
        labels = ", ".join(field.label for field in kind.fields if not field.archived)
        address = reverse("form_fields", args=[kind.project.key, kind.prefix])
        return format_html('<a class="hub-link" href="{}">{}</a>', address, labels or "None yet")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.related_model is Workflow:
            field.queryset = field.queryset.select_related("project")
            field.label_from_instance = lambda workflow: f"{workflow} ({workflow.project})"
        return field


@admin.register(Tag)
class TagAdmin(ProjectPartAdmin):
    list_display = ["name", "project"]
    search_fields = ["name"]
    fields = ["project", "name"]


@admin.register(Project)
class ProjectAdmin(AsksAccess, HubAdmin):
    form = ProjectForm
    list_display = ["name", "key", "archived"]
    list_filter = ["archived"]
    search_fields = ["name", "key"]

    def get_fields(self, request: HttpRequest, obj: Project | None = None) -> list[str]:
        return ["name", "key", "archived"] if obj else ["name", "key"]

    def get_readonly_fields(self, request: HttpRequest, obj: Project | None = None) -> list[str]:
        return ["key"] if obj else []  # its consequences are told in Basic Project Settings

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Project | None = None
    ) -> dict[str, list[str]]:
        return {} if obj else {"key": ["name"]}

    def save_model(self, request: HttpRequest, obj: Project, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            furnish_project(obj)

    def response_add(
        self, request: HttpRequest, obj: Project, post_url_continue: Any = None
    ) -> HttpResponse:
        messages.success(
            request,
            f"“{obj}” is ready, with its teams, a workflow and two feedback types. Next: add "
            "people to its teams.",
        )
        return redirect(obj)


admin.site.unregister(Group)
admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(AsksAccess, DjangoUserAdmin, HubAdmin):
    """*People*: who they are, and which teams they are in."""

    form = PersonForm
    add_form = NewPersonForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "first_name", "last_name", "email", "is_active", "is_superuser"]
    list_filter = ["is_active", "is_superuser", ("teams__project", admin.RelatedFieldListFilter)]
    filter_horizontal = []
    fieldsets = [
        (None, {"fields": ["username", "password", "first_name", "last_name", "email"]}),
        ("What they may do", {"fields": ["is_active", "is_superuser", "teams"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["username", "first_name", "last_name", "email"]}),
        ("How they sign in", {"fields": ["usable_password", "password1", "password2"]}),
        ("What they may do", {"fields": ["is_superuser", "teams"]}),
    ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, {"title": "People", **(extra_context or {})})

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return obj != request.user and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.is_staff = obj.is_superuser
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        person, teams = form.instance, form.cleaned_data["teams"]
        moved = {*person.teams.all()} ^ {*teams}
        person.teams.set(teams)
        note_regrouped([person], moved, actor=Caller.of(request.user).name)
