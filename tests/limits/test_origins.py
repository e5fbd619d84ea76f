"""Which pages may connect."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.limits.origins import MAX_ORIGIN, SAME_HOST, allowed, read


@pytest.mark.parametrize(
    ("origin", "host", "secure"),
    [
        ("http://example.com:9000", "example.com:9000", False),
        ("http://EXAMPLE.com:9000", "Example.COM:9000", False),
        ("http://example.com", "example.com", False),
        ("http://example.com", "example.com:80", False),
        ("https://example.com", "example.com", True),
        ("https://example.com", "example.com:443", True),
        ("https://example.com", "example.com", False),  # TLS ends in front of the server
        ("https://example.com:9443", "example.com:9443", True),
        ("http://[2001:db8::1]:9000", "[2001:db8::1]:9000", False),
        ("http://[2001:db8::1]", "[2001:db8::1]", False),
        ("http://localhost:3000", "127.0.0.1:9000", False),
        ("http://127.0.0.2", "localhost:9000", False),
        ("https://[::1]:3000", "app.localhost:9000", False),
    ],
)
def test_pages_of_this_host_may_connect_and_loopback_to_loopback(origin, host, secure):
    assert allowed(origin, host, [SAME_HOST], secure)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://evil.com", "example.com"),
        ("http://example.com.evil.com", "example.com"),
        ("http://sub.example.com", "example.com"),
        ("http://example.com:8000", "example.com:9000"),
        ("http://example.com:8000", "example.com"),
        ("http://localhost:3000", "example.com:9000"),
        ("http://example.com", "localhost:9000"),
        ("http://localhost.evil.com", "localhost:9000"),
        ("http://127.0.0.1.evil.com", "127.0.0.1:9000"),
        ("null", "example.com"),
        ("file://", "localhost"),
        ("ftp://example.com", "example.com"),
        ("http://", ""),
        ("http://example.com:port", "example.com"),
        ("http://example.com", ""),
        ("http://[", "example.com"),
        ("", "example.com"),
    ],
)
def test_pages_of_other_hosts_may_not(origin, host):
    assert not allowed(origin, host, [SAME_HOST])
    assert not allowed(origin, host, [SAME_HOST], secure=True)


def test_a_client_that_sends_no_origin_is_no_browser_and_may():
    assert allowed(None, "example.com", [])


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("*", "http://anything", None),
        ("null", "null", "http://null"),
        ("https://example.com", "https://EXAMPLE.com", "http://example.com"),
        ("https://Example.com", "https://example.com", "https://example.com:8443"),
        ("https://*.example.com", "https://a.b.example.com", "https://example.com"),
        ("https://*.example.com", "https://a.example.com", "https://a.example.com.evil.com"),
        ("https://example.com", "https://example.com", "https://example-com"),
        ("http://localhost:*", "http://localhost:3000", "http://localhost"),
        ("http://[::1]:*", "http://[::1]:3000", "http://1:3000"),
        ("http://a?.com", "http://a?.com", "http://ab.com"),
    ],
)
def test_other_origins_are_named_with_stars_where_anything_may_stand(pattern, fits, does_not):
    assert allowed(fits, "other.host", [SAME_HOST, pattern])
    assert does_not is None or not allowed(does_not, "other.host", [SAME_HOST, pattern])


def test_without_patterns_no_page_may():
    assert not allowed("http://example.com", "example.com", [])


_short = st.text(st.sampled_from("ab:/."), max_size=12)


@given(_short, st.lists(_short, min_size=1, max_size=5))
def test_stars_stand_for_what_a_regular_expression_would_find(origin, parts):
    expected = re.fullmatch(".*".join(map(re.escape, parts)), origin) is not None
    assert allowed(origin, "other.host", ["*".join(parts)]) == (expected or parts == ["", ""])


@pytest.mark.quiet
def test_however_many_stars_matching_takes_no_time_that_grows_with_what_a_client_sends():
    pattern = "https://*a*a*a*a*a*a*b"
    begin = time.process_time()
    for _ in range(100):
        assert not allowed("https://" + "a" * (MAX_ORIGIN - 8), "h", [pattern])
    assert time.process_time() - begin < 1


def test_an_origin_longer_than_any_is_refused_whatever_is_allowed():
    longest = "https://" + "a" * (MAX_ORIGIN - 8)
    assert allowed(longest, "h", ["*"])
    assert not allowed(longest + "a", "h", ["*", longest + "a"])


def test_where_names_prove_nothing_an_origin_must_be_named():
    page, host = "http://rebound.example:9000", "rebound.example:9000"
    assert allowed(page, host, [SAME_HOST])
    assert not allowed(page, host, [SAME_HOST], by_name=True)
    for named in (page, "*", "http://*.example:9000"):
        assert allowed(page, host, [SAME_HOST, named], by_name=True)
    assert allowed(None, host, [SAME_HOST], by_name=True)


# The option: what browsers would write otherwise is written so, and what fits no page is refused.


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("https://example.com/", "https://example.com"),
        ("HTTPS://Example.COM:443", "https://example.com"),
        ("http://example.com:0080/", "http://example.com"),
        ("http://example.com:443", "http://example.com:443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://*.bücher.example/", "https://*.xn--bcher-kva.example"),
        ("https://*.example.com:443", "https://*.example.com"),
        ("http://[0:0::1]:8080", "http://[::1]:8080"),
        ("*.example.com/", "*.example.com"),
        ("NULL", "null"),
        ("Same-Host", SAME_HOST),
        ("**", "*"),
        ("file://", "file://"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("http://localhost:*", "http://localhost:*"),
    ],
)
def test_a_pattern_is_read_as_a_browser_writes_it(written: str, read_as: str) -> None:
    assert read([written]) == [read_as]


def test_patterns_may_be_divided_by_commas_and_blanks() -> None:
    assert read(["https://a.example,https://b.example", "null  *"]) == [
        "https://a.example", "https://b.example", "null", "*",
    ]  # fmt: skip
    assert read([]) == read([""]) == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("example.com", '"https://example.com" is meant'),
        ("localhost:3000", '"http://localhost:3000" is meant'),
        ("https://example.com/app", '"https://example.com" is meant'),
        ("wss://example.com", '"https://example.com" is meant'),
        ("ws://example.com:8000", '"http://example.com:8000" is meant'),
        ("same-origin", f"{SAME_HOST}, null, * or an origin is wanted"),
        ("'self'", f"{SAME_HOST}, null, * or an origin is wanted"),
        ("https://user@example.com", "an origin is wanted"),
        ("https://example.com?a", "an origin is wanted"),
        ("https:/example.com", "an origin is wanted"),
        ("about:blank", "an origin is wanted"),
        ("http://example.com:99999", "a port is 1 to 65535"),
        ("https://[::1", "an origin is wanted"),
        ("https://[::z]", "fits no page"),
        ("*/path", "an origin is wanted"),
    ],
)
def test_a_pattern_that_fits_no_page_is_refused_with_what_is_meant(written: str, meant: str) -> None:
    with pytest.raises(ValueError, match=re.escape(meant)):
        read([written])


HOSTS = st.from_regex(r"\A[a-z][a-z0-9-]{0,8}(\.[a-z][a-z0-9-]{0,8}){0,2}\Z")


@given(st.sampled_from(["http", "https"]), HOSTS, st.none() | st.integers(1, 65535), st.sampled_from(["", "/"]))
def test_what_a_page_of_an_address_sends_fits_the_address_as_it_is_written(
    scheme: str, host: str, port: int | None, slash: str
) -> None:
    written = f"{scheme}://{host}{f':{port}' if port else ''}{slash}"
    default = {"http": 80, "https": 443}[scheme]
    sent = f"{scheme}://{host}{f':{port}' if port and port != default else ''}"
    assert allowed(sent, "other.example", read([written]))


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_and_what_is_read_is_read_again_alike(text: str) -> None:
    try:
        patterns = read([text])
    except ValueError:
        return
    assert read(patterns) == patterns
