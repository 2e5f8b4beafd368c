"""What macros talk to: a web server and a mail server on this machine, and names for them."""

from __future__ import annotations

import socket
import socketserver
import ssl
import subprocess
import threading
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

real_look_up = socket.getaddrinfo


class Names(dict):
    """What getaddrinfo answers: by host, the addresses of each look-up in turn; the last stays."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def look_up(self, host, port, *args, **options):
        if host not in self:
            return real_look_up(host, port, *args, **options)
        self.asked.append(host)
        answers = self[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(addresses, Exception):
            raise addresses
        return [
            found for address in addresses.split() for found in real_look_up(address, port, type=1)
        ]


class Web:
    """A web server that keeps what it was asked, and answers what ``answers`` say in turn.

    An answer is (status, headers, body) or a function of the handler; the last one stays.
    """

    def __init__(self, address="127.0.0.1", context=None) -> None:
        self.asked: list[Any] = []
        self.answers: list[Any] = [(200, {}, b"ok")]
        self.server = ThreadingHTTPServer((address, 0), self._handler())
        self.server.daemon_threads = True
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        self.url = f"{'https' if context else 'http'}://{address}:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _handler(web):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                web.asked.append(
                    SimpleNamespace(
                        method=self.command,
                        path=self.path,
                        headers=self.headers,
                        body=self.rfile.read(length),
                    )
                )
                answer = web.answers.pop(0) if len(web.answers) > 1 else web.answers[0]
                if callable(answer):
                    self.close_connection = True
                    answer(self)
                    return
                status, headers, body = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *args):
                pass

        return Handler


class Mail:
    """A mail server that keeps what it was given; ``refusals`` are its answers to RCPT in turn."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.refusals: list[str] = []
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _handler(mail):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                self.say("220 mail.example.com")
                to = []
                while line := self.rfile.readline().decode().strip():
                    verb = line.split(":")[0].split()[0].upper()
                    if verb == "RCPT" and mail.refusals:
                        self.say(mail.refusals.pop(0))
                    elif verb == "DATA":
                        self.take(to)
                    elif verb == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        to += [line.partition(":")[2]] if verb == "RCPT" else []
                        self.say("250 ok")

            def take(self, to):
                self.say("354 go on")
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
                message = message_from_bytes(b"".join(lines), policy=policy.default)
                mail.got.append(SimpleNamespace(to=to, message=message))
                self.say("250 kept")

            def say(self, line):
                self.wfile.write(f"{line}\r\n".encode())

        return Handler


@contextmanager
def closing(thing):
    try:
        yield thing
    finally:
        thing.close()


def certificate(folder, name):
    """A server's context for ``name``, and the file with the authority that it is trusted by."""
    key, own = folder / f"{name}.key", folder / f"{name}.pem"
    made = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {key}"
    made += f" -out {own} -days 2 -subj /CN={name} -addext subjectAltName=DNS:{name}"
    subprocess.run(["openssl", *made.split()], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, key)
    return context, own
