"""Who may import whom. A new module of automation takes its place in ORDER first."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APPS = ("access", "rest", "apikeys", "feedback", "automation", "centercode_sim")
MAY_IMPORT = {
    "access": {"access"},
    "rest": {"access", "rest"},
    "apikeys": {"access", "rest", "apikeys"},
    "feedback": {"access", "rest", "feedback"},
    "automation": {"access", "rest", "apikeys", "feedback", "automation"},
    "centercode_sim": {*APPS},
}
# Inside automation each imports only what stands left of it.
ORDER = [
    *("safe_http", "rehearsing", "healing", "storable"),
    *("jql", "reasons", "xml_tree", "bodies", "outbound_messages", "session_ids", "expressions"),
    *("variables", "actions", "senders", "samples"),
    *(
        "models",
        "loops",
        "setup",
        "macro_secrets",
        "macro_versions",
        "macros",
        "wake",
        "words",
        "macro_run",
    ),
    *("listener_types", "pauses", "outbox", "leaving", "runs", "trouble", "answers", "undo"),
    "by_hand",
    *(
        "bulk",
        "triggers",
        "schedules",
        "references",
        "brakes",
        "execution",
        "queue",
        "calls",
        "intake",
        "shown_runs",
        "newer_work",
        "waiting",
        "rehearsals",
        "bulk_rehearsals",
        "light",
        "hand_over",
        "key_use",
        "retention",
        "tasks",
    ),
    "door",
    *("macro_parts", "forms", "listener_when", "listener_fields", "status_table"),
    *("listener_versions", "listener_form", "trial", "restoring", "version_pages"),
    *(
        "listener_layout",
        "pages",
        "deleted_pages",
        "preview",
        "macro_users",
        "macro_pages",
        "listener_pages",
        "start_forms",
    ),
    *("rules", "doubts", "setup_pages", "hand_over_page", "ran", "rules_pages"),
    *("delivery_page", "rehearsal_pages", "run_pages", "start_pages", "bulk_pages", "slices"),
    *("rest_filters", "log_pages"),
    *("call_pages", "outbox_pages", "run_log", "switch_pages"),
    "templatetags",
    *("params_schema", "serializers", "record_serializers"),
    *("rehearsal_serializers", "views"),
    *("start_serializers", "start_views"),
    *("urls", "admin", "apps", "management"),
]
MODULES = sorted(
    path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts
)


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, in full: ``automation.queue`` for a name in a package."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module in APPS:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"{'.' * node.level}{node.module}"


def place(module: str) -> int:
    """Where in automation's order a module of it stands, whatever lies below it."""
    name = module.split(".")[1]
    assert name in ORDER, f"Give automation/{name} its place in ORDER."
    return ORDER.index(name)


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_an_app_imports_only_the_apps_that_it_may(path):
    app = path.relative_to(ROOT).parts[0]

    names = list(imports(path))

    assert not [name for name in names if name.startswith(".")], "Write the whole name."
    assert {name.split(".")[0] for name in names} & {*APPS, "tests"} <= MAY_IMPORT[app]


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.is_relative_to(ROOT / "automation")], ids=dotted
)
def test_inside_automation_imports_go_from_right_to_left(path):
    if path == ROOT / "automation" / "__init__.py":
        return
    here = place(dotted(path))

    targets = [name for name in imports(path) if name.startswith("automation.")]

    assert [name for name in targets if place(name) > here] == []


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_nothing_is_imported_inside_a_function(path):
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    ]

    inner = [
        node.lineno
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]

    assert inner == []
