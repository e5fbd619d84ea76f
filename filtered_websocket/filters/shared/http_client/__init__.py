"""Requests to other servers over HTTP, on Twisted's client.

Rules:

1. An answer is bounded, head and body alike, and what is over the bound ends its connection: Twisted's client would
   keep a head without an end, line by line.
2. Redirects are not followed: where a request goes is said by those that may say it.
"""
