"""Requests to other servers over HTTP, on Twisted's client.

Rules:

1. An answer is bounded, head and body alike, and what is over the bound ends its connection: Twisted's client would
   keep a head without an end, line by line.
2. Redirects are not followed: where a request goes is said by those that may say it.
3. A connection is kept for the next request (`connections`), for less time than servers do. One that the server has
   ended meanwhile is not used; where the end comes at the same time as the request, nobody knows what became of it.
4. What was not sent and what was not answered are told apart (`client`): the first may be sent again whatever it is.
"""
