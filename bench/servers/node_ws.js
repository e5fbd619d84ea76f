// Node's ws: `node node_ws.js PORT`; the path is the channel, /echo echoes.
'use strict';
const { createServer } = require('http');
const { WebSocketServer, WebSocket } = require('ws');

const channels = new Map();
const server = createServer();
const wss = new WebSocketServer({ server, perMessageDeflate: false });

wss.on('connection', (socket, request) => {
  const path = request.url;
  if (!channels.has(path)) channels.set(path, new Set());
  const members = channels.get(path);
  members.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => members.delete(socket));
  socket.on('message', (data, isBinary) => {
    if (path === '/echo') {
      socket.send(data, { binary: isBinary });
      return;
    }
    for (const member of members) {
      if (member.readyState === WebSocket.OPEN) member.send(data, { binary: isBinary });
    }
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1', 4096);
