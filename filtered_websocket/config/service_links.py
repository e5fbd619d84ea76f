"""What is odd about where values come from: a file of secrets that all can read, and what the environment holds that
looks like ours and is not, the links that Kubernetes makes of Services.

For a Service called ``fws`` each container of the namespace gets ``FWS_PORT=tcp://10.0.0.11:9000``,
``FWS_SERVICE_HOST``, ``FWS_SERVICE_PORT``, ``FWS_PORT_9000_TCP_ADDR`` and more; for one called ``fws-admin``
``FWS_ADMIN_PORT`` and so on; Docker's old links look alike. Nobody set them on purpose.
"""

import os
import re
import stat
from collections.abc import Iterable, Mapping

_LINK = re.compile(r"(tcp|udp|sctp)://\S+:[0-9]+", re.ASCII | re.IGNORECASE)
_PARTS = re.compile(r"_PORT_[0-9]+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?|_SERVICE_HOST|_SERVICE_PORT(_\w+)?")


def exposed(path: str, secrets: Iterable[str]) -> list[str]:
    """A warning if everybody on this machine can read what should be secret.

    :param path: of a file
    :param secrets: what it holds that is secret
    """
    names = ", ".join(secrets)
    try:
        if not names or not os.stat(path).st_mode & stat.S_IROTH:
            return []
    except OSError:
        return []
    return [f"{path}: all on this machine can read it, and it holds {names}: chmod 600, or 640 for a group"]


class ServiceLinks:
    """The service links in an environment.

    :ivar names: the names that are one
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._services = [
            name.removesuffix("_PORT")
            for name, value in environ.items()
            if name.endswith("_PORT") and _LINK.fullmatch(value.strip())
        ]
        self.names = frozenset(
            name
            for service in self._services
            for name in environ
            if name == f"{service}_PORT" or (name.startswith(service) and _PARTS.fullmatch(name, len(service)))
        )

    def warnings(self, ours: Iterable[str]) -> list[str]:
        """What to say of those that have the name of an option, one line each.

        :param ours: environment names of options
        """
        known = set(ours)
        return [
            f"{service}_PORT is passed over: it is the link that Kubernetes makes of a Service called "
            f"{service.lower().replace('_', '-')}; enableServiceLinks: false in the pod leaves it out"
            for service in self._services
            if f"{service}_PORT" in known
        ]
