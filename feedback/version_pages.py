"""The versions of a row: who saved what and when, any two compared, and the way back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import cached_property

from feedback.models import Version
from feedback.numbers import row_id
from feedback.pages import ManagedTypePage
from feedback.versions import Content, Line, compared, go_back, versions_of

PER_PAGE = 25


class VersionsPage(ManagedTypePage):
    """Of one row of ``model``, whose id is in the address."""

    template_name = "feedback/versions.html"
    model: type[models.Model]
    home = ("", "")  # the name of the page above, and its title
    remark = ""  # what does not go back

    def lines_of(self, content: Content) -> list[str]:
        """A version's content by the names of today, where it has no lines of its own."""
        raise NotImplementedError

    def said_in(self, content: Content) -> list[str]:
        """The same lines by ids."""
        raise NotImplementedError

    def restore(self, row: Any, version: Version) -> Any:
        """The row as ``version`` had it; raises ValidationError for what no longer fits."""
        raise NotImplementedError

    @cached_property
    def row(self) -> Any:
        rows = self.model._default_manager.filter(feedback_type=self.feedback_type)
        related = rows.select_related("feedback_type__project", "version")
        return get_object_or_404(related, pk=self.kwargs["pk"])

    def get_title(self) -> str:
        return f"Versions of “{self.row}”"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        versions = versions_of(self.row)
        page = Paginator(versions, PER_PAGE).get_page(self.request.GET.get("page"))
        return super().get_context_data(
            row=self.row,
            page_obj=page,
            versions=self.changes(list(page)),
            remark=self.remark,
            **self.comparison(),
            **context,
        )

    def changes(self, versions: list[Version]) -> list[tuple[Version, list[Line]]]:
        """Each version with what it changed of the one before it; the first holds all of it."""
        earlier = versions_of(self.row).filter(number__in=[each.number - 1 for each in versions])
        before = {each.number + 1: each for each in earlier}
        lines = [self.compared(before.get(each.number), each) for each in versions]
        changed = [[line for line in each if line.sign != " "] for each in lines]
        return list(zip(versions, changed, strict=True))

    def compared(self, old: Version | None, new: Version) -> list[Line]:
        """By what they say, where it is still told in as many lines; else by the lines."""
        before, after = self.lines(old) if old else [], self.lines(new)
        said = self.said_in(old.content) if old else [], self.said_in(new.content)
        fits = (len(said[0]), len(said[1])) == (len(before), len(after))
        return compared(before, after, said if fits else None)

    def lines(self, version: Version) -> list[str]:
        return version.lines or self.lines_of(version.content)

    def comparison(self) -> dict[str, Any]:
        """All lines of the two versions that the address names, or what is wrong with it."""
        newest = self.row.version.number if self.row.version else 1
        after = self.request.GET.get("after", str(newest)).strip()
        previous = str(max((row_id(after) or 2) - 1, 1))
        before = self.request.GET.get("before", previous).strip()
        asked = {"before": before, "after": after}
        if "after" not in self.request.GET:
            return {"asked": asked}
        numbers = {name: row_id(text) for name, text in asked.items()}
        named = versions_of(self.row).filter(number__in=filter(None, numbers.values()))
        found: dict[int | None, Version] = {each.number: each for each in named}
        if missing := [asked[name] for name, number in numbers.items() if number not in found]:
            shown = f"“{missing[0][:20]}”"
            problem = f"There is no version {shown}: enter two of the numbers below."
            return {"asked": asked, "problem": problem}
        old, new = found[numbers["before"]], found[numbers["after"]]
        return {"asked": asked, "before": old, "after": new, "compared": self.compared(old, new)}

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """What is there now stays as a version, too."""
        number = row_id(request.POST.get("restore", ""))
        version = get_object_or_404(versions_of(self.row), number=number)
        try:
            row, new = go_back(self.row, version, self.restore)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            told = f"“{row}” is as {version} had it: that is {row.version} now."
            same = f"“{row}” is as {version} has it already."
            (messages.success if new else messages.info)(request, told if new else same)
        return redirect(request.path)
