from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from http.client import responses
from urllib.parse import urljoin

import httpcore

from automation.safe_http.connections import Checked, Clock
from automation.safe_http.targets import CallFailed, Target, target_of

WITHIN = 20.0  # seconds, from looking up the host to the last byte, redirects included
MOST_READ = 256 * 1024  # bytes of an answer's body; the rest is left out
MOST_REDIRECTS = 3
GOES_ON = {307, 308}
GOES_ON_AS_GET = {303}
MOVED = {301, 302}  # with which browsers turn a POST into a GET
CARRIED_ON = {"accept", "accept-language", "content-type", "user-agent", "idempotency-key"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]  # by names in small letters; the last of several counts
    body: bytes
    cut: bool  # whether there was more than ``body``
    host: str  # who answered, after redirects

    @property
    def told(self) -> str:
        """Such as “404 Not Found”."""
        return f"{self.status} {responses.get(self.status, '')}".strip()


def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    stays: bool = False,
    within: float = WITHIN,
) -> Answer:
    """What ``url`` answers, be it good or bad; raises CallFailed where there is no answer.

    ``stays``: with its host, since it tells a secret that is meant for that one alone.
    """
    clock = Clock(within)
    target, sent = target_of(url), dict(headers or {})
    for _ in range(MOST_REDIRECTS + 1):
        answer = _ask(method, target, sent, body, clock)
        onward = _onward(answer, method, target)
        if onward is None:
            return answer
        if stays and onward.origin != target.origin:
            raise CallFailed(
                f"{_names(answer, onward)}, but this call has a secret for {target.host} alone: "
                "enter the new address, and the secret anew."
            )
        if answer.status in GOES_ON_AS_GET:
            method, body = "GET", b""
            sent = {name: value for name, value in sent.items() if name.lower() != "content-type"}
        if onward.origin != target.origin:
            sent = {name: value for name, value in sent.items() if name.lower() in CARRIED_ON}
        target = onward
    raise CallFailed(f"{target.host} redirects more than {MOST_REDIRECTS} times in a row.")


def _onward(answer: Answer, method: str, target: Target) -> Target | None:
    """Where ``answer`` sends us on to; raises CallFailed where we do not follow."""
    location = answer.headers.get("location", "")
    if not location or answer.status not in MOVED | GOES_ON | GOES_ON_AS_GET:
        return None
    try:
        onward = target_of(urljoin(target.url, location))
    except (CallFailed, ValueError) as error:
        raise CallFailed(f"{target.host} redirects to no address of use: {error}") from error
    told = _names(answer, onward)
    if answer.status in MOVED and method != "GET":
        raise CallFailed(
            f"{told}, which would lose what {method} sends on the way: enter the new address."
        )
    if (target.scheme, onward.scheme) == ("https", "http"):
        raise CallFailed(f"{told}, where nothing is encrypted: enter an https address.")
    return onward


def _names(answer: Answer, onward: Target) -> str:
    return f"{answer.host} answered {answer.told} and names {onward.scheme}://{onward.authority}"


def _ask(
    method: str, target: Target, headers: Mapping[str, str], body: bytes, clock: Clock
) -> Answer:
    url = httpcore.URL(
        scheme=target.scheme.encode(),
        host=target.host.encode(),
        port=target.port,
        target=target.path.encode(),
    )
    sent = [(b"Host", target.authority.encode()), (b"Accept-Encoding", b"identity")]
    sent += [
        (name.encode(), value.strip().encode("utf-8", "replace")) for name, value in headers.items()
    ]
    content = body if body or method not in ("GET", "DELETE") else None
    try:
        with (
            httpcore.ConnectionPool(trust(), network_backend=Checked(clock)) as pool,
            pool.stream(method, url, headers=sent, content=content) as response,
        ):
            read, cut = _read(response.iter_stream())
            told = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in response.headers
            }
            return Answer(response.status, told, read, cut, target.host)
    except httpcore.TimeoutException:
        clock.left(target.host)
        raise CallFailed(f"{target.host} cannot be reached: no answer.", heals=True) from None
    except httpcore.LocalProtocolError as error:  # whose text has the header's value
        raise CallFailed(f"{target.host} cannot be asked this: look at the headers.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise _trouble(target.host, error) from error


def _read(chunks: Iterable[bytes]) -> tuple[bytes, bool]:
    read = bytearray()
    for chunk in chunks:
        read += chunk
        if len(read) > MOST_READ:
            return bytes(read[:MOST_READ]), True
    return bytes(read), False


def _trouble(host: str, error: Exception) -> CallFailed:
    """A certificate does not mend itself within a day; all else may."""
    cause = error.args[0] if error.args else None  # httpcore wraps what it met
    if isinstance(cause, ssl.SSLCertVerificationError):
        return CallFailed(f"The certificate of {host} is not trusted: {cause.verify_message}.")
    why = getattr(cause, "strerror", None) or str(error) or "the connection broke"
    return CallFailed(f"{host} cannot be talked to: {str(why).rstrip('.')}.", heals=True)


@cache
def trust() -> ssl.SSLContext:
    """The usual authorities, and those that this machine trusts (SSL_CERT_FILE among them)."""
    return httpcore.default_ssl_context()
