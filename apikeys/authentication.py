from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Collection, Iterable, Mapping

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from apikeys.models import APIKey, digest_of
from apikeys.patience import refusals_from
from apikeys.secrecy import PresentedKey

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NOBODYS_DIGEST = digest_of(secrets.token_hex())


UNAUTHORIZED = (
    "The API key is missing, unknown, off or expired: send one that is on as “Authorization: "
    "Bearer …”. Its log, which community managers read, has the reason."
)
ANSWERS = {
    "key_out_of_scope": "This API key lacks the scope for that: ask a community manager for one "
    "with the scope “read” to look, “write” to change.",
    "address_refused": "This API key may not be used from your address: ask a community manager.",
}


class KeyRefused(Exception):
    """``code`` says why, to the log alone; ``key`` is the one in whose log it belongs."""

    def __init__(self, code: str, key: APIKey | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.key = key


def authenticate(presented: PresentedKey | None) -> APIKey:
    """The key that ``presented`` proves; raises KeyRefused."""
    if presented is None:
        raise KeyRefused("key_missing")
    prefix = presented.value.partition("-")[0]
    key = None
    if prefix.isascii() and prefix.isalnum():
        key = APIKey.objects.select_related("project").filter(prefix=prefix).first()
    expected = key.digest if key else NOBODYS_DIGEST
    if not secrets.compare_digest(expected, digest_of(presented.value)) or key is None:
        raise KeyRefused("key_unknown")
    if not key.enabled:
        raise KeyRefused("key_off", key)
    if key.expired:
        raise KeyRefused("key_expired", key)
    return key


def authorize(
    key: APIKey, *, scopes: Collection[str], address: str | None, project_key: str | None = None
) -> None:
    """Raise KeyRefused unless ``key`` has one of ``scopes``, there and in that project."""
    bound_to = key.project.key if key.project else project_key
    if not {*scopes} & {*key.scopes} or project_key not in (None, bound_to):
        raise KeyRefused("key_out_of_scope", key)
    if not key.admits(address):
        raise KeyRefused("address_refused", key)


class Throttled(exceptions.Throttled):
    default_code = "too_many_requests"


class APIKeyAuthentication(BaseAuthentication):
    """REST framework's: ``request.auth`` is the key, and its ``caller`` says what it may.

    Write includes read. Every wrong key is answered in the same words; its log has the reason.
    """

    def authenticate(self, request: Request) -> tuple[AnonymousUser, APIKey] | None:
        presented = getattr(request._request, "presented_key", None)
        if presented is None:
            return None
        address = client_address(request.META, settings.TRUSTED_PROXIES)
        try:
            key = authenticate(presented)
            authorize(key, scopes=scopes_for(request.method), address=address)
        except KeyRefused as refused:
            request._request.key_refused = refused  # type: ignore[attr-defined]
            if refused.key is None and refusals_from(address) > settings.REFUSED_PER_MINUTE:
                raise Throttled(wait=60) from refused
            raise _as_answer(refused) from refused
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def scopes_for(method: str | None) -> list[str]:
    """One of these a key must have."""
    if method in SAFE_METHODS:
        return [APIKey.Scope.READ, APIKey.Scope.WRITE]
    return [APIKey.Scope.WRITE]


def _as_answer(refused: KeyRefused) -> exceptions.APIException:
    known = ANSWERS.get(refused.code)
    if known is None:
        return exceptions.AuthenticationFailed(UNAUTHORIZED, "key_unknown")
    return exceptions.PermissionDenied(known, refused.code)


def client_address(environ: Mapping[str, str], trusted_proxies: Iterable[str]) -> str | None:
    """The caller's address: the last in ``X-Forwarded-For`` that is no proxy of ours."""
    trusted = [ipaddress.ip_network(network) for network in trusted_proxies]
    forwarded = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
    caller = None
    for text in [environ.get("REMOTE_ADDR", ""), *reversed(forwarded)]:
        address = _address(text)
        if address is None:
            break
        caller = address
        if not any(address in network for network in trusted):
            break
    return str(caller) if caller else None


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
