"""Plain HTTP on the server's own port: endpoints that register by being defined, and the ones every server has."""
