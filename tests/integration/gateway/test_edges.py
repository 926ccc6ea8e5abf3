"""The edges: sizes, shapes, hosts, headers, slow and broken requests.

Reasons: docs/reliability.md H1 to H4, H13 to H16, S22, S31.
"""

import json
import socket
import time
from typing import Any

import httpx
import pytest

from services.gateway.door import protocol
from tests.eventually import eventually
from tests.integration.gateway.shop import Shop, open_shop

NUMBER_SHAPES: list[Any] = [0, -1, 2**31, 2**63, 10**400, 1.0, "1", True, None, [1], {"a": 1}]
BAD_TEXTS = ["a\x00b", "a\x1b[31mb", "", "x" * 121, 5]


def _raw(shop: Shop, sent: bytes, within_s: float = 5.0) -> bytes:
    """Send bytes as they are and read until the connection ends or an answer is there."""
    url = httpx.URL(str(shop.client.base_url))
    with socket.create_connection((url.host, url.port or 80), timeout=within_s) as connection:
        connection.sendall(sent)
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = connection.recv(65536)
            if not piece:
                break
            answer += piece
        return answer


def _post(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 422),
        (b"[" * 60_000, "application/json", 400),
        (b'{"mobile_number": ' + b"1" * 5_000 + b"}", "application/json", 400),
        (b'{"mobile_number": NaN}', "application/json", 422),
        (b'{"mobile_number": "\\ud800"}', "application/json", 422),
        (b'{"\\ud800": 1}', "application/json", 422),
        (b"\xff\xfe{}", "application/json", 400),
        (b"mobile_number=1", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b"{}", "application/json; charset=utf-7", 415),
        (b"null", "application/json", 422),
        (b"[]", "application/json", 422),
    ],
)
def test_a_body_that_is_not_what_it_should_be(shared_shop: Shop, body: bytes, kind: str, status: int) -> None:
    answer = shared_shop.client.post("/auth/verify_mobile", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    assert set(answer.json()) <= {"detail", "code", "errors"}


@pytest.mark.parametrize("value", NUMBER_SHAPES, ids=repr)
def test_an_id_that_is_none(shared_shop: Shop, value: Any) -> None:
    ada = shared_shop.log_in()
    body = json.dumps({"product_id": value}).encode()
    answer = ada.post("/cart/item/add", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


@pytest.mark.parametrize("value", BAD_TEXTS, ids=repr)
def test_a_name_that_is_none(shared_shop: Shop, value: Any) -> None:
    assert shared_shop.log_in().post("/auth/create_profile", json={"user_name": value}).status_code == 422


@pytest.mark.parametrize("extra", ["role", "price", "total", "user_id", "is_profile_complete"])
def test_unknown_fields_are_refused(shared_shop: Shop, extra: str) -> None:
    answer = shared_shop.log_in().post("/auth/create_profile", json={"user_name": "Ada", extra: 1})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == f"body.{extra}"


def test_what_was_sent_is_not_repeated_in_an_error(shared_shop: Shop) -> None:
    answer = shared_shop.client.post("/auth/verify_otp", json={"mobile_number": "+491234567890", "otp": "secret9"})
    assert answer.status_code == 422
    assert "secret9" not in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/products/99999999999999999999", 422),
        ("/products/-1", 422),
        ("/products/1%00", 422),
        ("/products/offers?limit=1000000000", 422),
        ("/products/offers?after=-1", 422),
        ("/products/search?query=%00", 422),
        ("/products/search?query=%ED%A0%80", 200),
        ("/products/by_code/%00", 422),
        ("/orders/abc", 404),
        ("//healthz", 404),
        ("/nowhere", 404),
    ],
)
def test_odd_addresses(shared_shop: Shop, path: str, status: int) -> None:
    answer = shared_shop.log_in().get(path)
    assert answer.status_code == status, answer.text
    assert answer.status_code == 200 or answer.json()["code"]


def test_sizes_are_limited(shared_shop: Shop) -> None:
    client = shared_shop.client
    large = client.post("/auth/verify_mobile", content=b" " * 70_000, headers={"Content-Type": "application/json"})
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    chunked = client.post(
        "/auth/verify_mobile",
        content=(b" " * 8_192 for _ in range(9)),
        headers={"Content-Type": "application/json"},
    )
    assert chunked.status_code == 413
    long = client.get("/products/search", params={"query": "x" * 3_000})
    assert (long.status_code, long.json()["code"]) == (414, "url_too_long")
    headers = client.get("/healthz", headers={"X-Filler": "x" * 17_000})
    assert (headers.status_code, headers.json()["code"]) == (431, "headers_too_large")
    zipped = client.post("/auth/verify_mobile", content=b"x", headers={"Content-Encoding": "gzip"})
    assert (zipped.status_code, zipped.json()["code"]) == (415, "unsupported_media_type")
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        _post("/auth/verify_mobile", b"{}", "Content-Length: 5"),
        b"POST /auth/verify_mobile HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
        b"POST /auth/verify_mobile HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_requests_that_could_be_read_in_two_ways_are_refused_and_closed(shared_shop: Shop, sent: bytes) -> None:
    answer = _raw(shared_shop, sent)
    assert answer == b"" or answer.split(b" ")[1] in (b"400", b"415", b"413"), answer
    assert shared_shop.client.get("/healthz").status_code == 200


def test_endless_headers_are_cut_off(shared_shop: Shop) -> None:
    sent = b"GET /healthz HTTP/1.1\r\n" + b"X-Filler: " + b"x" * 60_000
    url = httpx.URL(str(shared_shop.client.base_url))
    with socket.create_connection((url.host, url.port or 80), timeout=5) as connection:
        connection.sendall(sent[:30_000])
        assert eventually(lambda: _is_cut_off(connection))


def _is_cut_off(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"x" * 4_000)
    except OSError:
        return True
    return False


def test_a_silent_connection_and_half_a_request_are_closed(shared_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEADERS_TIMEOUT_S", 0.3)
    for sent in (b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"):
        began = time.monotonic()
        assert _raw(shared_shop, sent) == b""
        assert time.monotonic() - began < 8, "by the timeout of this test, not by the usual 10 s"


def test_a_body_that_does_not_come_is_given_up(shared_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from services.gateway.door import limits

    monkeypatch.setattr(limits, "BODY_TIMEOUT_S", 0.3)
    sent = (
        b"POST /auth/verify_mobile HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
    )
    assert b" 408 " in _raw(shared_shop, sent)


def test_a_phone_that_hangs_up_leaves_the_gateway_well(shared_shop: Shop) -> None:
    url = httpx.URL(str(shared_shop.client.base_url))
    for _ in range(20):
        with socket.create_connection((url.host, url.port or 80)) as connection:
            connection.sendall(
                _post("/auth/verify_mobile", b'{"mobile_number": "+4917', "Content-Type: application/json")
            )
    assert shared_shop.client.get("/readyz").status_code == 200


def test_headers_that_keep_browsers_safe(shared_shop: Shop) -> None:
    headers = shared_shop.client.get("/healthz").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Cache-Control"] == "no-store"
    assert "Server" not in headers
    assert len(headers["X-Request-Id"]) == 16


def test_a_request_id_is_kept_when_it_is_harmless(shared_shop: Shop) -> None:
    client = shared_shop.client
    assert (
        client.get("/healthz", headers={"X-Request-Id": "phone-12345678"}).headers["X-Request-Id"] == "phone-12345678"
    )
    for bad in (b"a", b"x" * 65, b"a b c d e f g", b'{"a":"b"}'):
        assert client.get("/healthz", headers={b"X-Request-Id": bad}).headers["X-Request-Id"] != bad.decode()


@pytest.mark.parametrize("method", ["TRACE", "PUT", "PROPFIND"])
def test_methods_that_nobody_serves(shared_shop: Shop, method: str) -> None:
    answer = shared_shop.client.request(method, "/cart/view")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_a_method_override_is_ignored(shared_shop: Shop) -> None:
    assert shared_shop.client.get("/cart/item/add", headers={"X-HTTP-Method-Override": "POST"}).status_code == 405


def test_only_known_hosts_and_origins_are_served(database_url: str) -> None:
    with open_shop(database_url, allowed_hosts=("shop.example",), cors_origins=("https://app.example",)) as shop:
        spoofed = shop.client.get("/products/offers", headers={"Host": "evil.example"})
        assert (spoofed.status_code, spoofed.json()["code"]) == (400, "bad_host")
        host = {"Host": "shop.example:8000"}
        assert shop.client.get("/products/offers", headers=host).status_code == 200
        for probe in ("/healthz", "/readyz", "/metrics"):
            assert shop.client.get(probe).status_code == 200, "our own probes know no name of the shop"
        for origin, allowed in (("https://app.example", "https://app.example"), ("https://evil.example", None)):
            headers = shop.client.get("/healthz", headers={**host, "Origin": origin}).headers
            assert headers.get("Access-Control-Allow-Origin") == allowed
            assert "Access-Control-Allow-Credentials" not in headers


def test_without_configured_origins_no_browser_elsewhere_may_read(shared_shop: Shop) -> None:
    answer = shared_shop.client.get("/healthz", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_images_come_from_their_folder_and_from_nowhere_else(database_url: str, tmp_path: Any) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "milk.png").write_bytes(b"\x89PNG")
    (tmp_path / "secret.png").write_bytes(b"secret")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / ".hidden.png").write_bytes(b"secret")
    with open_shop(database_url, images_dir=folder) as shop:
        good = shop.client.get("/misc/images/milk.png")
        assert (good.status_code, good.content, good.headers["Content-Type"]) == (200, b"\x89PNG", "image/png")
        for name in (
            "../secret.png",
            "..%2fsecret.png",
            "%2e%2e/secret.png",
            "link.png",
            ".hidden.png",
            "none.png",
            "milk.txt",
        ):
            url = str(shop.client.base_url).rstrip("/") + f"/misc/images/{name}"
            assert shop.client.get(httpx.URL(url)).status_code == 404, name
            assert b"secret" not in _raw(shop, f"GET /misc/images/{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def _half_a_body(shop: Shop, length: int = 20) -> socket.socket:
    """A connection that has sent its headers and none of its body."""
    url = httpx.URL(str(shop.client.base_url))
    connection = socket.create_connection((url.host, url.port or 80), timeout=5)
    head = f"POST /auth/verify_mobile HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}"
    connection.sendall(f"{head}\r\n\r\n".encode())
    return connection


def test_strangers_with_half_sent_bodies_keep_nobody_out(shared_shop: Shop) -> None:
    """More of them than there are places; whoever waited longest has to go when the newcomers need room."""
    ada = shared_shop.log_in()
    strangers = [_half_a_body(shared_shop) for _ in range(300)]
    try:
        for probe in ("/healthz", "/readyz"):
            assert shared_shop.client.get(probe).status_code == 200
        assert ada.get("/user/profile").status_code == 200
        assert ada.request("PATCH", "/user/profile", json={"user_name": "Ada"}).status_code == 200
        strangers[0].settimeout(5)
        assert b"408" in strangers[0].recv(100).split(b"\r\n")[0], "it made room for the newest"
        strangers[-1].sendall(b'{"mobile_number": 1}')
        assert b"422" in strangers[-1].recv(100).split(b"\r\n")[0], "the newest is still heard"
    finally:
        for one in strangers:
            one.close()


def test_silent_connections_make_room_for_those_who_ask(shared_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol.BoundedHttpProtocol.census, "open_max", 20)
    url = httpx.URL(str(shared_shop.client.base_url))
    silent = [socket.create_connection((url.host, url.port or 80), timeout=5) for _ in range(60)]
    try:
        answer = httpx.get(f"{shared_shop.client.base_url}/healthz", trust_env=False)
        assert answer.status_code == 200
        assert silent[0].recv(1) == b"", "the one that was silent longest has gone"
        silent[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert silent[-1].recv(100).startswith(b"HTTP/1.1 200")
    finally:
        for one in silent:
            one.close()


def test_metrics_are_for_private_addresses_or_for_who_has_the_token(database_url: str) -> None:
    with open_shop(database_url, metrics_token="scrape-me", trusted_proxies=("127.0.0.1",)) as shop:
        assert shop.client.get("/metrics").status_code == 401
        assert shop.client.get("/metrics", headers={"Authorization": "Bearer scrape-you"}).status_code == 401
        assert shop.client.get("/metrics", headers={"Authorization": "Bearer scrape-me"}).status_code == 200


def test_without_a_token_a_stranger_on_the_internet_gets_no_metrics(database_url: str) -> None:
    with open_shop(database_url, trusted_proxies=("127.0.0.1",)) as shop:
        assert shop.client.get("/metrics", headers={"X-Forwarded-For": "198.51.100.7"}).status_code in (200, 404)
        assert shop.client.get("/metrics", headers={"X-Forwarded-For": "8.8.8.8"}).status_code == 404
        assert shop.client.get("/metrics", headers={"X-Forwarded-For": "10.0.0.7"}).status_code == 200


def test_asking_for_readiness_takes_no_connection_of_the_pool(shared_shop: Shop) -> None:
    before = shared_shop.gateway.pool.get_stats()["requests_num"]
    for _ in range(200):
        assert shared_shop.client.get("/readyz").status_code == 200
    rounds = shared_shop.gateway.pool.get_stats()["requests_num"] - before
    assert rounds < 100, "the rounds' own, and no request's"
