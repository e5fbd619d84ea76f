"""What Docker and Kubernetes put into the environment is none of ours."""

import pytest

from filtered_websocket.config import Option, integer
from filtered_websocket.config.option import Original
from tests.support.declared_options import PORT, faults

LINK = {
    "FWS_PORT": "tcp://10.0.0.11:9000",
    "FWS_SERVICE_HOST": "10.0.0.11",
    "FWS_SERVICE_PORT": "9000",
    "FWS_SERVICE_PORT_HTTP": "9000",
    "FWS_PORT_9000_TCP": "tcp://10.0.0.11:9000",
    "FWS_PORT_9000_TCP_PROTO": "tcp",
    "FWS_PORT_9000_TCP_PORT": "9000",
    "FWS_PORT_9000_TCP_ADDR": "10.0.0.11",
}
"""What Kubernetes puts into a container for a Service called fws."""


@pytest.mark.parametrize(("words", "port"), [([], 9000), (["-p", "1"], 1)])
def test_a_service_link_is_passed_over_and_said_once(configure, words, port):
    configuration = configure(*words, environ=LINK)
    assert configuration.early(PORT) == configuration.resolve().port == port
    assert configuration.warnings == [
        "FWS_PORT is passed over: it is the link that Kubernetes makes of a Service called fws; "
        "enableServiceLinks: false in the pod leaves it out"
    ]


@pytest.mark.parametrize("value", ["udp://10.0.0.11:9000", "sctp://10.0.0.11:9000", "tcp://[fd00::1]:9000"])
def test_a_service_of_any_name_protocol_and_family_is_known(configure, value):
    environ = {"FWS_ADMIN_PORT": value, "FWS_ADMIN_SERVICE_HOST": "10.0.0.11", "FWS_ADMIN_PORT_9000_UDP": value}
    configuration = configure(environ=environ)
    configuration.declare([Option("admin_port", integer(0, 65535), None, "a port")], "web")
    assert configuration.resolve().admin_port is None
    assert len(configuration.warnings) == 1
    assert "a Service called fws-admin;" in configuration.warnings[0]


def test_what_is_like_a_service_link_and_is_none_is_a_fault(configure):
    for value in ("tcp://", "tcp://10.0.0.11", "http://10.0.0.11:9000", "tcp://10.0.0.11:x"):
        assert len(faults(configure(environ={"FWS_PORT": value}))) == 1
    configuration = configure(environ={"FWS_SERVICE_HOST": "10.0.0.11"})
    configuration.resolve()
    assert configuration.warnings == ["unknown environment name FWS_SERVICE_HOST"]


def test_a_service_link_is_passed_over_under_an_originals_name_too(configure):
    configuration = configure(environ={"SERVER_PORT": "tcp://10.0.0.11:80", "SERVER_SERVICE_HOST": "10.0.0.11"})
    configuration.declare([], "pushi", Original("pushi", 9090, {"SERVER_PORT": "port"}))
    assert configuration.resolve().port == 9090
    (warning,) = configuration.warnings
    assert warning.startswith("SERVER_PORT is passed over: ")
