"""What a program of a connection learns of the request, by CGI's names (RFC 3875, section 4.1), as with websocketd."""

from typing import Any
from urllib.parse import urlsplit

from filtered_websocket import __version__

NOT_HANDED_ON = {"HTTP_PROXY"}
"""A header Proxy would name the program's proxy (httpoxy, CVE-2016-5385)."""


def variables(connection: Any) -> dict[str, str]:
    """
    :returns: environment name -> value
    """
    request = connection.request
    host, _, port = request.host.rpartition(":") if ":" in request.host.rpartition("]")[2] else (request.host, "", "")
    found = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_SOFTWARE": f"filtered_websocket/{__version__}",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_METHOD": "GET",
        "REQUEST_URI": request.uri,
        "QUERY_STRING": urlsplit(request.uri).query,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path,
        "REMOTE_ADDR": request.peer,
        "REMOTE_HOST": request.peer,  # its address, where no name is known (RFC 3875, 4.1.9)
        "SERVER_NAME": host,
        "SERVER_PORT": port or ("443" if connection.factory.is_secure else "80"),
        "UNIQUE_ID": connection.id,
    }
    if connection.factory.is_secure:
        found["HTTPS"] = "on"
    if connection.user is not None:
        found["REMOTE_USER"] = connection.user
    for name, value in request.headers.items():
        variable = "HTTP_" + name.upper().replace("-", "_")
        # X_User would be taken for X-User, which a proxy may vouch for.
        if "_" not in name and variable not in NOT_HANDED_ON:
            found[variable] = value
    return {name: value for name, value in found.items() if "\0" not in value}
