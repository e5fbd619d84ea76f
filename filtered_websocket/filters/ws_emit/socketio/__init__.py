"""The second layer of WS-Emit: Socket.IO packets and namespaces. It knows nothing of what is WS-Emit's own."""
