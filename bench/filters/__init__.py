"""What filtered_websocket runs in the benchmark: filters such as a user writes, named in config.json."""
