// A client of Socket.IO 4 that reconnects by itself, told what to do in lines of JSON: node recovery.js PACKAGE URL OPTIONS
import { createInterface } from "node:readline";

const [name, url, options] = process.argv.slice(2);
const { default: io } = await import(name);
const bytes = (key, value) => (value && value.type === "Buffer" ? { bytes: value.data } : value);
const say = (line) => process.stdout.write(JSON.stringify(line, bytes) + "\n");

const socket = io(url, { forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 100, ...JSON.parse(options) });
// What handlers get: the offset is taken off as a page would have it, where there is one.
socket.onAny((event, ...args) => say({ is: "event", event, args: socket._pid ? args.slice(0, -1) : args, got: args.length }));
socket.on("connect", () =>
  say({ is: "connect", id: socket.id, recovered: !!socket.recovered, transport: socket.io.engine.transport.name }),
);
socket.io.on("open", () => socket.io.engine.on("upgrade", () => say({ is: "upgrade" })));
socket.on("disconnect", (reason) => say({ is: "disconnect", reason }));
socket.on("connect_error", (error) => say({ is: "error", message: String(error.message) }));

const does = {
  close: () => socket.io.engine.close(), // as the official test does
  leave: () => socket.disconnect(),
  connect: () => socket.connect(),
  offset: () => say({ is: "offset", offset: socket._lastOffset, pid: socket._pid }),
  set: (offset) => (socket._lastOffset = offset),
};
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [what, args, ack] = JSON.parse(line);
    if (what === "do") does[args[0]](...args.slice(1));
    else if (ack) socket.emit(what, ...args, (...answer) => say({ is: "ack", ack, args: answer }));
    else socket.emit(what, ...args);
  })
  .on("close", () => {
    socket.close();
    setTimeout(() => process.exit(0), 100);
  });
