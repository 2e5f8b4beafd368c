"""Every write to a saved filter."""

from __future__ import annotations

from collections.abc import Callable

from django.db import models, transaction

from feedback.filter_groups import as_kept, clean_groups
from feedback.filter_versions import keep_filter
from feedback.filters import form_field_of
from feedback.models import (
    FeedbackType,
    SavedFilter,
    SavedFilterUse,
    Version,
)
from feedback.versions import write_content

COMMENTS, LINKS, DATA = "comments", "links", "custom_data"  # as events name what gathers around


@transaction.atomic
def save_filter(saved: SavedFilter, *, actor: str = "") -> SavedFilter:
    """Keep ``saved`` and note the rows it names; raises ValidationError and then keeps nothing."""
    cleaned = clean_groups(saved.groups, saved.feedback_type)
    saved.groups = [as_kept(group) for group in cleaned]
    saved.full_clean()
    saved.save()
    saved.uses.all().delete()
    named = {row for group in cleaned for values in group.values() for row in values}
    named |= {form_field_of(name, saved.feedback_type) for group in cleaned for name in group}
    SavedFilterUse.objects.bulk_create(
        SavedFilterUse(saved_filter=saved, **{str(row._meta.model_name): row})
        for row in named
        if isinstance(row, models.Model)
    )
    keep_filter(saved, actor=actor)
    for follow in FOLLOWERS:
        follow(saved)
    return saved


FOLLOWERS: list[Callable[[SavedFilter], None]] = []


def follows_filters(follow: Callable[[SavedFilter], None]) -> Callable[[SavedFilter], None]:
    """Let it know of each saved filter at once, in the same transaction: later, others have
    changed tickets.
    """
    FOLLOWERS.append(follow)
    return follow


@transaction.atomic
def restore_filter(saved: SavedFilter, version: Version, *, actor: str) -> SavedFilter:
    """Let ``saved`` be as ``version`` had it; raises ValidationError for what no longer fits."""
    own = SavedFilter.objects.select_related("feedback_type__project")
    saved = own.select_for_update(of=("self",)).get(pk=saved.pk)
    write_content(saved, version.content)
    return save_filter(saved, actor=actor)


def remake_filter(kind: FeedbackType, version: Version, *, actor: str) -> SavedFilter:
    """A new one as ``version`` had it; raises ValidationError for what no longer fits."""
    saved = SavedFilter(feedback_type=kind)
    write_content(saved, version.content)
    return save_filter(saved, actor=actor)
