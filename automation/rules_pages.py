"""*Rules*: a project's rules as a file, down and up; a project made from another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from automation.listener_pages import endpoint_url
from automation.rules.apply import Allowed
from automation.rules.clone import A_NEW_ONE, Clone, clone_project
from automation.rules.document import LIMIT, RulesRefused, decoded
from automation.rules.export import rules_of
from automation.rules.plan import Plan, carry_out, rehearse
from feedback.forms import ProjectForm
from feedback.models import Project
from feedback.pages import CommunityPage, ManagedPage, Page, ProjectPage

YAML = "application/yaml; charset=utf-8"


class UploadForm(forms.Form):
    """A file or a text; on the second step also what plan of it was seen."""

    file = forms.FileField(
        label="File",
        required=False,
        help_text="As downloaded here or by export_project. It is read instead of the text below.",
        widget=forms.FileInput(attrs={"accept": ".yaml,.yml,application/yaml,text/yaml"}),
    )
    text = forms.CharField(
        label="Or its text",
        required=False,
        strip=False,
        max_length=2 * LIMIT,  # in characters, before its line ends are one character each
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "rules-text"}),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_text(self) -> str:
        return str(self.cleaned_data["text"]).replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        file, text = cleaned.get("file"), cleaned.get("text", "")
        if self.errors:
            return cleaned
        if not file and not text.strip():
            self.add_error("file", "Choose a file or paste its text.")
        elif file:
            try:
                cleaned["text"] = decoded(file.read(LIMIT + 1))
            except RulesRefused as refused:
                self.add_error("file", " ".join(refused.sentences))
        return cleaned


class UploadPage(Page):
    """Takes a file, shows its plan, and carries that very plan out once it was seen."""

    def allowed(self) -> Allowed:
        raise NotImplementedError

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        form = UploadForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.shown(form=form, status=400)
        text, seen = form.cleaned_data["text"], form.cleaned_data["seen"]
        try:
            plan = self.planned(text, seen)
        except RulesRefused as refused:
            return self.shown(form=UploadForm({"text": text}), refused=refused, status=400)
        if plan.carried_out:
            return self.imported(plan)
        return self.shown(form=UploadForm({"text": text}), text=text, plan=plan, stale=bool(seen))

    def planned(self, text: str, seen: str) -> Plan:
        if seen:
            return carry_out(text, self.allowed(), seen=seen)
        return rehearse(text, self.allowed())

    def shown(self, *, status: int = 200, **context: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(**context), status=status)

    def imported(self, plan: Plan) -> HttpResponseBase:
        outcome = plan.outcome
        counts = f"{len(outcome.created)} created, {len(outcome.changed)} changed"
        messages.success(self.request, f"The rules of “{outcome.project}” are in force: {counts}.")
        if outcome.new_listeners:
            names = ", ".join(f"“{listener}”" for listener in outcome.new_listeners)
            messages.warning(
                self.request,
                f"New listeners have no secret yet: {names}. Enter it on each one's page, if its "
                "tracker signs what it sends.",
            )
        return redirect(self.next_page(outcome.project))

    def next_page(self, project: Project) -> Any:
        return project

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        context.setdefault("form", UploadForm())
        return super().get_context_data(**context)


class RulesPage(ManagedPage, UploadPage):
    title = "Rules"
    template_name = "automation/rules.html"

    def allowed(self) -> Allowed:
        runs = self.caller.runs_community
        actor = self.caller.name
        return Allowed(only=self.project.key, create=False, change_kinds=runs, actor=actor)

    def next_page(self, project: Project) -> Any:
        return redirect("rules", project.key).url

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(runs_community=self.caller.runs_community, **context)


class RulesDownload(ManagedPage):
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name = f"{self.project.key}.yaml"
        return HttpResponse(
            rules_of(self.project).text,
            content_type=YAML,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


class NewFromFilePage(CommunityPage, UploadPage):
    title = "Create a project from a file"
    template_name = "automation/rules_new.html"

    def allowed(self) -> Allowed:
        return replace(A_NEW_ONE, actor=self.caller.name)


class CloneForm(ProjectForm):
    class Meta(ProjectForm.Meta):
        fields = ["name", "key"]


class ClonePage(CommunityPage, ProjectPage):
    title = "Make a project from this one"
    template_name = "automation/rules_clone.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        context.setdefault("form", CloneForm())
        return super().get_context_data(**context)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        form = CloneForm(request.POST)
        if form.is_valid():
            try:
                actor = self.caller.name
                clone = clone_project(self.project, **form.cleaned_data, actor=actor)
            except RulesRefused as refused:
                for sentence in refused.sentences:
                    form.add_error(None, sentence)
            else:
                return self.made(clone)
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def made(self, clone: Clone) -> HttpResponse:
        endpoints = [(each, endpoint_url(each.row, self.request)) for each in clone.listeners]
        context = self.get_context_data(clone=clone, endpoints=endpoints)
        context["title"] = f"“{clone.project}” is made"
        return self.response_class(
            self.request, "automation/rules_cloned.html", context, using=self.template_engine
        )
