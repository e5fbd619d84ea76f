"""Centrifugo's protocol as all benches measure it: the pack and Centrifugo itself with the same namespace, `kept`."""

API_KEY = "bench"
CHANNEL = "kept:{}"
PATH = "/connection/websocket"
PROTOBUF_PATH = f"{PATH}?cf_protocol=protobuf"
PROTOBUF_COMING_IN = "04080122000d08022a090a076b6570743a6330"
"""In hexadecimal digits: id 1 connect {}, id 2 subscribe to kept:c0, each behind its length."""


def _namespaces(size: int) -> str:
    """One that keeps so many publications, and lets clients without a token do all that is measured."""
    return (
        f"""'[{{{{"name":"kept","history_size":{size},"history_ttl":"300s","force_recovery":true,"""
        """"allow_subscribe_for_client":true,"allow_subscribe_for_anonymous":true,"""
        """"allow_publish_for_subscriber":true,"allow_publish_for_client":true,"allow_publish_for_anonymous":true}}]'"""
    )


def ours(fws_server: str, size: int) -> str:
    """
    :param fws_server: how it begins, with host and port
    """
    return (
        f"{fws_server} --centrifugo_api_key {API_KEY} --centrifugo_allow_anonymous "
        f"--centrifugo_namespaces {_namespaces(size)} -f filtered_websocket.filters.centrifugo"
    )


def original(size: int, redis: bool = False) -> str:
    """On one core, as all others."""
    engine = (
        "CENTRIFUGO_ENGINE_TYPE=redis CENTRIFUGO_ENGINE_REDIS_ADDRESS=redis://127.0.0.1:{redis_port} " if redis else ""
    )
    return (
        "env GOMAXPROCS=1 CENTRIFUGO_HTTP_SERVER_PORT={port} "
        "CENTRIFUGO_CLIENT_ALLOW_ANONYMOUS_CONNECT_WITHOUT_TOKEN=true "
        f"CENTRIFUGO_HTTP_API_KEY={API_KEY} CENTRIFUGO_CHANNEL_NAMESPACES={_namespaces(size)} {engine}{{centrifugo}}"
    )
