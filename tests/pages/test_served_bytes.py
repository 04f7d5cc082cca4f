"""What a browser fetches by itself: scripts and buffers of runs, each at an address of its own."""

import gc
import gzip
import hashlib
from pathlib import Path

from kvviz.player import headless
from kvviz.ui.shell import front_end
from kvviz.ui.shell.bytes_endpoint import BytesEndpoint
from kvviz.ui.shell.served_bytes import ADDRESS, find, serve_buffer, serve_script, voucher
from tests.pages.middleware_answer import answer_of

RUN = b"a run of somebody's own " * 1000
SCRIPT = "export default () => {};\n" * 1000
PLAYER = Path(headless.__file__).with_name("player.bundle.js")


def fetched(address, **request):
    """Return code, headers and body."""
    return answer_of(BytesEndpoint, f"/{address}", **request)


def test_a_buffer_is_fetched_as_it_is_and_stays_with_the_browser():
    served = serve_buffer(RUN)
    code, headers, body = fetched(served.address, headers=[(b"accept-encoding", b"gzip, br")])
    assert (code, body) == (200, RUN)
    assert headers[b"content-length"] == str(len(RUN)).encode()
    assert headers[b"cache-control"] == b"private, max-age=31536000, immutable"
    assert b"content-encoding" not in headers
    code, headers, body = fetched(served.address, method="HEAD")
    assert (code, headers[b"content-length"], body) == (200, str(len(RUN)).encode(), b"")


def test_where_the_app_is_mounted_does_not_matter():
    served = serve_buffer(RUN)
    assert fetched(f"base/{served.address}", root_path="/base")[2] == RUN
    assert fetched(f"base/{served.address}")[2] == RUN


def test_an_address_tells_nothing_of_what_is_there():
    name = serve_buffer(RUN).name
    assert len(bytes.fromhex(name)) == 32
    assert name not in (
        hash_of(RUN, digest_size=32).hexdigest() if hash_of is hashlib.blake2b
        else hash_of(RUN).hexdigest() for hash_of in (hashlib.blake2b, hashlib.sha256)
    )  # fmt: skip
    assert serve_buffer(RUN + b"!").name != name


def test_equal_buffers_are_one_and_stay_as_long_as_one_of_two_holds_it():
    first = serve_buffer(RUN)
    second = serve_buffer(bytes(bytearray(RUN)))
    assert second is first
    del second
    gc.collect()
    assert find(first.name) is first


def test_what_nobody_holds_is_not_there_and_nobody_keeps_that_it_was_not():
    address = serve_buffer(b"gone " * 1000).address
    gc.collect()
    code, headers, body = fetched(address)
    assert (code, body, headers[b"cache-control"]) == (204, b"", b"no-store")


def test_nothing_can_be_done_there_but_fetch():
    served = serve_buffer(RUN)
    assert fetched(served.address, method="POST")[0] == 405


def test_all_else_goes_through():
    name = "0" * 64
    for path in (f"/{ADDRESS}", f"/{ADDRESS}/", f"/{ADDRESS}/x", f"/{ADDRESS}/{name}/", "/kv_cache",
                 f"/{ADDRESS}/{name}.css", f"/{ADDRESS}/../{name}",
                 f"/{ADDRESS}/a{name}"):  # fmt: skip
        assert answer_of(BytesEndpoint, path) is None, path
    assert answer_of(BytesEndpoint, f"/{ADDRESS}/{name}")[0] == 204
    assert answer_of(BytesEndpoint, f"/{ADDRESS}/{name}.js")[0] == 404


def test_a_script_stays_and_comes_compressed_to_who_reads_that():
    address = serve_script(SCRIPT).address
    gc.collect()
    code, headers, body = fetched(address)
    assert (code, body) == (200, SCRIPT.encode())
    assert headers[b"content-type"] == b"text/javascript; charset=utf-8"
    assert headers[b"cache-control"] == b"public, max-age=31536000, immutable"
    code, headers, body = fetched(address, headers=[(b"accept-encoding", b"gzip, br")])
    assert (code, headers[b"content-encoding"]) == (200, b"gzip")
    assert headers[b"vary"] == b"accept-encoding"
    assert gzip.decompress(body) == SCRIPT.encode()
    assert len(body) < len(SCRIPT) / 10


def test_a_message_carries_no_long_script_but_the_address_of_it():
    sent = front_end._sent(PLAYER.read_text(encoding="utf-8"))
    assert len(sent) < 500
    name = hashlib.sha256(PLAYER.read_bytes()).hexdigest()
    assert f"{ADDRESS}/{name}.js" in sent
    assert find(f"{name}.js").data == PLAYER.read_bytes()
    short = "export default () => {};"
    assert front_end._sent(short) == short


def test_a_voucher_names_all_that_belongs_together_and_what_is_said_meanwhile():
    given = voucher("a", "b")
    assert given["addresses"] == ["a", "b"]
    assert all(given[said] for said in ("waiting", "late"))
