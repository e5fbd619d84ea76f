// A client of Socket.IO, told what to do in lines of JSON: node socketio.js PACKAGE URL OPTIONS
import { createInterface } from "node:readline";

const [name, url, options] = process.argv.slice(2);
const { default: io } = await import(name);
const bytes = (key, value) => (value && value.type === "Buffer" ? { bytes: value.data } : value);
const say = (line) => process.stdout.write(JSON.stringify(line, bytes) + "\n");
const transport = () => socket.io.engine.transport.name;

const socket = io(url, { forceNew: true, reconnection: false, ...JSON.parse(options) });
const onevent = socket.onevent;
socket.onevent = function (packet) {
  say({ is: "event", event: packet.data[0], args: packet.data.slice(1) });
  onevent.call(this, packet);
};
socket.on("ask", (...args) => args.pop()(...args)); // what a server asks for is its own arguments
socket.on("connect", () => {
  say({ is: "connect", id: socket.id, transport: transport() });
  if (transport() === "websocket") say({ is: "upgrade" });
  socket.io.engine.on("upgrade", () => say({ is: "upgrade" }));
});
socket.on("disconnect", (reason) => say({ is: "disconnect", reason }));
socket.on("connect_error", (error) => say({ is: "error", message: String(error.message) }));
socket.on("error", (error) => say({ is: "error", message: String(error.message ?? error) }));

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [event, args, ack] = JSON.parse(line);
    const sent = args.map((each) => (each && each.bytes ? Buffer.from(each.bytes) : each));
    if (ack) socket.emit(event, ...sent, (...answer) => say({ is: "ack", ack, args: answer }));
    else socket.emit(event, ...sent);
  })
  .on("close", () => {
    socket.close();
    setTimeout(() => process.exit(0), 100);
  });
