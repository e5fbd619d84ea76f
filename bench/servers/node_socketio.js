// Socket.IO: `node node_socketio.js PORT`. A client sends ["join", channel]; ["m", channel, payload] goes to a channel,
// ["e", payload] comes back. The generator speaks Engine.IO 4 with --init and --tmpl (rows.py).
'use strict';
const { createServer } = require('http');
const { Server } = require('socket.io');

const server = createServer();
const io = new Server(server, { transports: ['websocket'], perMessageDeflate: false, pingInterval: 300000 });

io.on('connection', (socket) => {
  socket.on('join', (channel) => socket.join(channel));
  socket.on('m', (channel, data) => io.to(channel).emit('m', data));
  socket.on('e', (data) => socket.emit('e', data));
});
server.listen(Number(process.argv[2]), '127.0.0.1', 4096);
