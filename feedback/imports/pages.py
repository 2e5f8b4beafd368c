"""Choose a file, look at what would come of it, import it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import cached_property

from access.rules import Right
from feedback.imports import links, tickets
from feedback.imports.cells import LINK_FILE_COLUMNS
from feedback.imports.export import as_csv
from feedback.imports.files import MAX_BYTES, MAX_ROWS, Layout, Row, decode, read_rows
from feedback.imports.plan import Plan, Report, carry_out, rehearse
from feedback.imports.problems import Problem, Refused, refuse
from feedback.models import Project
from feedback.pages import ManagedTypePage, ProjectPage

SHOWN = 20  # rows in the preview
LISTED = 200  # errors
SALT = "feedback.imports"
GOOD_FOR = 24 * 60 * 60  # seconds between the preview and the import
MAX_TOKEN = 2_000_000  # of the 2.5 MB that a form may carry


class FileForm(forms.Form):
    file = forms.FileField(
        label="CSV file",
        required=False,
        help_text=f"At most {MAX_ROWS:,} rows and {MAX_BYTES // 1024**2} MB, in UTF-8.",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
    )
    text = forms.CharField(
        label="Or paste the rows",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "class": "hub-mono", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        given = bool(cleaned.get("file")), bool(cleaned.get("text", "").strip())
        if not any(given) and not self.errors:
            raise ValidationError("Choose a file, or paste some rows.")
        if all(given):
            raise ValidationError("Choose a file or paste some rows: not both.")
        return cleaned

    def read(self) -> str:
        file: UploadedFile | None = self.cleaned_data["file"]
        return decode(file.read(MAX_BYTES + 1) if file else self.cleaned_data["text"].encode())


class ImportPage(ProjectPage):
    """What both kinds of file have in common.

    The confirm form carries the file, compressed and signed, and the fingerprint of what the
    preview showed: nothing is kept on the server, and nothing else is done than was shown.
    """

    template_name = "feedback/import.html"
    kind: str
    layout: Layout
    columns: Mapping[str, str]
    example: str

    def projects(self) -> QuerySet[Project]:
        return Project.objects.giving(self.caller, Right.MANAGE)

    @property
    def closed(self) -> str:
        """Why nothing can be imported here."""
        if self.project.archived:
            return f"{self.project} is archived: offer it again before you import."
        return ""

    def plan(self, rows: list[Row]) -> Plan:
        raise NotImplementedError

    def after(self) -> str:
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "template" in request.GET:
            lines = (line.split(",") for line in self.example.splitlines())
            return as_csv(f"{self.project.key}-{self.kind}.csv", lines)
        return self._show(form=FileForm())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.closed:
            return self._show(status=403)
        if "confirmed" in request.POST:
            return self._import(request.POST["confirmed"])
        form = FileForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._show(form=form)
        try:
            return self._preview(form.read())
        except Refused as refused:
            return self._refuse(refused, pasted=form.cleaned_data["text"])

    def _preview(self, text: str) -> HttpResponse:
        report = rehearse(self._plan(text), actor=self.person.get_username())
        return self._show_report(text, report)

    def _import(self, token: str) -> HttpResponse:
        try:
            kept = signing.loads(token, salt=self._salt, max_age=GOOD_FOR)
        except signing.BadSignature:
            messages.error(self.request, "This preview is too old: choose the file once more.")
            return redirect(self.request.path)
        try:
            report = carry_out(
                self._plan(kept["text"]),
                actor=self.person.get_username(),
                expected=kept["fingerprint"],
                last_number=kept["last_number"],
            )
        except Refused as refused:
            return self._refuse(refused)
        if not report.done:
            return self._show_report(kept["text"], report, moved=True)
        messages.success(self.request, f"Imported: {report.sentence}.")
        return redirect(self.after())

    @property
    def _salt(self) -> str:
        """A preview is good for the person who saw it, on the page where it was."""
        return f"{SALT} {self.person.pk} {self.request.path}"

    def _plan(self, text: str) -> Plan:
        try:
            rows = read_rows(text, self.layout)
        except Refused as refused:
            raise Refused([*refused.problems, *self._problems_of(refused.rows)]) from refused
        return self.plan(rows)

    def _problems_of(self, rows: Sequence[Row]) -> list[Problem]:
        """What is wrong with rows of a table that is wrong itself: both are told at once."""
        try:
            self.plan([*rows])
        except Refused as refused:
            return refused.problems
        return []

    def _show_report(self, text: str, report: Report, moved: bool = False) -> HttpResponse:
        kept = {
            "text": text,
            "fingerprint": report.fingerprint,
            "last_number": report.last_number,
        }
        token = signing.dumps(kept, salt=self._salt, compress=True)
        if len(token) > MAX_TOKEN:
            return self._refuse(refuse("The file is too large for one import: split it."))
        shown = report.outcomes[:SHOWN]
        return self._show(
            report=report,
            shown=shown,
            hidden=len(report.outcomes) - len(shown),
            token=token,
            moved=moved,
        )

    def _refuse(self, refused: Refused, pasted: str = "") -> HttpResponse:
        problems: list[Problem] = refused.problems[:LISTED]
        more = len(refused.problems) - len(problems)
        form = FileForm(initial={"text": pasted})
        return self._show(form=form, problems=problems, more=more)

    def _show(self, status: int = 200, **context: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(**context), status=status)


class ImportTicketsPage(ManagedTypePage, ImportPage):
    kind = "tickets"
    example = (
        "ref,summary,description,status,team,tags,exposure,blocking,submitter,remote_key\n"
        ",The lens cap melts,Left in the sun,New,Beta Support,camera; heat,public,no,,SANDBOX-12\n"
    )

    @cached_property
    def layout(self) -> Layout:  # type: ignore[override]
        return tickets.layout_of(self.feedback_type)

    @property
    def columns(self) -> Mapping[str, str]:  # type: ignore[override]
        return self.layout.columns

    def get_title(self) -> str:
        return f"Import {self.feedback_type}"

    @property
    def closed(self) -> str:
        if self.feedback_type.archived:
            return f"{self.feedback_type} is archived: offer it again before you import."
        return super().closed

    def plan(self, rows: list[Row]) -> Plan:
        return tickets.plan_tickets(rows, self.feedback_type, self.person)

    def after(self) -> str:
        return self.feedback_type.get_absolute_url()


class ImportLinksPage(ImportPage):
    kind = "links"
    title = "Import links"
    layout = links.LAYOUT
    columns = LINK_FILE_COLUMNS
    example = "ref,remote_key\nBUG-0001,SANDBOX-12\n"

    def plan(self, rows: list[Row]) -> Plan:
        return links.plan_links(rows, self.project)

    def after(self) -> str:
        return self.project.get_absolute_url()
