// Asks for the figures of all processes once a second, and shows them.

import { Chart } from "./chart.js";
import { pipeline } from "./pipes.js";
import { Processes } from "./processes.js";
import { allow } from "./steer.js";
import { bytes, clock, count, element, many, pairs, rows, seconds, visible } from "./text.js";
import { offer, tick } from "./watch.js";

const LINES = 200, INTERVAL = 1000;
const find = (id) => document.getElementById(id);

const rate = (name) => (now, before) => Math.max(0, (now[name] - before[name]) / (now.time - before.time));
const sum = (values) => values.reduce((total, value) => total + value, 0);
const most = (values) => Math.max(...values);
const charts = [
  [new Chart("connections", count), (now) => now.connections, sum],
  [new Chart("received / s", count), rate("received"), sum],
  [new Chart("delivered / s", count), rate("sent"), sum],
  [new Chart("bytes sent / s", bytes), rate("sent_bytes"), sum],
  [new Chart("waiting for slow clients", bytes), (now) => now.waiting, sum],
  [new Chart("processor", (share) => `${Math.round(share * 100)} %`), rate("cpu"), sum],
  // Of each second, and of the process where it is worst: a mean would hide what a client feels.
  [new Chart("lag of the reactor, longest", seconds), (now) => now.lag_max, most],
  [new Chart("lag of the reactor, 99 %", seconds), (now) => now.lag_p99, most],
];
find("charts").append(...charts.map(([chart]) => chart.figure));

const processes = new Processes();

function state(text, good) {
  find("state").textContent = visible(text);
  find("state").className = `pill ${good ? "good" : "bad"}`;
}

// What this page shows is of all processes, or of one that is chosen; it names those that do not answer.
function choose(names, unanswered) {
  const select = find("process"), known = [...select.options].slice(1).map((option) => option.value);
  if (names.join("\n") !== known.join("\n")) {
    const before = select.value;
    select.replaceChildren(new Option(`all ${names.length} processes`, ""), ...names.map((name) => new Option(name, name)));
    select.value = names.includes(before) ? before : "";
  }
  find("process-label").hidden = names.length < 2;
  find("silent").hidden = !unanswered.length;
  find("silent").textContent = visible(`Not answering: ${unanswered.join(", ")}. What is shown of them is what they last said.`);
}

function log(lines, several) {
  if (!lines.length) return;
  const list = find("log"), follows = list.scrollTop + list.clientHeight >= list.scrollHeight - 4;
  for (const each of lines) {
    const item = element("li", "", each.level);
    item.append(element("time", clock(each.time)));
    if (several) item.append(element("small", each.process));
    item.append(element("span", each.text));
    list.append(item);
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

function show(answer) {
  const lines = processes.take(answer);
  choose([...processes.known.keys()].sort(), answer.unanswered);
  draw(answer.may_publish);
  log(lines, processes.known.size > 1);
  allow(answer.may_steer);
}

function draw(mayPublish) {
  const only = find("process").value, figures = processes.figures(only);
  if (!figures) return;
  state(figures.unready || "ready", !figures.unready);
  pairs(find("facts"), [
    ["version", figures.version], [figures.names.length > 1 ? "processes" : "process", figures.names.length > 1 ? figures.names.length : figures.names[0]],
    ["memory", figures.memory ? bytes(figures.memory) : "–"], ["at most", many(figures.max_connections, "connection")],
  ]);
  charts.forEach(([chart, value, together]) => chart.draw(processes.points(only, value, together)));
  find("span").textContent = charts[0][0].span ? `the last ${Math.round(charts[0][0].span)} s` : "";
  find("pipelines").replaceChildren(...figures.pipelines.map(pipeline));
  rows(find("counted"), figures.counted.map(([what, reason, times]) => [what, reason, count(times)]), "nothing");
  rows(find("slow"), figures.slow.map((each) => [each.peer, each.path, bytes(each.waiting)]), "none");
  storage(figures.storage);
  offer(figures.pipelines, mayPublish);
}

// Numbers of before look like it.
const stale = (is) => document.body.classList.toggle("stale", is);

async function ask() {
  try {
    const since = encodeURIComponent(JSON.stringify(processes.since()));
    const response = await fetch(`dashboard/figures?since=${since}`, { redirect: "error" });
    const answer = await response.json();
    stale(!response.ok);
    if (response.ok) show(answer);
    else state(answer.error, false);
  } catch {
    stale(true);
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
