// Laravel Echo over pusher-js, configured by a script, told what to do in lines of JSON:
// node echo.js SCRIPT APP USER
// SCRIPT sets window.Echo; its import.meta.env is APP.env. APP: {appId, key, secret, host, port, useTLS, env}; USER is
// who is a member of presence channels.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import LaravelEcho from "laravel-echo";
import Api from "pusher";
import Pusher from "pusher-js";

const [script, json, user] = process.argv.slice(2);
const { env, ...app } = JSON.parse(json);
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const master = Buffer.alloc(32, 7).toString("base64");
const api = new Api({ ...app, port: String(app.port), encryptionMasterKeyBase64: master });

// What Laravel answers at /broadcasting/auth. Its users' ids are numbers.
const member = { user_id: user.length, user_info: { id: user.length, name: user } };
const backend = createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  const { socket_id, channel_name } = Object.fromEntries(new URLSearchParams(body));
  const good = request.method === "POST" && request.headers["x-csrf-token"] === "token of the page";
  const presence = channel_name.startsWith("presence-") ? member : undefined;
  const answer = channel_name.includes("forged") ? { auth: `${app.key}:00` } : api.authorizeChannel(socket_id, channel_name, presence);
  response.writeHead(good ? 200 : 403, { "Content-Type": "application/json" });
  response.end(JSON.stringify(good ? answer : {}));
});
await new Promise((listening) => backend.listen(0, "127.0.0.1", listening));

// A page would ask its own origin; Node has none.
const authEndpoint = `http://127.0.0.1:${backend.address().port}/broadcasting/auth`;
class Echo extends LaravelEcho {
  constructor(options) {
    super({ ...options, authEndpoint });
  }
}
globalThis.window = globalThis;
window.Laravel = { csrfToken: "token of the page" };
new Function("Echo", "Pusher", "env", script)(Echo, Pusher, env);

const echo = window.Echo;
const pusher = echo.connector.pusher;
pusher.connection.bind("connected", () => say({ is: "connected", id: echo.socketId() }));
pusher.connection.bind("error", (error) => say({ is: "error", code: error.error?.data?.code }));

const channels = {};
const todo = {
  enter(kind, name) {
    const channel = (channels[name] = echo[kind](name));
    channel.subscribed(() => say({ is: "subscribed", name }));
    channel.error((error) => say({ is: "failed", name, status: error.status }));
    if (kind !== "join") return;
    channel.here((members) => say({ is: "here", members }));
    channel.joining((info) => say({ is: "joining", info }));
    channel.leaving((info) => say({ is: "leaving", info }));
  },
  listen: (name, event) => channels[name].listen(event, (data) => say({ is: "event", event, data })),
  notified: (name) => channels[name].notification((data) => say({ is: "notified", data })),
  heed: (name, event) => channels[name].listenForWhisper(event, (data) => say({ is: "whisper", event, data })),
  whisper: (name, event, data) => channels[name].whisper(event, data),
  leave: (name) => echo.leave(name),
  async trigger(...args) {
    say({ is: "answer", status: (await api.trigger(...args)).status });
  },
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [what, ...args] = JSON.parse(line);
    todo[what](...args);
    say({ is: "done" });
  })
  .on("close", () => process.exit(0));
