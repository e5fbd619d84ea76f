// Asks for the figures once a second, and shows them.

import { Chart } from "./chart.js";
import { pipeline } from "./pipes.js";
import { bytes, clock, count, element, many, pairs, rows, seconds, visible } from "./text.js";
import { offer, tick } from "./watch.js";

const KEPT = 300, LINES = 200, INTERVAL = 1000;
const find = (id) => document.getElementById(id);

const rate = (name) => (now, before) => Math.max(0, (now[name] - before[name]) / (now.time - before.time));
const charts = [
  new Chart("connections", count, (now) => now.connections),
  new Chart("received / s", count, rate("received")),
  new Chart("delivered / s", count, rate("sent")),
  new Chart("bytes sent / s", bytes, rate("sent_bytes")),
  new Chart("channels", count, (now) => now.channels),
  new Chart("waiting for slow clients", bytes, (now) => now.waiting),
  new Chart("processor", (share) => `${Math.round(share * 100)} %`, rate("cpu")),
  new Chart("lag of the reactor", seconds, (now, before) => now.ticks > before.ticks ? (now.lag - before.lag) / (now.ticks - before.ticks) : 0),
];
find("charts").append(...charts.map((chart) => chart.figure));

// Of several processes this page tells of one: nobody should take its figures for all there is.
function worker(number, admin) {
  find("worker").hidden = number == null;
  if (number == null) return;
  const others = admin
    ? "each other worker has a port of its own beside this one"
    : "any of them may answer on this port; --admin_port gives each a page of its own";
  find("worker").textContent = `One of several processes: all figures here are those of worker ${number} alone; ${others}.`;
}

let samples = [], line = 0, process = null;

function state(text, good) {
  find("state").textContent = visible(text);
  find("state").className = `pill ${good ? "good" : "bad"}`;
}

function log(lines) {
  if (!lines.length) return;
  const list = find("log"), follows = list.scrollTop + list.clientHeight >= list.scrollHeight - 4;
  for (const each of lines) {
    const item = element("li", "", each.level);
    item.append(element("time", clock(each.time)), element("span", each.text));
    list.append(item);
    line = each.number;
  }
  while (list.children.length > LINES) list.firstChild.remove();
  if (follows) list.scrollTop = list.scrollHeight;
}

function storage({ name, ready, round_trip, shared, durable }) {
  pairs(find("storage"), [
    ["object", name],
    ["state", ready ? "ready" : "away", ready ? "good" : "bad"],
    ["answers in", round_trip == null ? "not at all" : seconds(round_trip), round_trip == null ? "bad" : ""],
    ["shared by processes", shared ? "yes" : "no"],
    ["durable", durable ? "yes" : "no"],
  ]);
}

function show(figures) {
  if (process !== figures.process) {
    // Another worker, or the server has begun anew: its totals are others.
    samples = [];
    line = 0;
    find("log").replaceChildren();
    if (process !== null) { process = figures.process; return; }
    process = figures.process;
  }
  samples = [...samples, ...figures.samples].slice(-KEPT);
  state(figures.unready || "ready", !figures.unready);
  pairs(find("facts"), [
    ["version", figures.version], ["process", figures.process],
    ["memory", figures.memory == null ? "–" : bytes(figures.memory)], ["at most", many(figures.max_connections, "connection")],
  ]);
  worker(figures.worker, figures.admin_port);
  charts.forEach((chart) => chart.draw(samples));
  find("span").textContent = charts[0].span ? `the last ${Math.round(charts[0].span)} s` : "";
  find("pipelines").replaceChildren(...figures.pipelines.map(pipeline));
  rows(find("counted"), figures.counted.map(([what, reason, times]) => [what, reason, count(times)]), "nothing");
  rows(find("slow"), figures.slow.map((each) => [each.peer, each.path, bytes(each.waiting)]), "none");
  storage(figures.storage);
  offer(figures.pipelines, figures.may_publish);
  log(figures.log);
}

async function ask() {
  try {
    const since = samples.at(-1)?.time ?? 0;
    const response = await fetch(`dashboard/figures?since=${since}&log=${line}`, { redirect: "error" });
    if (response.ok) show(await response.json());
    else state((await response.json()).error, false);
  } catch {
    state("not reachable", false);
  }
  tick();
}

// The server keeps the history: a page that nobody sees need not ask.
async function run() {
  if (!document.hidden) await ask();
  setTimeout(run, INTERVAL);
}
run();
