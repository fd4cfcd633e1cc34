"""Errors of the record as people are told them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from site_files import record, write_site

from foundation.state import State
from testbed.error_words import names_in, names_of, spell_error
from testbed.inventory import Part

NAMES = {
    "127.0.0.1:29718": "retweet@east",
    "retweet-west:8000": "retweet@west",
    "localhost:8443": "frontend@east",
    "127.0.0.1:29703": "store@east",
}
SAID = {
    "": "",
    "slow": "",
    "slow: 1.503 s": "",
    "refused: 127.0.0.1:29718: connection refused": "retweet@east refused the connection",
    "refused: localhost:8443: connection refused": "frontend@east refused the connection",
    "refused: 127.0.0.1:9: connection refused": "a part refused the connection",
    "refused: east.example does not resolve: [Errno -2] Name or service not known": (
        "east.example does not resolve: Name or service not known"
    ),
    "time-out: localhost:8443: no connection in 1 s": "frontend@east took no connection within 1 s",
    "time-out: POST /sessions at east": "no answer in time: POST /sessions at east",
    "time-out": "no answer in time",
    "handshake: certificate has expired": "the certificate has expired",
    "handshake: broken off: connection reset by peer": (
        "no TLS connection: broken off: connection reset by peer"
    ),
    "closed: before the answer: [Errno 104] Connection reset by peer": (
        "the connection was closed before the answer: Connection reset by peer"
    ),
    "closed: the stream ended": "the connection was closed: the stream ended",
    "closed: not HTTP: malformed": "the connection was closed: not HTTP: malformed",
    "status: 503 service-unreachable: retweet: 127.0.0.1:29718: [Errno 111] Connection refused": (
        "retweet@east refused the connection"
    ),
    "status: 503 service-unreachable: retweet: [Errno 111] Connect call failed ('127.0.0.1', 29718)": (
        "retweet@east refused the connection"
    ),
    "status: 503 service-unreachable: retweet: 127.0.0.1:9: [Errno 111] Connection refused": (
        "retweet refused the connection"
    ),
    "status: 503 service-unreachable: retweet: retweet-west:8000 accepts no connection": (
        "retweet@west accepts no connection"
    ),
    "status: 503 service-unreachable: retweet: the server closed the connection": (
        "retweet cannot be reached: the server closed the connection"
    ),
    "status: 503 service-unreachable: The service retweet": "retweet cannot be reached",
    "status: 503 service-unreachable: The service retweet.": "retweet cannot be reached",
    "status: 504 service-too-slow: The service auth.": "auth did not answer in time",
    "status: 503 store-unavailable: The service post.": "post cannot reach the store",
    "status: 503 not-replicated: The service post.": "no replica has what post wrote",
    "status: 504 too-late: The service post.": "there was no time left for post",
    "status: 500 internal-error: The service post.": "post answered 500 internal-error",
    "status: 504 service-too-slow: auth": "auth did not answer in time",
    "status: 504 too-late: Before auth could answer.": "there was no time left before auth could answer",
    "status: 503 store-unavailable: 127.0.0.1:29703: [Errno 111] Connection refused": (
        "the store cannot be reached: store@east refused the connection"
    ),
    "status: 503 store-unavailable: 127.0.0.1:29703 is not b'master' but says [b'slave', b'127.0.0.1', 29": (
        "the store cannot be reached: store@east is a replica and not the primary"
    ),
    "status: 503 store-unavailable: 127.0.0.1:29703 is no primary any more: [b'slave', b'x'": (
        "the store cannot be reached: store@east is a replica and not the primary"
    ),
    "status: 503 store-unavailable: whether the write was done is not known: no replica has it": (
        "the store cannot be reached: no replica has it"
    ),
    "status: 503 store-unavailable: the primary is down": "the store cannot be reached: the primary is down",
    "status: 503 store-unavailable: no sentinel answers: TimeoutError()": (
        "the store cannot be reached: no sentinel answers"
    ),
    "status: 503 store-unavailable": "the store cannot be reached",
    "status: 503 not-replicated: It is on the primary only; repeating it": "no replica has the write",
    "status: 500 internal-error: Something broke on our side": (
        "the site answered 500 internal-error: Something broke on our side"
    ),
    "status: 502": "the site answered 502",
    "wrong-content: 2 of 6 posts missing, 0 that do not belong there": (
        "2 of 6 posts missing, 0 that do not belong there"
    ),
    "wrong-content: GET /posts/1 at east: KeyError 'items'": (
        "an answer of another form to GET /posts/1 at east"
    ),
    "wrong-content: not JSON: b'<html>'": "not JSON: <html>",
}


@pytest.mark.parametrize("raw", SAID)
def test_an_error_says_who_did_what(raw: str) -> None:
    said = spell_error(raw, NAMES)
    assert said == SAID[raw]
    assert not re.search(r"Errno|b'|Error\b|127\.0\.0\.1|localhost", said)


def test_a_part_has_its_addresses_here_and_inside_dockers_networks(tmp_path: Path) -> None:
    part = Part("post@east", "post", "east", "post-east", "8000", {"8000": "127.0.0.1:29716"})
    assert set(names_of([part]).values()) == {"post@east"}
    assert set(names_of([part])) == {"127.0.0.1:29716", "localhost:29716", "post-east:8000"}
    assert names_in(State(tmp_path)) == {}
    write_site(tmp_path, [record("post@east", {"8000": "127.0.0.1:29716"})])
    assert "post@east" in names_in(State(tmp_path)).values()
