// npm's centrifuge, told what to do in lines of JSON: node centrifugo.js HOST:PORT TRANSPORT CODEC TOKEN
// TRANSPORT is websocket, http_stream or sse, CODEC json or protobuf; what others are to get is JSON with both.
import { createInterface } from "node:readline";
import { Centrifuge } from "centrifuge";
import { Centrifuge as Protobuf } from "centrifuge/build/protobuf";
import { EventSource } from "eventsource";
import WebSocket from "ws";

const [server, transport, codec, token] = process.argv.slice(2);
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const binary = codec === "protobuf";
const encode = (value) => (binary ? new TextEncoder().encode(JSON.stringify(value)) : value);
const decode = (data) => (binary && data ? JSON.parse(new TextDecoder().decode(data) || "null") : data);
const scheme = transport === "websocket" ? "ws" : "http";
const centrifuge = new (binary ? Protobuf : Centrifuge)(
  [{ transport, endpoint: `${scheme}://${server}/connection/${transport}` }],
  {
    token,
    websocket: WebSocket,
    eventsource: EventSource,
    fetch,
    readableStream: ReadableStream,
    emulationEndpoint: `http://${server}/emulation`,
    minReconnectDelay: 50,
    maxReconnectDelay: 200,
  },
);
for (const is of ["connected", "connecting", "disconnected"])
  centrifuge.on(is, ({ code, reason, transport }) => say({ is, code, reason, transport }));
centrifuge.on("publication", ({ channel, data }) => say({ is: "pushed", channel, data: decode(data) }));
centrifuge.on("message", ({ data }) => say({ is: "message", data: decode(data) }));

const people = (clients) => Object.values(clients).map(({ user, connInfo }) => ({ user, info: decode(connInfo) }));
const todo = {
  connect: () => centrifuge.connect(),
  disconnect: () => centrifuge.disconnect(),
  // Its connection ends under it.
  cut: () => centrifuge._transport.close(),
  subscribe(channel, options = {}) {
    const subscription = centrifuge.getSubscription(channel) ?? centrifuge.newSubscription(channel, options);
    subscription.on("subscribed", ({ wasRecovering, recovered, data }) =>
      say({ is: "subscribed", channel, wasRecovering, recovered, data: decode(data) }));
    for (const is of ["unsubscribed", "subscribing"]) subscription.on(is, ({ code }) => say({ is, channel, code }));
    subscription.on("publication", ({ data, offset, tags }) =>
      say({ is: "publication", channel, data: decode(data), offset, tags }));
    for (const is of ["join", "leave"]) subscription.on(is, ({ info: { user } }) => say({ is, channel, user }));
    subscription.subscribe();
  },
  unsubscribe: (channel) => centrifuge.getSubscription(channel).unsubscribe(),
  async call(name, ...args) {
    const answers = {
      publish: async (channel, data) => centrifuge.publish(channel, encode(data)),
      rpc: async (method, data) => decode((await centrifuge.rpc(method, encode(data))).data),
      presence: async (channel) => people((await centrifuge.presence(channel)).clients),
      presenceStats: (channel) => centrifuge.presenceStats(channel),
      history: async (channel, options) =>
        (await centrifuge.history(channel, options)).publications.map(({ data }) => decode(data)),
    };
    try {
      say({ is: "answer", result: await answers[name](...args) });
    } catch ({ code, message }) {
      say({ is: "answer", error: code, says: message });
    }
  },
};

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const [what, ...args] = JSON.parse(line);
    await todo[what](...args);
    say({ is: "done" });
  })
  .on("close", () => process.exit(0));
