// Connections and channels of all processes: listed, traced and ended.

import { SortedTable } from "./table.js";
import { age, bytes, clock, count, element, many, seconds, visible } from "./text.js";

const LINES = 500, EVERY = 3000, PAGE = 200;
const find = (id) => document.getElementById(id);
let may = false, kind = "connections", asking = false, trace = null;

function button(text, name, pressed) {
  const made = element("button", text, name);
  made.type = "button";
  made.addEventListener("click", () => { made.blur(); pressed(made); });
  return made;
}

function actions(row) {
  const cell = element("span", "", "actions");
  cell.append(button("trace", "small", () => begin("id", row.id)));
  const kick = button("kick", "small danger", (made) => {
    // The second press counts: rows may move under the pointer.
    if (made.dataset.sure) end(row);
    else { made.dataset.sure = "yes"; made.textContent = "sure?"; }
  });
  cell.append(kick);
  if (!may) cell.querySelectorAll("button").forEach((each) => { each.disabled = true; });
  return cell;
}

const tables = {
  connections: new SortedTable(find("connections"), [
    { title: "user", value: (row) => row.user },
    { title: "id", value: (row) => row.id },
    { title: "address", value: (row) => row.address },
    { title: "path", value: (row) => row.path },
    { title: "open for", value: (row) => row.age, show: age, number: true },
    { title: "waits", value: (row) => row.waiting, show: bytes, number: true },
    { title: "in", value: (row) => row.bytes_in, show: bytes, number: true },
    { title: "out", value: (row) => row.bytes_out, show: bytes, number: true },
    { title: "messages in / s", value: (row) => row.per_second?.messages_in, show: count, number: true },
    { title: "out / s", value: (row) => row.per_second?.messages_out, show: count, number: true },
    { title: "channels", value: (row) => row.channel_count, show: count, number: true },
    { title: "process", value: (row) => row.process },
    { title: "", cell: actions },
  ], "no connections"),
  channels: new SortedTable(find("channels-table"), [
    { title: "channel", value: (row) => row.name },
    { title: "pipeline", value: (row) => row.pipeline },
    { title: "subscribers", value: (row) => row.subscribers, show: count, number: true },
    { title: "publications / s", value: (row) => row.publications_per_second, show: count, number: true },
    { title: "bytes / s", value: (row) => row.bytes_per_second, show: bytes, number: true },
    { title: "", cell: (row) => {
      const cell = element("span", "", "actions");
      const made = button("trace", "small", () => begin("channel", row.name));
      made.disabled = !may;
      cell.append(made);
      return cell;
    } },
  ], "no channels"),
};

function say(text, mark = "") {
  find("steered").textContent = visible(text);
  find("steered").className = mark;
}

async function ask(path, method = "GET") {
  const response = await fetch(`dashboard/${path}`, { method, redirect: "error" });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

const query = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value)).toString();

async function refresh() {
  if (asking || document.hidden || !find("steer").open) return;
  asking = true;
  try {
    const user = find("of-user").value.trim(), mine = kind;
    const answer = await ask(mine === "connections" ? `connections?${query({ limit: PAGE, sort: "newest", user })}` : `channels?limit=${PAGE}`);
    tables[mine].show(answer[mine]);
    const total = answer.total ?? answer.at_least, shown = answer[mine].length;
    const silent = answer.unanswered.length ? `; ${answer.unanswered.join(", ")} did not answer` : "";
    const part = shown < total ? `${many(shown, mine.slice(0, -1))} of ${count(total)}` : many(shown, mine.slice(0, -1));
    find("found").textContent = visible(`${part} on ${many(answer.processes.length, "process", "processes")}${silent}`);
  } catch (error) {
    say(error.message, "bad");
  } finally {
    asking = false;
  }
}

async function end(row) {
  try {
    const path = `connections/${encodeURIComponent(row.id)}?${query({ pipeline: row.pipeline, reason: "by an operator" })}`;
    const { ended } = await ask(path, "DELETE");
    say(`${many(ended, "connection")} of ${row.user ?? "nobody known"} ended`, "good");
    refresh();
  } catch (error) {
    say(error.message, "bad");
  }
}

// A trace: one line for each event.

function words(event) {
  const { what } = event;
  if (what === "begun") return `tracing ${many(event.connections, "connection")} on ${many(event.processes.length, "process", "processes")}`;
  if (what === "dropped") return `${many(event.count, "event")} were dropped`;
  if (what === "over") return "the time of the trace is over";
  if (what === "filter") {
    const result = event.raises ? ` raises ${event.raises}` : event.gives != null ? ` gives ${event.gives}` : "";
    const of = [event.event, event.namespace, event.name, event.method, event.channel].filter((each) => each != null).join(" ");
    return `${of} | ${event.filter}  ${seconds(event.seconds)}${result}`;
  }
  return [what, event.transport, event.channel, event.payload, event.code, event.reason, event.path].filter((each) => each != null && each !== "").join(" ");
}

function line(event) {
  const item = element("li", "", `step-${event.what}`);
  if (event.time) item.append(element("time", clock(event.time)));
  if (event.user != null || event.id != null) item.append(element("b", event.user ?? event.id.slice(0, 8)));
  item.append(element("span", words(event)));
  const list = find("trace"), follows = list.scrollTop + list.clientHeight >= list.scrollHeight - 4;
  list.append(item);
  while (list.children.length > LINES) list.firstChild.remove();
  if (follows) list.scrollTop = list.scrollHeight;
}

function stop() {
  trace?.close();
  trace = null;
  find("stop-trace").hidden = true;
}

function begin(what, value) {
  stop();
  find("trace").replaceChildren();
  find("trace-pane").hidden = false;
  find("traced").textContent = visible(`${what} ${value}`);
  find("stop-trace").hidden = false;
  const mine = trace = new EventSource(`dashboard/trace?${query({ [what]: value })}`);
  mine.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    line(event);
    if (event.what === "over" && trace === mine) stop();
  };
  // It would ask again and again: a trace that has ended is over.
  mine.onerror = () => { if (trace === mine) { stop(); say("the trace has ended"); } };
}

find("stop-trace").addEventListener("click", stop);
find("steer").addEventListener("toggle", refresh);
find("search").addEventListener("input", () => Object.values(tables).forEach((each) => each.search(find("search").value)));
find("of-user").addEventListener("change", refresh);
find("trace-user").addEventListener("click", () => {
  const user = find("of-user").value.trim();
  if (user) begin("user", user);
  else find("of-user").focus();
});
for (const name of ["connections", "channels"]) {
  find(`show-${name}`).addEventListener("click", () => {
    kind = name;
    for (const each of ["connections", "channels"]) {
      find(`${each}-pane`).hidden = each !== name;
      find(`show-${each}`).setAttribute("aria-pressed", each === name);
    }
    refresh();
  });
}
setInterval(refresh, EVERY);

// Whether this page may trace and end; called with every answer.
export function allow(allowed) {
  if (allowed !== may) {
    may = allowed;
    refresh();
  }
  find("unsteerable").hidden = allowed;
  find("trace-user").disabled = !allowed;
}
