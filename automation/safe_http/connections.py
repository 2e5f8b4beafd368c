"""Connections to the very address that was checked, for as long as the whole call may take.

Proxies of the environment are not asked.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable
from ipaddress import ip_network
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import httpcore

from automation.safe_http.addresses import why_not
from automation.safe_http.targets import CallFailed


class Clock:
    """The time that a call has, all in all."""

    def __init__(self, within: float) -> None:
        self.within = within
        self.end = time.monotonic() + within

    def left(self, host: str) -> float:
        """In seconds; raises CallFailed where there is none left."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise CallFailed(f"{host} did not answer within {self.within:g} seconds.", heals=True)
        return left


class Checked(httpcore.NetworkBackend):
    """Looks its host up once for each connection, and connects only where that is allowed.

    Certificate and Host header are still those of the name.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = allowed(host, look_up(host, port, self.clock))
        while True:
            share = self.clock.left(host) / len(addresses)
            try:
                stream = self.plain.connect_tcp(addresses.pop(0), port, share)
                return Timed(stream, host, self.clock)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not addresses:
                    raise


class Timed(httpcore.NetworkStream):
    """A connection that ends with its call's time, however slowly the other side drips."""

    def __init__(self, stream: httpcore.NetworkStream, host: str, clock: Clock) -> None:
        self.stream = stream
        self.host = host
        self.clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, self.clock.left(self.host))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """By the socket itself: each part that the other side takes has only the time left."""
        connection: socket.socket = self.stream.get_extra_info("socket")
        left = memoryview(buffer)
        try:
            while left:
                connection.settimeout(self.clock.left(self.host))
                left = left[connection.send(left) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout(error) from error
        except OSError as error:
            raise httpcore.WriteError(error) from error

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secure = self.stream.start_tls(ssl_context, server_hostname, self.clock.left(self.host))
        return Timed(secure, self.host, self.clock)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


def look_up(host: str, port: int, clock: Clock) -> list[str]:
    """The addresses of ``host``, asked in a thread, since the system's patience cannot be set."""
    found: SimpleQueue[list[str] | OSError] = SimpleQueue()

    def ask() -> None:
        try:
            known = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put(list(dict.fromkeys(str(address[0]) for *_, address in known)))
        except OSError as error:
            found.put(error)

    Thread(target=ask, name="look-up", daemon=True).start()
    try:
        answer = found.get(timeout=clock.left(host))
    except Empty:
        raise CallFailed(f"{host} could not be looked up in time.", heals=True) from None
    if isinstance(answer, OSError):
        raise CallFailed(
            f"The host {host} is not known here ({answer.strerror}): look at its name.", heals=True
        )
    return answer


def allowed(host: str, addresses: list[str]) -> list[str]:
    """Those of ``addresses`` that may be called; raises CallFailed where there is none."""
    reasons = {address: why_not(address) for address in addresses}
    if found := [address for address, reason in reasons.items() if not reason]:
        return found
    address, reason = next(iter(reasons.items()))
    network = ip_network(address.partition("%")[0])
    described = reason if host == address else f"{address}, {reason}"
    raise CallFailed(
        f"{host} is {described}: calls go to public addresses only, unless the operator allows "
        f"this one by OUTBOUND_NETWORKS={network}."
    )
