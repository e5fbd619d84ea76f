// A client of Engine.IO, told what to send in lines of JSON: node engineio.js MODULE URL OPTIONS
import { createInterface } from "node:readline";

const [name, url, options] = process.argv.slice(2);
const module = await import(name);
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

const open = module.Socket ? (...args) => new module.Socket(...args) : module.default;
const socket = open(url, JSON.parse(options));
socket.binaryType = "arraybuffer";
socket.on("open", () => say({ is: "open", id: socket.id, transport: socket.transport.name }));
socket.on("upgrade", (transport) => say({ is: "upgrade", transport: transport.name }));
socket.on("message", (data) =>
  say({ is: "message", data: typeof data === "string" ? data : [...new Uint8Array(data)] }),
);
socket.on("close", (reason) => say({ is: "close", reason }));
socket.on("error", (error) => say({ is: "error", message: String(error.message ?? error) }));

createInterface({ input: process.stdin })
  .on("line", (line) => {
    for (const each of JSON.parse(line)) socket.send(typeof each === "string" ? each : Uint8Array.from(each).buffer);
  })
  .on("close", () => {
    socket.close();
    setTimeout(() => process.exit(0), 100);
  });
