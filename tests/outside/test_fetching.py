"""The guarded client against servers that lie, drip, flood and lead elsewhere."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.outside.raw_server import document, raw_server, redirect, saying, tls_contexts
from vestibule.outside import fetching
from vestibule.outside.fetching import (
    MAX_BYTES,
    Fetcher,
    FetchFailed,
    FetchRefused,
    FetchTooLarge,
    NotHttps,
    PortRefused,
    PrivateAddress,
    is_public,
)

ANYWHERE = Fetcher(allow_http=True, allow_private=True)
PUBLIC_ONLY = Fetcher(allow_http=True, allow_private=False)
XML = b"<EntityDescriptor/>"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT_SECONDS", 0.7)


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return tls_contexts(tmp_path)


def test_a_document_is_fetched_with_a_host_header_made_of_checked_parts() -> None:
    with raw_server(saying(document(XML))) as server:
        assert ANYWHERE(server.url("/metadata?id=1#part")) == XML
    head = server.heads[0]
    assert head.startswith("GET /metadata?id=1 HTTP/1.1\r\n")
    assert head.lower().count("\r\nhost:") == 1
    assert f"\r\nHost: 127.0.0.1:{server.port}\r\n" in head
    assert "\r\nAccept-Encoding: identity\r\n" in head
    assert "cookie" not in head.lower()
    assert "authorization" not in head.lower()


def test_a_path_of_any_letters_is_percent_encoded_and_keeps_what_was_encoded() -> None:
    with raw_server(saying(document(XML))) as server:
        ANYWHERE(server.url("/föderation/a%2Fb?q=ü&x='"))
    assert server.heads[0].startswith("GET /f%C3%B6deration/a%2Fb?q=%C3%BC&x=' HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "0",
        "0.0.0.0",  # noqa: S104 - an address that must be refused
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "169.254.169.254",
        "168.63.129.16",
        "100.100.100.200",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
def test_every_spelling_of_an_address_inside_is_refused_before_a_connection(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", _never)
    with pytest.raises(PrivateAddress) as caught:
        PUBLIC_ONLY(f"http://{host}:8080/metadata")
    assert host.strip("[]") not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "metadata",
        "//127.0.0.1/",
        "ftp://idp.example/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "javascript:alert(1)",
        "http:127.0.0.1",
        "http:///metadata",
        "http://",
        "http://user@idp.example/",
        "http://user:secret@idp.example/?token=hidden",
        "http://@idp.example/",
        "http://idp.example\\@127.0.0.1/",
        "http://idp.example:99999/",
        "http://idp.example:x/",
        "http://idp.example:/",
        "http://[::1/",
        "http://[::1%25eth0]/",
        "http://[not-an-address]/",
        "http://idp example/",
        "http://idp.example/a b",
        "http://idp.example/\r\nX-Injected: 1",
        "http://idp.example\x00.evil.example/",
        "http://idp.example/\x7f",
        "http://idp%2eexample/",
        "http://-idp.example/",
        "http://①②⑦.⓪.⓪.①/",
        "http://idp.example/" + "a" * 3000,
        "http://" + "a" * 3000 + ".example/",
    ],
)
def test_what_is_no_plain_web_address_is_refused_without_a_lookup(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _never)
    with pytest.raises(FetchRefused) as caught:
        ANYWHERE(url)
    assert "secret" not in caught.value.reason
    assert "hidden" not in caught.value.reason


@given(st.text(max_size=60) | st.text(alphabet="htps:/@[]%.\\?#0123456789abcx ", max_size=40).map("http://".__add__))
def test_no_text_of_a_stranger_raises_anything_but_a_refusal(url: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", _nobody)
        with pytest.raises(FetchRefused):
            ANYWHERE(url)


@pytest.mark.parametrize("port", [0, 1, 22, 25, 110, 389, 993, 1023])
def test_ports_of_other_services_are_refused(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _never)
    with pytest.raises(PortRefused):
        ANYWHERE(f"https://idp.example:{port}/")


def test_http_is_refused_unless_the_operator_allows_it() -> None:
    with raw_server(saying(document(XML))) as server, pytest.raises(NotHttps):
        Fetcher(allow_http=False, allow_private=True)(server.url())
    assert server.heads == []


def test_a_host_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _at("93.184.216.34", "10.0.0.7"))
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", _never)
    with pytest.raises(PrivateAddress):
        PUBLIC_ONLY("http://rebinding.example/")


def test_dns_can_not_change_its_mind_between_the_look_and_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    connected: list[str] = []

    def rebinding(host: str, port: int, **_: Any) -> list[Any]:
        looked.append(host)
        address = "93.184.216.34" if len(looked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect(_: object, host: str, *__: object) -> Any:
        connected.append(host)
        raise httpcore.ConnectError("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    with pytest.raises(FetchFailed):
        PUBLIC_ONLY("http://rebinding.example/")
    assert looked == ["rebinding.example"]
    assert connected == ["93.184.216.34"]


def test_the_next_address_is_tried_when_one_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(saying(document(XML))) as server:
        monkeypatch.setattr(socket, "getaddrinfo", _at("127.0.0.9", "127.0.0.1"))
        # Nobody listens at 127.0.0.9: the server is bound to 127.0.0.1 alone.
        assert ANYWHERE(f"http://idp.example:{server.port}/") == XML


def test_redirects_are_followed_three_times_and_no_more() -> None:
    for hops in (3, 4):
        scripts = [saying(redirect("/next")) for _ in range(hops)]
        with raw_server(*scripts, saying(document(XML))) as server:
            if hops == 3:
                assert ANYWHERE(server.url()) == XML
            else:
                with pytest.raises(FetchFailed):
                    ANYWHERE(server.url())
            assert len(server.heads) == 4


@pytest.mark.parametrize(
    ("location", "refusal"),
    [
        ("ftp://idp.example/", NotHttps),
        ("file:///etc/passwd", NotHttps),
        ("http://user@127.0.0.1/", FetchFailed),
        ("http://127.0.0.1:22/", PortRefused),
        ("http://[::1", FetchFailed),
        ("/a b", FetchFailed),
        ("", FetchFailed),
        ("/fö", FetchFailed),
    ],
)
def test_a_redirect_is_checked_like_the_first_address(location: str, refusal: type[FetchRefused]) -> None:
    with raw_server(saying(redirect(location))) as server, pytest.raises(refusal):
        ANYWHERE(server.url())
    assert len(server.heads) == 1


def test_a_redirect_into_the_network_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vestibule.outside.guarding.is_public", lambda address: address == "127.0.0.1")
    with raw_server(saying(redirect("http://169.254.169.254:8080/latest"))) as server, pytest.raises(PrivateAddress):
        PUBLIC_ONLY(server.url())
    assert len(server.heads) == 1


def test_two_different_locations_are_no_redirect() -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
    with raw_server(saying(answer)) as server, pytest.raises(FetchFailed):
        ANYWHERE(server.url())


@pytest.mark.parametrize("status", [201, 204, 206, 304, 305, 401, 403, 404, 500])
def test_only_a_200_is_a_document(status: int) -> None:
    answer = f"HTTP/1.1 {status} Odd\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n".encode()
    with raw_server(saying(answer)) as server, pytest.raises(FetchFailed):
        ANYWHERE(server.url())


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "deflate", "identity, gzip"])
def test_nothing_compressed_is_accepted(encoding: str) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    with raw_server(saying(document(bomb, f"Content-Encoding: {encoding}"))) as server, pytest.raises(FetchFailed):
        ANYWHERE(server.url())


def test_a_document_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    with raw_server(saying(document(b"x" * MAX_BYTES)), saying(document(b"x" * (MAX_BYTES + 1)))) as server:
        assert len(ANYWHERE(server.url())) == MAX_BYTES
        with pytest.raises(FetchTooLarge):
            ANYWHERE(server.url())


def test_a_document_without_a_length_is_bounded_too() -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    endless = saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[chunk] * 2000)
    with raw_server(endless) as server, pytest.raises(FetchTooLarge):
        ANYWHERE(server.url())
    assert server.faults, "the server could say all of its 128 MiB"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0" * 100,
        b"<EntityDescriptor/>",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Length: 20\r\n\r\n<x/>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<x/>",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n<x/>",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<x/>",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4\r\n<x/>\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n<x/>",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 60_000 + b"\r\n<x/>",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 200_000,
    ],
    ids=lambda answer: answer[:40].decode("latin-1"),
)
def test_a_server_that_speaks_http_badly_gives_no_document(answer: bytes) -> None:
    with raw_server(saying(answer)) as server, pytest.raises(FetchFailed):
        ANYWHERE(server.url())


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
def test_a_server_that_drips_gains_no_time_by_it(start: bytes) -> None:
    said_all = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(300):
            connection.sendall(b"x")
            threading.Event().wait(0.1)
        said_all.set()

    with raw_server(drip) as server, pytest.raises(FetchFailed):
        ANYWHERE(server.url())
    assert not said_all.is_set()


@pytest.mark.usefixtures("hurried")
def test_a_resolver_that_does_not_answer_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer.wait(30) and [])
    with pytest.raises(FetchFailed):
        ANYWHERE("https://slow.example/")
    assert not answer.is_set()
    answer.set()


@pytest.mark.usefixtures("hurried")
def test_a_tls_handshake_that_never_ends_is_given_up() -> None:
    given_up = threading.Event()

    def silent(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass
        given_up.set()

    with raw_server(silent) as server, pytest.raises(FetchFailed):
        ANYWHERE(server.url(scheme="https"))
    assert given_up.wait(30)


def test_https_is_fetched_from_whom_the_system_trusts(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    serving, trusting = contexts
    with raw_server(saying(document(XML)), tls=serving) as server:
        fetch = Fetcher(allow_http=False, allow_private=True, ssl_context=trusting)
        assert fetch(server.url(scheme="https")) == XML
        assert fetch(server.url(scheme="https", host="localhost")) == XML


def test_a_certificate_of_a_stranger_or_of_another_name_is_refused(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    serving, trusting = contexts
    with raw_server(saying(document(XML)), tls=serving) as server:
        with pytest.raises(FetchFailed):
            ANYWHERE(server.url(scheme="https"))
        monkeypatch.setattr(socket, "getaddrinfo", _at("127.0.0.1"))
        with pytest.raises(FetchFailed):
            Fetcher(allow_http=False, allow_private=True, ssl_context=trusting)(
                server.url(scheme="https", host="idp.example")
            )
    assert server.heads == []


def test_https_never_leads_to_http_even_where_http_is_allowed(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    serving, trusting = contexts
    with (
        raw_server(saying(document(XML))) as plain,
        raw_server(saying(redirect(plain.url())), tls=serving) as server,
        pytest.raises(NotHttps),
    ):
        Fetcher(allow_http=True, allow_private=True, ssl_context=trusting)(server.url(scheme="https"))
    assert plain.heads == []


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "198.17.0.1"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    ["", "idp.example", "2001:db8::1", "2001::1", "ff02::1", "fe80::1%eth0", "192.88.99.1", "198.18.0.1", "240.0.0.1"],
)
def test_addresses_for_documents_tests_tunnels_and_groups_are_not(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_as_public_as_it_is_when_mapped_into_ipv6(address: Any) -> None:
    assert is_public(f"::ffff:{address}") == is_public(str(address))


def _never(*_: object, **__: object) -> Any:
    raise AssertionError("this must not be reached")


def _nobody(*_: object, **__: object) -> Any:
    raise OSError("no such host")


def _at(*addresses: str) -> Any:
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *options: Any, **named: Any) -> list[Any]:
        # Connecting asks once more, with the address that was found: no name is looked up for that.
        if host in addresses:
            return real(host, port, *options, **named)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return look_up
