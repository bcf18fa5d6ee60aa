# SPDX-License-Identifier: GPL-2.0
"""tquic.http09: request lines, URLs, and a served directory that cannot be left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tquic.http09 import (
    MAX_REQUEST_BYTES,
    NotServedError,
    RequestError,
    ServedDirectory,
    Url,
    encode_request,
    parse_request,
)


@pytest.mark.parametrize("target", ["/", "/a", "/a/b.bin?x=1&y", "/%20%2e", "/a'(~)"])
def test_request_round_trip(target: str) -> None:
    line = encode_request(target)
    assert line == b"GET " + target.encode() + b"\r\n"
    for cut in range(len(line)):
        assert parse_request(line[:cut]) is None
    assert parse_request(line) == target
    assert parse_request(line[:-2], ended=True) == target
    assert parse_request(line[:-2] + b"\n", ended=True) == target


@pytest.mark.parametrize(
    "target", ["", "a", "/a b", "/a\r\nGET /b", "/\x00", "/é", "/" + "a" * 4090]
)
def test_targets_that_cannot_be_sent(target: str) -> None:
    with pytest.raises(RequestError):
        encode_request(target)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"GET\r\n",
        b"GET \r\n",
        b"GET a\r\n",
        b"get /a\r\n",
        b"POST /a\r\n",
        b"GET /a HTTP/1.1\r\n",
        b"GET /a\x00\r\n",
        b"GET /\xc3\xa9\r\n",
        b"GET /a\r\n\r\n",
        b"GET /a\r\nGET /b\r\n",
        b"\x16\x03\x01\n",
    ],
)
def test_requests_that_are_not_http09(data: bytes) -> None:
    with pytest.raises(RequestError):
        parse_request(data)


def test_an_empty_stream_is_no_request() -> None:
    assert parse_request(b"") is None
    with pytest.raises(RequestError):
        parse_request(b"", ended=True)


def test_request_length_is_bounded() -> None:
    longest = b"GET /" + b"a" * (MAX_REQUEST_BYTES - 7) + b"\r\n"
    assert parse_request(longest) is not None
    assert parse_request(longest[:-1]) is None
    with pytest.raises(RequestError):
        parse_request(b"GET /" + b"a" * (MAX_REQUEST_BYTES - 5))
    with pytest.raises(RequestError):
        parse_request(longest[:-2] + b"a\r\n")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://a.test/f", Url("a.test", 443, "/f")),
        ("https://a.test", Url("a.test", 443, "/")),
        ("https://a.test:4433/x y?q=1#part", Url("a.test", 4433, "/x%20y?q=1")),
        ("https://[2001:db8::1]:1/é", Url("2001:db8::1", 1, "/%C3%A9")),
        ("https://192.0.2.1/%2e", Url("192.0.2.1", 443, "/%2e")),
    ],
)
def test_urls(text: str, url: Url) -> None:
    assert Url.parse(text) == url


@pytest.mark.parametrize(
    "text",
    ["", "a.test/f", "http://a.test/", "https:///f", "https://u:p@a.test/", "https://a.test:0/",
     "https://a.test:70000/", "https://a.test:x/", "https://[2001:db8::1/",
     "https://a/" + "a" * 5000],
)  # fmt: skip
def test_bad_urls(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Url.parse(text)


def test_file_names() -> None:
    assert Url.parse("https://a/d/file%20x.bin?q=/etc").file_name == "file x.bin"
    for path in ("", "d/", ".", "..", "%2e%2e", "a%2Fb", "a%00", "%0a", "%ff"):
        with pytest.raises(ValueError, match=r".+"):
            _ = Url("a", 443, "/" + path).file_name


@pytest.fixture(name="served")
def _served(tmp_path: Path) -> Iterator[ServedDirectory]:
    (tmp_path / "secret").write_bytes(b"secret")
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "file").write_bytes(b"hello")
    (root / "sub" / "a b").write_bytes(b"spaced")
    (root / "..hidden").write_bytes(b"dots")
    (root / "inside").symlink_to("sub/a b")
    (root / "sub" / "up").symlink_to("../file")
    (root / "outside").symlink_to("../secret")
    (root / "absolute").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path)
    (root / "loop").symlink_to("loop")
    (root / "magic").symlink_to("/proc/self/root")
    os.mkfifo(root / "pipe")
    with ServedDirectory(root) as served:
        yield served


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/file", b"hello"),
        ("//file", b"hello"),
        ("/file?x=/../secret", b"hello"),
        ("/sub/a%20b", b"spaced"),
        ("/sub/../file", b"hello"),
        ("/..hidden", b"dots"),
        ("/inside", b"spaced"),
        ("/sub/up", b"hello"),
    ],
)
def test_served(served: ServedDirectory, target: str, body: bytes) -> None:
    file, size = served.open(target)
    with file:
        assert file.read() == body
    assert size == len(body)


@pytest.mark.parametrize(
    "target",
    ["/", "/sub", "/sub/", "/absent", "/file/", "/file/x", "/../secret", "/%2e%2e/secret",
     "/sub/../../secret", "/..%2fsecret", "/outside", "/absolute", "/folder/secret", "/loop",
     "/magic/etc/passwd", "/pipe", "/file%00", "/" + "a" * 300, "//etc/passwd", "/%2Fetc/passwd"],
)  # fmt: skip
def test_not_served(served: ServedDirectory, target: str) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(NotServedError):
        served.open(target)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_root_must_be_a_directory(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="absent"):
        ServedDirectory(tmp_path / "absent")
    (tmp_path / "plain").touch()
    with pytest.raises(OSError, match="plain"):
        ServedDirectory(tmp_path / "plain")


def test_close_twice(tmp_path: Path) -> None:
    served = ServedDirectory(tmp_path)
    served.close()
    served.close()
    with pytest.raises(NotServedError):
        served.open("/file")
