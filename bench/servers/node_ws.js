// Node's ws: `node node_ws.js PORT [--tls CERT KEY] [--deflate]`. /c7: the client is in that channel, and what it sends goes
// there; /join/c1/c2: it is in those, and the first word of what it sends is the channel it goes to; /echo: it comes back.
'use strict';
const fs = require('fs');
const http = require('http');
const https = require('https');
const { WebSocketServer, WebSocket } = require('ws');

const options = process.argv.slice(3);
const tls = options.indexOf('--tls');
const server = tls < 0
  ? http.createServer()
  : https.createServer({ cert: fs.readFileSync(options[tls + 1]), key: fs.readFileSync(options[tls + 2]) });
const channels = new Map();
const wss = new WebSocketServer({ server, perMessageDeflate: options.includes('--deflate') });

wss.on('connection', (socket, request) => {
  const path = request.url;
  const many = path.startsWith('/join');
  const joined = many ? path.split('/').slice(2) : [path];
  for (const channel of joined) {
    if (!channels.has(channel)) channels.set(channel, new Set());
    channels.get(channel).add(socket);
  }
  socket.on('error', () => {});
  socket.on('close', () => joined.forEach((channel) => channels.get(channel).delete(socket)));
  socket.on('message', (data, isBinary) => {
    if (path === '/echo') {
      socket.send(data, { binary: isBinary });
      return;
    }
    const channel = many ? data.toString('latin1', 0, data.indexOf(' ')) : path;
    for (const member of channels.get(channel)) {
      if (member.readyState === WebSocket.OPEN) member.send(data, { binary: isBinary });
    }
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1', 4096);
