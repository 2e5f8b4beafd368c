"""Calls to the outside, to real servers on this machine; only names are looked up in a play."""

from __future__ import annotations

import shutil
import socket
import ssl
import time
from types import SimpleNamespace

import pytest

from automation import safe_http
from automation.safe_http import CallFailed, calls, connections, target_of
from automation.safe_http.addresses import NETWORKS, why_not
from tests.automation.outside import Names, Web, certificate, closing


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.OUTBOUND_NETWORKS = ["127.0.0.1/32"]
    return settings


@pytest.fixture
def names(monkeypatch):
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.look_up)
    return names


@pytest.fixture
def web():
    with closing(Web()) as web:
        yield web


@pytest.fixture
def other():
    with closing(Web()) as web:
        yield web


def refused(method, url, **options):
    with pytest.raises(CallFailed) as caught:
        safe_http.call(method, url, **options)
    return caught.value


# Who may be called


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.5", "172.31.255.255", "192.168.1.1"),
        *("100.64.0.1", "169.254.1.1", "169.254.169.254", "100.100.100.200", "168.63.129.16"),
        *("192.0.0.192", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.9"),
        *("224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.88.99.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1"),
        *("2001:db8::1", "3fff::1", "2001::1", "2001:10::1", "5f00::1", "4000::1", "100::1"),
        *("::ffff:10.0.0.5", "::ffff:127.0.0.1", "::127.0.0.1", "::ffff:0:10.0.0.5"),
        *("64:ff9b::10.0.0.5", "64:ff9b::a9fe:a9fe", "64:ff9b:1::10.0.0.5"),
        *("2002:0a00:0005::", "2002:7f00:1::1", "2002:a9fe:a9fe::"),
    ],
)
def test_an_address_that_is_not_public_may_not_be_called(address, settings):
    settings.OUTBOUND_NETWORKS = []

    assert why_not(address)


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.0.1", "172.32.0.1", "192.0.1.1"),
        *("100.63.255.255", "100.128.0.1", "198.20.0.1", "223.255.255.255", "168.63.129.17"),
        *("2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "2001:200::1"),
        *("::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"),
    ],
)
def test_a_public_address_may_be_called(address, settings):
    settings.OUTBOUND_NETWORKS = []

    assert why_not(address) == ""


def test_the_table_knows_all_that_python_holds_for_not_global(settings):
    settings.OUTBOUND_NETWORKS = []
    corners = [address for _, network in NETWORKS for address in (network[0], network[-1])]

    assert [each for each in corners if not each.is_global and not why_not(str(each))] == []


@pytest.mark.parametrize(
    ("networks", "address", "may"),
    [
        (["10.0.0.0/8"], "10.0.0.5", True),
        (["10.0.0.0/8"], "::ffff:10.0.0.5", True),
        (["10.0.0.0/8"], "11.0.0.5", True),
        (["10.0.0.0/16"], "10.1.0.5", False),
        (["fd00:1::/64"], "fd00:1::5", True),
        (["fd00:1::/64"], "fd00:2::5", False),
        (["fd00:1::/64", "192.168.7.0/24"], "192.168.7.7", True),
        (["169.254.169.254/32"], "169.254.169.254", True),
    ],
)
def test_the_operator_may_allow_a_network(settings, networks, address, may):
    settings.OUTBOUND_NETWORKS = networks

    assert (why_not(address) == "") is may


@pytest.mark.parametrize(
    ("host", "addresses", "sentence"),
    [
        (
            "hooks.example.com",
            "10.0.0.5",
            "hooks.example.com is 10.0.0.5, a private address: calls go to public addresses only, "
            "unless the operator allows this one by OUTBOUND_NETWORKS=10.0.0.5/32.",
        ),
        (
            "hooks.example.com",
            "fe80::1 127.0.0.2",
            "hooks.example.com is fe80::1, a link-local address: calls go to public addresses "
            "only, unless the operator allows this one by OUTBOUND_NETWORKS=fe80::1/128.",
        ),
    ],
)
def test_a_host_that_is_not_public_is_refused(names, host, addresses, sentence):
    names[host] = [addresses]

    failed = refused("POST", f"http://{host}/hook")

    assert (str(failed), failed.heals) == (sentence, False)


@pytest.mark.parametrize("address", ["169.254.169.254", "[::1]", "[::ffff:7f00:2]", "localhost"])
def test_an_address_in_place_of_a_name_is_no_way_around(address, settings):
    settings.OUTBOUND_NETWORKS = []

    assert "calls go to public addresses only" in str(refused("GET", f"http://{address}/"))


def test_of_several_addresses_one_that_may_be_called_is_taken(names, web):
    names["hooks.example.com"] = ["10.0.0.5 127.0.0.1"]

    answer = safe_http.call("GET", f"http://hooks.example.com:{web.port}/")

    assert answer.status == 200


def test_where_nobody_listens_at_the_first_address_the_next_is_tried(names, settings):
    settings.OUTBOUND_NETWORKS = ["127.0.0.0/8"]
    names["hooks.example.com"] = ["127.0.0.3 127.0.0.2"]
    with closing(Web("127.0.0.2")) as web:
        answer = safe_http.call("GET", f"http://hooks.example.com:{web.port}/")

    assert answer.status == 200


def test_a_name_that_changes_its_address_is_looked_up_once_for_check_and_connection(names, web):
    names["hooks.example.com"] = ["127.0.0.1", "10.0.0.5"]

    answer = safe_http.call("GET", f"http://hooks.example.com:{web.port}/")

    assert answer.status == 200
    assert names.asked == ["hooks.example.com"]
    assert web.asked[0].headers["Host"] == f"hooks.example.com:{web.port}"


def test_the_change_counts_at_the_next_connection(names, web):
    names["hooks.example.com"] = ["127.0.0.1", "10.0.0.5"]
    url = f"http://hooks.example.com:{web.port}/"
    safe_http.call("GET", url)

    assert "hooks.example.com is 10.0.0.5" in str(refused("GET", url))
    assert len(web.asked) == 1


def test_proxies_of_the_environment_are_not_asked(monkeypatch, web, other):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, other.url)

    safe_http.call("GET", web.url)

    assert (len(web.asked), len(other.asked)) == (1, 0)


# What an address may look like


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.com/", "file:///etc/passwd", "gopher://example.com", "example.com", ""),
        *("https://", "https:///path", "//example.com", "javascript:alert(1)", "unix:/run/x"),
        *("http://ada:pw@example.com/", "http://example.com@10.0.0.5/", "http://@example.com/"),
        *("http://0177.0.0.1/", "http://2130706433/", "http://0x7f000001/", "http://127.1/"),
        *(
            "http://0x7f.0.0.1/",
            "http://1.2.3.256/",
            "http://\uff11\uff12\uff17.1/",
            "http://example.0x7f/",
        ),
        *("http://exa mple.com/", "http://example.com/\r\nX: y", "http://example.com\\@10.0.0.5/"),
        *("http://example.com\t/", "http://example.com:0/", "http://example.com:99999/"),
        *("http://example.com:25/", "http://example.com:6000/", "http://exa$mple.com/"),
        *("http://[::1/", "http://[zz]/", f"http://{'a' * 64}.com/", f"http://{'a' * 3000}.com/"),
        *("http://example..com/", "http://.example.com/", "http://-/", "http://%31%32%37.1/"),
    ],
)
def test_what_is_no_plain_web_address_is_refused_with_a_sentence(url):
    failed = refused("GET", url)

    assert str(failed).endswith(".")
    assert failed.heals is False


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://Hooks.Example.COM", "hooks.example.com", 443, "/"),
        ("https://hooks.example.com.:8443/a?b=c#d", "hooks.example.com", 8443, "/a?b=c"),
        ("http://bücher.example/ä?ü=ß", "xn--bcher-kva.example", 80, "/%C3%A4?%C3%BC=%C3%9F"),
        ("https://[2606:4700::1111]/%20", "2606:4700::1111", 443, "/%20"),
        ("https://a.example/x/../y//z;p?q=[1]&r={2}|'\"", "a.example", 443, None),
        ("http://\uff45xample.com/", "example.com", 80, "/"),
        ("http://my_host/", "my_host", 80, "/"),
    ],
)
def test_a_web_address_is_taken_apart_once(url, host, port, path):
    target = target_of(url)

    assert (target.host, target.port) == (host, port)
    assert target.path == (path or url.partition("a.example")[2])
    assert target_of(target.url) == target


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Test": "a\r\nX-Other: b"},
        {"X-Test": "a\nb"},
        {"X-Test": "a\0b"},
        {"X-Test\r\nX-Other": "b"},
        {"X Test": "b"},
        {"": "b"},
        {"Host": "10.0.0.5"},
        {"content-length": "3"},
        {"Transfer-Encoding": "chunked"},
        {"Idempotency-Key": "mine"},
        {"X-Test": "a" * 4001},
        {f"X-{number}": "" for number in range(51)},
    ],
)
def test_headers_that_break_out_or_are_ours_are_refused(headers):
    with pytest.raises(CallFailed):
        safe_http.check_headers(headers)


def test_headers_and_body_arrive_as_they_were_given(web):
    headers = {"Authorization": "Bearer abc", "X-Empty": "", "X-Word": " größer "}

    safe_http.call("POST", f"{web.url}/a?b", headers=headers, body=b'{"a": 1}')

    (asked,) = web.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/a?b", b'{"a": 1}')
    assert asked.headers["Authorization"] == "Bearer abc"
    assert asked.headers["X-Word"].encode("latin-1").decode() == "größer"
    assert asked.headers["Content-Length"] == "8"
    assert asked.headers["Accept-Encoding"] == "identity"


# Redirects


def test_a_redirect_to_a_private_address_is_refused(names, web):
    names["inside.example.com"] = ["10.0.0.5"]
    web.answers = [(307, {"Location": "http://inside.example.com/"}, b"")]

    failed = refused("POST", web.url, body=b"x")

    assert str(failed).startswith("inside.example.com is 10.0.0.5, a private address")


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/latest/", "//[::1]/", "http://127.0.0.2/"]
)
def test_nor_may_it_name_one(web, location):
    web.answers = [(302, {"Location": location}, b"")]

    assert "calls go to public addresses only" in str(refused("GET", web.url))


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://ada:pw@127.0.0.1/", "http://[/"]
)
def test_nor_anything_else_than_a_web_address(web, location):
    web.answers = [(302, {"Location": location}, b"")]

    assert "127.0.0.1 redirects to no address of use: " in str(refused("GET", web.url))


@pytest.mark.parametrize("code", [307, 308])
def test_a_redirect_is_followed_with_method_and_body(web, code):
    web.answers = [(code, {"Location": "/new?x=1"}, b"moved"), (201, {}, b"made")]

    answer = safe_http.call("POST", f"{web.url}/old", headers={"X-Token": "abc"}, body=b"x")

    assert (answer.status, answer.body) == (201, b"made")
    assert [(asked.method, asked.path, asked.body) for asked in web.asked] == [
        ("POST", "/old", b"x"),
        ("POST", "/new?x=1", b"x"),
    ]
    assert web.asked[1].headers["X-Token"] == "abc"


def test_see_other_is_looked_at_by_get(web):
    web.answers = [(303, {"Location": "/made/1"}, b""), (200, {}, b"made")]

    safe_http.call("POST", web.url, headers={"Content-Type": "text/plain"}, body=b"x")

    asked = web.asked[1]
    assert (asked.method, asked.path, asked.body) == ("GET", "/made/1", b"")
    assert "Content-Type" not in asked.headers


def test_credentials_are_not_carried_to_another_origin(web, other):
    web.answers = [(307, {"Location": other.url}, b"")]
    headers = {"Authorization": "Bearer abc", "X-Api-Key": "abc", "Cookie": "a=b"}

    safe_http.call("POST", web.url, headers=headers | {"Content-Type": "a/b"}, body=b"x")

    assert {*headers} <= {*web.asked[0].headers}
    assert {*headers} & {*other.asked[0].headers} == set()
    assert other.asked[0].headers["Content-Type"] == "a/b"


def test_a_post_that_a_redirect_would_empty_is_not_followed(web):
    web.answers = [(301, {"Location": "https://new.example.com/hook"}, b"")]

    failed = refused("POST", web.url, body=b"x")

    assert str(failed) == (
        "127.0.0.1 answered 301 Moved Permanently and names https://new.example.com, which would "
        "lose what POST sends on the way: enter the new address."
    )
    assert failed.heals is False


def test_redirects_in_a_circle_end(web):
    web.answers = [(302, {"Location": "/again"}, b"")]

    failed = refused("GET", web.url)

    assert str(failed) == "127.0.0.1 redirects more than 3 times in a row."
    assert len(web.asked) == 4


# Time and size


def drip(handler):
    """A byte now and then, for ever."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        handler.wfile.write(b".")
        time.sleep(0.05)


def drip_headers(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        handler.wfile.write(b".")
        time.sleep(0.05)


def wait(handler):
    time.sleep(3)


@pytest.mark.parametrize("slow", [drip, drip_headers, wait])
def test_a_call_ends_with_its_time_however_the_answer_drips(web, slow):
    web.answers = [slow]
    began = time.monotonic()

    failed = refused("GET", web.url, within=0.5)

    assert 0.4 < time.monotonic() - began < 1.5
    assert (str(failed), failed.heals) == ("127.0.0.1 did not answer within 0.5 seconds.", True)


def test_the_time_is_for_all_redirects_together(web):
    def slow_redirect(handler):
        time.sleep(0.3)
        handler.send_response(302)
        handler.send_header("Location", "/again")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    web.answers = [slow_redirect]
    began = time.monotonic()

    assert refused("GET", web.url, within=0.5).heals
    assert time.monotonic() - began < 1.5


def test_who_takes_no_bytes_is_given_up_too():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        port = deaf.getsockname()[1]
        began = time.monotonic()

        failed = refused("POST", f"http://127.0.0.1:{port}/", body=b"x" * 50_000_000, within=0.5)

    assert time.monotonic() - began < 2
    assert failed.heals


class Sipping:
    """A connection whose other side takes a byte at a time, and the time that each may take."""

    def __init__(self):
        self.given = []

    def get_extra_info(self, info):
        return self if info == "socket" else None

    def settimeout(self, seconds):
        self.given.append(seconds)

    def send(self, part):
        return 1


def test_who_takes_a_byte_at_a_time_is_given_no_more_than_the_time_that_is_left(monkeypatch):
    seconds = iter(range(100))
    monkeypatch.setattr(connections, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    sipping = Sipping()

    with pytest.raises(CallFailed, match="did not answer within 4 seconds"):
        connections.Timed(sipping, "a.example", connections.Clock(4)).write(b"x" * 100)

    assert sipping.given == [3, 2, 1]


def test_a_look_up_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: time.sleep(2) or [])
    began = time.monotonic()

    failed = refused("GET", "http://hooks.example.com/", within=0.3)

    assert time.monotonic() - began < 1
    assert str(failed) == "hooks.example.com could not be looked up in time."
    assert failed.heals


def test_a_huge_answer_is_cut(web):
    web.answers = [(200, {}, b"x" * (calls.MOST_READ + 5))]

    answer = safe_http.call("GET", web.url)

    assert (len(answer.body), answer.cut) == (calls.MOST_READ, True)


def test_an_endless_answer_is_cut_as_soon_as_it_is_too_long(web):
    def flood(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            handler.wfile.write(b"x" * 65536)

    web.answers = [flood]

    assert safe_http.call("GET", web.url).cut


def test_an_answer_that_just_fits_is_whole(web):
    web.answers = [(200, {"X-Id": "7"}, b"x" * calls.MOST_READ)]

    answer = safe_http.call("GET", web.url)

    assert (len(answer.body), answer.cut, answer.headers["x-id"]) == (calls.MOST_READ, False, "7")


def test_endless_headers_are_refused(web):
    def flood(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            handler.wfile.write(b"X-Long: " + b"x" * 8000 + b"\r\n")

    web.answers = [flood]

    assert "cannot be talked to" in str(refused("GET", web.url))


# Trouble


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "Server disconnected without sending a response"),
        (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", "illegal "),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "peer closed connection"),
    ],
)
def test_what_speaks_no_proper_http_may_do_so_later(web, answer, told):
    web.answers = [lambda handler: handler.wfile.write(answer)]

    failed = refused("GET", web.url)

    assert str(failed).startswith(f"127.0.0.1 cannot be talked to: {told}")
    assert failed.heals


def test_where_nobody_listens_it_may_heal(web):
    port = web.port
    web.close()

    failed = refused("GET", f"http://127.0.0.1:{port}/")

    assert str(failed) == "127.0.0.1 cannot be talked to: Connection refused."
    assert failed.heals


def test_a_host_that_is_not_known_may_be_later(names):
    names["nowhere.example.com"] = [socket.gaierror(-2, "Name or service not known")]

    failed = refused("GET", "http://nowhere.example.com/")

    assert str(failed) == (
        "The host nowhere.example.com is not known here (Name or service not known): "
        "look at its name."
    )
    assert failed.heals


# Encryption


@pytest.fixture(scope="module")
def hooks(tmp_path_factory):
    """A server's context that proves it is hooks.example.com, and the authority behind it."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl, which makes a certificate")
    return certificate(tmp_path_factory.mktemp("certificates"), "hooks.example.com")


@pytest.fixture
def trusting(hooks, monkeypatch):
    context = ssl.create_default_context(cafile=hooks[1])
    monkeypatch.setattr(calls, "trust", lambda: context)


@pytest.fixture
def secure(hooks, names):
    names["hooks.example.com"] = names["other.example.com"] = ["127.0.0.1"]
    with closing(Web(context=hooks[0])) as web:
        yield web


def test_the_certificate_is_checked_for_the_name_though_the_address_is_fixed(trusting, secure):
    answer = safe_http.call("GET", f"https://hooks.example.com:{secure.port}/")

    assert answer.status == 200
    assert secure.asked[0].headers["Host"] == f"hooks.example.com:{secure.port}"


def test_a_certificate_for_another_name_is_refused(trusting, secure):
    failed = refused("GET", f"https://other.example.com:{secure.port}/")

    assert str(failed).startswith("The certificate of other.example.com is not trusted: Hostname ")
    assert failed.heals is False
    assert secure.asked == []


def test_a_certificate_of_an_unknown_authority_is_refused(secure):
    failed = refused("GET", f"https://hooks.example.com:{secure.port}/")

    assert str(failed).startswith("The certificate of hooks.example.com is not trusted: self")
    assert secure.asked == []


def test_a_redirect_out_of_encryption_is_not_followed(trusting, secure, web):
    secure.answers = [(307, {"Location": web.url}, b"")]

    failed = refused("POST", f"https://hooks.example.com:{secure.port}/", body=b"x")

    assert "where nothing is encrypted: enter an https address" in str(failed)
    assert web.asked == []
