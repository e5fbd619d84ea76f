from filtered_websocket.web.base import Endpoint, EndpointMeta


def test_an_endpoint_with_a_path_registers_by_being_defined() -> None:
    class Base(Endpoint):
        methods = ("POST",)

    class There(Base):
        path = "/there"

    assert There in EndpointMeta.registered
    assert Base not in EndpointMeta.registered
    EndpointMeta.registered.remove(There)


def test_every_endpoint_of_a_loop_registers() -> None:
    begin = len(EndpointMeta.registered)
    for word in ("one", "two"):

        class Page(Endpoint):
            path = f"/{word}"

    assert [each.path for each in EndpointMeta.registered[begin:]] == ["/one", "/two"]
    del EndpointMeta.registered[begin:]
