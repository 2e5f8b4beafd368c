"""A set-up guide for somebody without an account: one link, one look at the secrets.

The token stands in the link's fragment (``/hand-over/#handover-…``), which no browser sends: not
to us, not to a proxy, not as a referrer. It reaches us in the body of a POST, which nothing logs;
and it has the form of an API key, so that ``apikeys.secrecy`` strikes it from whatever is logged
all the same. A scanner that follows the link gets a page with nothing on it.
"""

from __future__ import annotations

import logging
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from access.callers import Caller
from access.rules import Right, may
from apikeys.models import SECRET_BYTES, APIKey, digest_of
from apikeys.services import issue_key
from automation.models import ExternalListener, HandOver

log = logging.getLogger(__name__)

TOKEN = re.compile(rf"handover-[0-9a-f]{{{2 * SECRET_BYTES}}}")
DAYS = {1: "a day", 7: "a week", 30: "30 days"}
DEFAULT_DAYS = 7
MOST_SHOWN = 10


@dataclass(frozen=True)
class Revealed:
    """What is shown once; each is empty where there is none."""

    secret: str = ""
    key: str = ""


def make_hand_over(
    listener: ExternalListener, *, by: User, way: str = "", days: int = DEFAULT_DAYS, key: bool
) -> tuple[HandOver, str]:
    """A new hand-over and its token, which is never seen again.

    ``key`` is whether an API key is made when the secrets are shown: for community managers only.
    """
    token = f"handover-{secrets.token_hex(SECRET_BYTES)}"
    hand_over = HandOver.objects.create(
        listener=listener,
        way=way,
        digest=digest_of(token),
        gives_key=key and may_give_key(by),
        created_by=by,
        expires_at=timezone.now() + timedelta(days=days),
    )
    log.info("Hand-over %s of listener %s was made by %s", hand_over.pk, listener.pk, by)
    return hand_over, token


def hand_overs_of(listener: ExternalListener) -> list[HandOver]:
    """The newest, open or not."""
    return list(listener.hand_overs.select_related("created_by")[:MOST_SHOWN])


def may_give_key(person: User) -> bool:
    return Caller.of(person).runs_community


def hand_over_of(text: str) -> HandOver | None:
    """The hand-over whose link, or token, ``text`` holds; None unless it is valid.

    It is no longer, either, once its maker may not manage the listener's project any more.
    """
    found = TOKEN.search(text[-200:])
    if found is None:
        return None
    hand_over = (
        HandOver.objects.select_related("created_by", "listener__feedback_type__project")
        .filter(digest=digest_of(found[0]), revoked_at=None, expires_at__gt=timezone.now())
        .first()
    )
    if hand_over is None:
        return None
    project = hand_over.listener.project
    return hand_over if may(Caller.of(hand_over.created_by), Right.MANAGE, project) else None


@transaction.atomic
def reveal(hand_over: HandOver, *, address: str | None) -> Revealed | None:
    """The secrets, to the first who asks; None to everybody after.

    The row is claimed by one UPDATE: of two requests at the same moment the database lets one by.
    """
    now = timezone.now()
    unopened = HandOver.objects.filter(
        pk=hand_over.pk, opened_at=None, revoked_at=None, expires_at__gt=now
    )
    if not unopened.update(opened_at=now, opened_from=address):
        hand_over.refresh_from_db()
        return None
    hand_over.opened_at, hand_over.opened_from = now, address
    log.info("Hand-over %s was opened from %s", hand_over.pk, address)
    return Revealed(hand_over.listener.secret, _new_key(hand_over) if hand_over.gives_key else "")


def _new_key(hand_over: HandOver) -> str:
    """A key made in the name of whoever made the link, if that person still may."""
    if not may_give_key(hand_over.created_by):
        return ""
    listener = hand_over.listener
    where = f"{listener.project.key}/{listener.key}"
    key, whole_key = issue_key(
        f"{listener.name[:50]} ({where})",
        project=listener.project,
        scopes=[APIKey.Scope.LISTEN],
        description=f"For listener {where}. Shown once to its tracker's administrator, by a "
        f"hand-over of {hand_over.created_by}.",
        by=hand_over.created_by,
        note=f"Made when a hand-over of listener {where} was opened from {hand_over.opened_from}.",
    )
    HandOver.objects.filter(pk=hand_over.pk).update(key_prefix=key.prefix)
    hand_over.key_prefix = key.prefix
    return whole_key


def revoke(hand_over: HandOver) -> None:
    HandOver.objects.filter(pk=hand_over.pk, revoked_at=None).update(revoked_at=timezone.now())
