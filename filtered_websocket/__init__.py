"""A WebSocket server made of filter pipelines: ``cat server_event | behaviour_a | behaviour_b``."""

__version__ = "1.0.0"
