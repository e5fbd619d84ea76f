"""Connections and channels, seen and steered over HTTP: of all processes that share a storage object, together.

    GET    /connections          a page of them                          connections.py
    DELETE /connections?user=    end those of a user, of a channel, ...
    GET    /connections/ID       one
    DELETE /connections/ID       end it
    GET    /channels             the noisiest                            channels.py
    GET    /channels/NAME        one
    GET    /trace?user=          every step, as server-sent events       trace.py
    GET    /openapi.json         all that the server answers itself      openapi.py, schemas.py

A client that may see the metrics may see these. To end connections and to trace them takes more: see
`access.require_steering`. Each answer names the processes that have answered, and those that have not in time.
"""
