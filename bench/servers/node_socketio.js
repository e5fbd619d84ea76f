// Socket.IO: `node node_socketio.js PORT`. A client sends ["join", channel], then ["m", payload] to its channel;
// ["e", payload] comes back. The generator speaks Engine.IO 4 with --init and --tmpl (rows.py).
'use strict';
const { createServer } = require('http');
const { Server } = require('socket.io');

const server = createServer();
const io = new Server(server, { transports: ['websocket'], perMessageDeflate: false, pingInterval: 300000 });

io.on('connection', (socket) => {
  let channel = null;
  socket.on('join', (name) => {
    channel = name;
    socket.join(name);
  });
  socket.on('m', (data) => io.to(channel).emit('m', data));
  socket.on('e', (data) => socket.emit('e', data));
});
server.listen(Number(process.argv[2]), '127.0.0.1', 4096);
