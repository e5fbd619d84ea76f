"""What a program of a connection learns of its request."""

from types import SimpleNamespace

import pytest

from filtered_websocket.filters.exec_pipe.cgi import variables


def connection(headers=(), host="example.com", secure=False, user=None, uri="/chat/a?b=c%20d"):
    request = SimpleNamespace(uri=uri, path=uri.partition("?")[0], host=host, headers=dict(headers), peer="192.0.2.1")
    return SimpleNamespace(request=request, id="id", user=user, factory=SimpleNamespace(is_secure=secure))


def test_the_names_of_cgi():
    found = variables(connection({"user-agent": "test", "x-user": "real", "x_user": "false"}, user="u"))
    assert found["QUERY_STRING"] == "b=c%20d"
    assert (found["PATH_INFO"], found["REQUEST_URI"], found["REMOTE_ADDR"]) == (
        "/chat/a",
        "/chat/a?b=c%20d",
        "192.0.2.1",
    )
    assert found["REMOTE_HOST"] == "192.0.2.1"
    assert (found["HTTP_USER_AGENT"], found["HTTP_X_USER"], found["REMOTE_USER"]) == ("test", "real", "u")
    assert "HTTPS" not in found


def test_a_header_is_nobodys_proxy_and_holds_no_nul():
    found = variables(connection({"proxy": "http://evil", "a": "b\0c"}))
    assert "HTTP_PROXY" not in found
    assert "HTTP_A" not in found


@pytest.mark.parametrize(
    ("host", "secure", "name", "port"),
    [
        ("example.com", False, "example.com", "80"),
        ("example.com:9000", False, "example.com", "9000"),
        ("example.com", True, "example.com", "443"),
        ("[::1]:9000", False, "[::1]", "9000"),
        ("[::1]", False, "[::1]", "80"),
    ],
)
def test_the_server_by_the_name_it_was_called(host, secure, name, port):
    found = variables(connection(host=host, secure=secure))
    assert (found["SERVER_NAME"], found["SERVER_PORT"], found.get("HTTPS", "")) == (name, port, "on" if secure else "")
