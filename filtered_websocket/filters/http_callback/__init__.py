"""Asks a backend by HTTP: whether a client may come in, what becomes of its messages; tells it when it has gone.

    fws_server -f filtered_websocket.filters.http_callback filtered_websocket.filters.broadcast_messages \\
        --http_callback_url http://127.0.0.1:8000/websocket --http_callback_headers cookie

    -> POST {"event":"handshake","id","time","connection","user","peer","path","query","origin","host","pipeline"}
    -> POST {"event":"message",...,"binary":false,"data":"hello"}
    -> POST {"event":"disconnect",...,"code":1000,"reason":""}
    <- 200  {"status":200,"user":"ann","data":{"welcome":true},"channels":["news"]}, each of them left out as one likes
"""

from filtered_websocket.filters.http_callback import filters
from filtered_websocket.filters.http_callback.options import OPTIONS, check, no_effect

CHECK, NO_EFFECT = check, no_effect

__all__ = ["CHECK", "NO_EFFECT", "OPTIONS", "filters"]
