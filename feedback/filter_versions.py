from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ValidationError

from feedback.filter_words import describe
from feedback.models import FeedbackType, SavedFilter, Version
from feedback.versions import Content, field_lines, id_of, keep_version, values_of


def keep_filter(saved: SavedFilter, *, actor: str) -> Version:
    content = values_of(saved)
    return keep_version(saved, content, filter_lines(saved.feedback_type, content), actor=actor)


def filter_lines(kind: FeedbackType, content: Content) -> list[str]:
    """Such as “Group: Status is New”, a line for each group."""
    groups = [f"Group: {_sentence(kind, group)}" for group in content["groups"]]
    return [*field_lines(SavedFilter, _own(content)), *groups]


def said_in_filter(content: Content) -> list[str]:
    """The same lines by ids."""
    groups = [json.dumps(group, sort_keys=True) for group in content["groups"]]
    return [*field_lines(SavedFilter, _own(content), named=id_of), *groups]


def _own(content: Content) -> Content:
    return {name: value for name, value in content.items() if name != "groups"}


def _sentence(kind: FeedbackType, group: Any) -> str:
    try:
        return describe([group], kind)
    except ValidationError:
        return f"{json.dumps(group, ensure_ascii=False)}, which no longer works"
