"""Web hooks: POST requests that tell other servers what happened, in order, tried again when they fail.

Rules:

1. One destination gets one request at a time, so it hears things in their order. What happens meanwhile waits, in a
   bounded queue; what does not fit is dropped and counted.
2. An answer of 2xx is a success. Anything else is tried again after 1, 2, 4, ... seconds, `ATTEMPTS` times in all.
   Redirects are not followed: they would lead past rule 3.
3. A hook must not reach the network behind this server (SSRF). The name is resolved once, each
   address is looked at, and the connection is made to the address that was looked at: a name that resolves to another
   one the next time (DNS rebinding) gains nothing. An option lets private addresses in.
4. Users choose how many hooks there are, and what answers them. So hooks, what waits for them and posts
   under way are bounded for each app, posts in all too, and an answer in bytes and time, head and body alike.
5. When the server stops, what waits is told as long as there is time; what is left is kept for another node or the next
   start where there is storage that lasts (`owed`), else lost and counted.
"""
