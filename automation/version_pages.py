from __future__ import annotations

from automation.listener_versions import listener_lines
from automation.macro_versions import macro_lines
from automation.models import ExternalListener, Macro
from automation.restoring import restore_listener, restore_macro
from feedback.models import Version
from feedback.version_pages import VersionsPage
from feedback.versions import Content, id_of


class MacroVersionsPage(VersionsPage):
    model = Macro
    home = ("resources", "Feedback Resources")
    remark = "Secrets are not kept with versions: a macro goes back with those that it has now."

    def lines_of(self, content: Content) -> list[str]:
        return macro_lines(content)

    def said_in(self, content: Content) -> list[str]:
        return macro_lines(content, id_of)

    def restore(self, row: Macro, version: Version) -> Macro:
        return restore_macro(row, version, actor=self.caller.name)


class ListenerVersionsPage(VersionsPage):
    model = ExternalListener
    home = ("automation", "Feedback Automation")
    remark = (
        "The secret is not kept with versions, and stays as it is. Another key is another endpoint "
        "URL: the tracker has to be told."
    )

    def lines_of(self, content: Content) -> list[str]:
        return listener_lines(content)

    def said_in(self, content: Content) -> list[str]:
        return listener_lines(content, id_of)

    def restore(self, row: ExternalListener, version: Version) -> ExternalListener:
        return restore_listener(row, version, actor=self.caller.name)
