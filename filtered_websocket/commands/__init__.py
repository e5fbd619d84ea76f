"""Commands beside fws_server: each a module with a ``main``."""
