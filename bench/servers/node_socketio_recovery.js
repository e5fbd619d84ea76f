// Socket.IO with connection state recovery: `node node_socketio_recovery.js PORT [REDIS_PORT]`, in memory, or with the
// adapter for Redis streams. ["join", {room}] joins; POST /emit {event, room, data} emits.
'use strict';
const { createServer } = require('http');
const { Server } = require('socket.io');

const [port, redisPort] = process.argv.slice(2).map(Number);

function body(request) {
  return new Promise((resolve) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => resolve(JSON.parse(Buffer.concat(parts))));
  });
}

async function main() {
  const options = { transports: ['websocket'], connectionStateRecovery: { maxDisconnectionDuration: 120000 } };
  if (redisPort) {
    const { createClient } = require('redis');
    const { createAdapter } = require('@socket.io/redis-streams-adapter');
    const client = createClient({ url: `redis://127.0.0.1:${redisPort}` });
    client.on('error', () => {});
    await client.connect();
    options.adapter = createAdapter(client);
  }
  let io;
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') return;
    const { event, room, data } = await body(request);
    io.to(room).emit(event, data);
    response.end('OK');
  });
  io = new Server(server, { perMessageDeflate: false, ...options });
  io.on('connection', (socket) => {
    socket.on('join', async ({ room }, done) => {
      await socket.join(room);
      done();
    });
  });
  server.listen(port, '127.0.0.1', 4096);
}

main();
