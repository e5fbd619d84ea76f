// Socket.IO: `node node_socketio.js PORT`. A client sends ["join", room]; ["m", room, payload] goes to a room, ["a",
// payload] is acknowledged with its payload. The generator speaks Engine.IO 4 with --init and --tmpl (rows.py).
'use strict';
const { createServer } = require('http');
const { Server } = require('socket.io');

const server = createServer();
const io = new Server(server, { transports: ['websocket'], perMessageDeflate: false, pingInterval: 300000 });

io.on('connection', (socket) => {
  socket.on('join', (room) => socket.join(room));
  socket.on('m', (room, data) => io.to(room).emit('m', data));
  socket.on('a', (data, acknowledge) => acknowledge(data));
});
server.listen(Number(process.argv[2]), '127.0.0.1', 4096);
