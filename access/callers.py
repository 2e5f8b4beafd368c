from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


@dataclass(frozen=True)
class Caller:
    """Who asks: a person, an API key, or nobody that is known.

    A key acts as a community manager, in one project alone where it is bound to that one.
    """

    name: str = ""  # as a ticket's history names it
    identity: str = ""  # never given to another
    person: User | None = None
    runs_community: bool = False
    project: int | None = None

    @classmethod
    def of(cls, user: User | AnonymousUser) -> Caller:
        """The person who is signed in."""
        if not user.is_authenticated or not user.is_active:
            return cls()
        return cls(user.get_username(), f"person {user.pk}", user, bool(user.is_superuser))
