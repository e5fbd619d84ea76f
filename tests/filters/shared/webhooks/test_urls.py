import pytest

from filtered_websocket.filters.shared.webhooks.urls import check_url


@pytest.mark.parametrize(
    "url",
    [
        None, 1, "", "ftp://a/", "http://", "//a/b", "http://user:pass@host/", "http://a b/", "http://host:0/",
        "http://host:99999/", "http://é.example/", "http://host/\r\nX: y", "file:///etc/passwd", "http://[::1/",
    ],
)  # fmt: skip
def test_these_are_no_urls_of_hooks(url):
    with pytest.raises(ValueError, match="a web hook's URL is wanted"):
        check_url(url)


def test_a_url_of_a_hook_is_taken_as_it_is():
    assert check_url("https://example.com:8443/hook?key=1") == "https://example.com:8443/hook?key=1"
