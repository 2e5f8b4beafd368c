from __future__ import annotations

import re
from pathlib import Path

import pytest

from automation.reasons import Reason

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_reason_is_explained():
    explained = set(re.findall(r"^\*\*`(\w+)`\*\*", (ROOT / "docs/reasons.md").read_text(), re.M))

    assert explained == set(Reason.values)
