from __future__ import annotations

from feedback.filter_versions import filter_lines, said_in_filter
from feedback.models import SavedFilter, Version
from feedback.saved_filters import restore_filter
from feedback.version_pages import VersionsPage
from feedback.versions import Content


class FilterVersionsPage(VersionsPage):
    model = SavedFilter
    home = ("filters", "Saved filters")

    def lines_of(self, content: Content) -> list[str]:
        return filter_lines(self.feedback_type, content)

    def said_in(self, content: Content) -> list[str]:
        return said_in_filter(content)

    def restore(self, row: SavedFilter, version: Version) -> SavedFilter:
        return restore_filter(row, version, actor=self.caller.name)
