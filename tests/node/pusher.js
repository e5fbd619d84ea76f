// pusher-js and Pusher's Node SDK, told what to do in lines of JSON: node pusher.js OPTIONS USER
// OPTIONS: {appId, key, secret, host, port, useTLS, endpoint}; USER is who signs in and is a member of presence channels.
// With endpoint, a URL, it has its channels signed there, under the name of USER; else it signs them itself.
import { createInterface } from "node:readline";
import Api from "pusher";
import Pusher from "pusher-js";

const [json, user] = process.argv.slice(2);
const { host, port, useTLS, endpoint, ...app } = JSON.parse(json);
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const master = Buffer.alloc(32, 7).toString("base64");
const api = new Api({ ...app, host, port: String(port), useTLS, encryptionMasterKeyBase64: master });

const member = { user_id: user, user_info: { name: `name of ${user}` } };
const pusher = new Pusher(app.key, {
  cluster: "none",
  wsHost: host,
  wsPort: port,
  wssPort: port,
  forceTLS: useTLS,
  enabledTransports: ["ws", "wss"],
  channelAuthorization: endpoint ? { endpoint, params: { name: user } } : {
    customHandler: ({ socketId, channelName }, done) =>
      done(null, api.authorizeChannel(socketId, channelName, channelName.startsWith("presence-") ? member : undefined)),
  },
  userAuthentication: { customHandler: ({ socketId }, done) => done(null, api.authenticateUser(socketId, { id: user })) },
});
const now = () => ({ ms: performance.now() });
pusher.connection.bind("state_change", ({ current }) => say({ is: current, id: pusher.connection.socket_id, ...now() }));
pusher.connection.bind("connecting_in", () => say({ is: "closed", ...now() }));
pusher.connection.bind("error", (error) => say({ is: "error", code: error.data?.code ?? error.error?.data?.code }));
pusher.connection.bind("message", (packet) => packet.user_id && say({ is: "from", user: packet.user_id }));
pusher.user.bind_global((event, data) => say({ is: "user", event, data }));

const shown = (data) => (data?.members ? { members: data.members, count: data.count, me: data.me } : data);
const todo = {
  subscribe: (name) =>
    pusher.subscribe(name).bind_global((event, data) => say({ is: "event", channel: name, event, data: shown(data) })),
  unsubscribe: (name) => pusher.unsubscribe(name),
  trigger: (name, event, data) => pusher.channel(name).trigger(event, data),
  send: (event, data, name) => pusher.send_event(event, data, name),
  signin: () => {
    pusher.signin();
    pusher.user.signinDonePromise.then(() => say({ is: "signed in", user: pusher.user.user_data }));
  },
  disconnect: () => pusher.disconnect(),
  connect: () => pusher.connect(),
  async api(method, ...args) {
    try {
      const answer = await api[method](...args);
      say({ is: "answer", status: answer.status ?? 200, body: answer.json ? await answer.json() : answer });
    } catch (error) {
      say({ is: "answer", status: error.status ?? 0, body: String(error.body ?? error) });
    }
  },
  webhook(headers, rawBody, extra) {
    const hook = api.webhook({ headers, rawBody });
    say({ is: "answer", status: hook.isValid() ? 200 : 401, body: hook.isValid() ? hook.getEvents() : null });
  },
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [what, ...args] = JSON.parse(line);
    todo[what](...args);
    say({ is: "done" });
  })
  .on("close", () => process.exit(0));
