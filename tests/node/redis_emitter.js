// Emits by Redis as Node's @socket.io/redis-emitter does: node redis_emitter.js PORT. Each line that it reads is a list of
// calls in JSON, each behind the other: [["of", "/chat"], ["to", "hall"], ["emit", "news", 1]]. In it {"bytes": [...]}
// stands for bytes, {"date": text} for a date.
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { Emitter } from "@socket.io/redis-emitter";

const redis = connect(Number(process.argv[2]), "127.0.0.1");
const part = (data) => Buffer.concat([Buffer.from(`$${data.length}\r\n`), data, Buffer.from("\r\n")]);
const publish = (channel, data) =>
  redis.write(Buffer.concat([Buffer.from("*3\r\n"), ...["PUBLISH", channel, data].map((each) => part(Buffer.from(each)))]));
const revive = (key, value) =>
  value && value.bytes ? Buffer.from(value.bytes) : value && value.date ? new Date(value.date) : value;

redis.on("data", () => {});
createInterface({ input: process.stdin })
  .on("line", (line) => {
    let target = new Emitter({ publish });
    for (const [method, ...args] of JSON.parse(line, revive)) {
      target = typeof target[method] === "function" ? target[method](...args) : target[method];
    }
    process.stdout.write("done\n");
  })
  .on("close", () => redis.end());
