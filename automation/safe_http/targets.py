"""What may be called at all: addresses and headers, as people or the events of others give them."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, quote, urlsplit

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MOST_SENT = 1024 * 1024  # bytes of a request's body
LONGEST_URL = 2000
MOST_HEADERS = 50
LONGEST_HEADER = 4000
PORTS = {"http": 80, "https": 443}
# What browsers refuse as well (fetch.spec.whatwg.org, port blocking): no HTTP is spoken there, and
# a body can be made to look like what is.
OTHER_PORTS = {
    *(1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101),
    *(102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389),
    *(427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636),
    *(989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566),
    *(6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
}
UNSENDABLE = re.compile(r"[\s\x00-\x1f\x7f\\]")
CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
OF_THE_HUB = {  # headers that are ours, or the connection's
    *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade"),
    *("te", "trailer", "expect", "accept-encoding", "idempotency-key"),
}


class CallFailed(Exception):
    """A call that brings no answer: a sentence why, and whether trying again may help."""

    def __init__(self, sentence: str, *, heals: bool = False) -> None:
        super().__init__(sentence)
        self.heals = heals


@dataclass(frozen=True)
class Target:
    """Where a URL leads to, taken apart once."""

    scheme: str
    host: str  # in ASCII, an IPv6 address without its brackets
    port: int
    path: str  # with the query

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """As in a Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def target_of(url: str) -> Target:
    """``url`` taken apart; raises CallFailed where it is none that may be called."""
    if len(url) > LONGEST_URL:
        raise CallFailed(f"The address has {len(url)} characters; {LONGEST_URL} is the most.")
    if UNSENDABLE.search(url):
        raise CallFailed("The address holds a space, a line break or a backslash: take it out.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:  # which repeats what may be secret
        raise CallFailed("The address cannot be read: look at its host and its port.") from error
    if parts.scheme not in PORTS or not parts.hostname:
        raise CallFailed("This is no web address: begin it with https:// and a host.")
    if "@" in parts.netloc:
        raise CallFailed(
            "The address holds a user name or password: put them into an Authorization header."
        )
    if port == 0 or port in OTHER_PORTS:
        raise CallFailed(f"Port {port} is not for web addresses: browsers refuse it as well.")
    host = _host(parts.hostname)
    return Target(parts.scheme, host, port or PORTS[parts.scheme], _path(parts))


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises CallFailed where a header cannot be sent, or is not for people to set."""
    if len(headers) > MOST_HEADERS:
        raise CallFailed(f"There are {len(headers)} headers; {MOST_HEADERS} is the most.")
    for name, value in headers.items():
        if not TOKEN.fullmatch(name):
            raise CallFailed(f"“{name[:50]}” is no name of a header.")
        if name.lower() in OF_THE_HUB:
            raise CallFailed(f"The header {name} is set by the hub: leave it out.")
        if CONTROLS.search(value):
            raise CallFailed(f"The header {name} holds a line break or a control character.")
        if len(value) > LONGEST_HEADER:
            raise CallFailed(f"The header {name} is longer than {LONGEST_HEADER} characters.")


def _host(name: str) -> str:
    """As it is asked for, in ASCII; a number that only some take for an address is refused."""
    try:
        return str(ip_address(name))
    except ValueError:
        pass
    try:
        host = name.encode("idna").decode().lower().rstrip(".")
    except UnicodeError:
        host = ""
    if not HOST.fullmatch(host) or NUMBER.fullmatch(host.rpartition(".")[2]):
        raise CallFailed(f"“{name[:100]}” is no name of a host.")
    return host


def _path(parts: SplitResult) -> str:
    query = f"?{parts.query}" if parts.query else ""
    return quote((parts.path or "/") + query, safe=string.punctuation, errors="replace")
