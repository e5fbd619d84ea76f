"""The first layer of WS-Emit: Engine.IO sessions and their transports. It knows nothing of Socket.IO."""
