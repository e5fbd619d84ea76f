"""What is not for the public: shown to clients that know a secret, or are on this machine."""

import base64
import binascii
import hmac
from typing import Any

from filtered_websocket.limits.addresses import host_name, is_address, is_loopback
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError

CHALLENGE = (("WWW-Authenticate", 'Basic realm="filtered_websocket"'),)


def has_secret(request: HTTPRequest, secret: str) -> bool:
    """Whether a request shows this secret, as Bearer or as the password of Basic; compared in constant time."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    shown = given.strip().encode("latin-1")
    if scheme.lower() == "basic":
        try:
            shown = base64.b64decode(shown, validate=True).partition(b":")[2]
        except binascii.Error:
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(shown, secret.encode())


def is_local(request: HTTPRequest) -> bool:
    """Whether a request comes from this machine, through no proxy, and is not one that a web page tricked a browser
    into (its Host would be the page's: DNS rebinding)."""
    return request.direct and is_loopback(request.peer) and is_loopback(host_name(request.host))


def require_steering(request: HTTPRequest) -> None:
    """Refuse a client that may not act on the connections of others, nor see what they say.

    That it is on this machine is not enough: so are its other users.

    :raises HTTPError: 401 or 403
    """
    options: Any = request.server.options
    if options.admin_secret or request.server.admin_site is not None:
        require_admin(request)
        if not options.admin_secret and not _is_no_page(request, options.admin_host):
            raise HTTPError(403, "without admin_secret, this is for clients that name this server by its address")
    else:
        raise HTTPError(403, "only with admin_secret, or on admin_port: this machine may have other users")


def _is_no_page(request: HTTPRequest, admin_host: str) -> bool:
    """Whether a request is none that the page of another site has a browser send: under a name that its name server has
    turned to this machine (DNS rebinding), or across origins."""
    name = host_name(request.host)
    if not (is_address(name) or is_loopback(name) or name == admin_host.lower()):
        return False
    return request.origin is None or request.origin.partition("://")[2].lower() == request.host.lower()


def require_admin(request: HTTPRequest) -> None:
    """Refuse a client that may not see the inside of the server.

    :raises HTTPError: 401 or 403
    """
    options: Any = request.server.options
    if options.admin_secret:
        if not has_secret(request, options.admin_secret):
            raise HTTPError(401, "admin_secret is wanted, as Bearer or as the password of Basic", CHALLENGE)
    # Not the option: a reload may bring one, and the port not before a restart.
    elif request.server.admin_site is None and not is_local(request):
        raise HTTPError(403, "only for this machine, unless admin_secret or admin_port is set")
