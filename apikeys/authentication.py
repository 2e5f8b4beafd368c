from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable, Mapping

from apikeys.models import APIKey, digest_of
from apikeys.secrecy import PresentedKey

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NOBODYS_DIGEST = digest_of(secrets.token_hex())


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


def authorize(key: APIKey, *, scope: str, address: str | None, project_key: str) -> None:
    """Raise KeyRefused unless ``key`` may do that, from there, in that project."""
    bound_elsewhere = key.project is not None and key.project.key != project_key
    if scope not in key.scopes or bound_elsewhere:
        raise KeyRefused("key_out_of_scope", key)
    if not key.admits(address):
        raise KeyRefused("address_refused", key)


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
