"""What has passed where, a line of JSON each, to a file that rotates or to standard output.

    fws_server -f filtered_websocket.filters.audit_log filtered_websocket.filters.broadcast_messages \\
        --audit_file /var/log/fws/audit.jsonl

    {"time":"2026-11-29T13:50:01.204Z","event":"message","connection":"5f0c","user":"ann","peer":"::1","size":5}
"""

from filtered_websocket.filters.audit_log import filters
from filtered_websocket.filters.audit_log.options import OPTIONS, check, no_effect

CHECK, NO_EFFECT = check, no_effect

ASKS = "everything"

__all__ = ["ASKS", "CHECK", "NO_EFFECT", "OPTIONS", "filters"]
