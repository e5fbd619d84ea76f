// Look into a channel, and publish to it. The secret stays in this page's memory.

import { bytes, clock, element, many, visible } from "./text.js";

const MOST = 200;
const find = (id) => document.getElementById(id);

async function post(path, body) {
  const response = await fetch(`dashboard/${path}`, {
    redirect: "error",
    method: "POST", headers: { "Publish-Secret": find("secret").value }, body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

const chosen = () => ({ channel: find("channel").value, pipeline: find("pipeline").value || null });

let watched = null, asking = false;

function say(text, mark = "") {
  find("answer").textContent = visible(text);
  find("answer").className = mark;
}

function show(message) {
  const line = element("li");
  const text = message.binary ? `(binary) ${message.text}` : message.text;
  line.append(element("time", clock(message.time)), element("span", message.size > 2000 ? `${text}… (${bytes(message.size)})` : text));
  find("messages").append(line);
}

// Called once a second.
export async function tick() {
  if (!watched || asking) return;
  asking = true;
  const mine = watched;
  try {
    const { watcher, last, messages } = await post("watch", { ...mine.what, after: mine.after });
    if (watched !== mine) return;
    // Another watcher counts anew: this page has not asked for a while.
    const fresh = mine.watcher === watcher || mine.watcher === null;
    mine.watcher = watcher;
    mine.after = fresh ? last : 0;
    if (!fresh) return;
    const list = find("messages"), follows = list.scrollTop + list.clientHeight >= list.scrollHeight - 4;
    messages.forEach(show);
    while (list.children.length > MOST) list.firstChild.remove();
    if (messages.length && follows) list.scrollTop = list.scrollHeight;
  } catch (error) {
    if (watched === mine) { watched = null; say(error.message, "bad"); }
  } finally {
    asking = false;
  }
}

find("watcher").addEventListener("submit", (event) => {
  event.preventDefault();
  watched = { what: chosen(), after: 0, watcher: null };
  find("messages").replaceChildren();
  say(`watching ${watched.what.channel}`);
  tick();
});

find("publisher").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!find("watcher").reportValidity()) return;
  try {
    await post("publish", { ...chosen(), data: find("message").value });
    say(`published to ${find("channel").value}`, "good");
    find("message").value = "";
    tick();
  } catch (error) {
    say(error.message, "bad");
  }
});

// What there is to choose from.
export function offer(pipelines, may) {
  find("unwatchable").hidden = may;
  find("watcher").hidden = find("publisher").hidden = !may;
  const select = find("pipeline"), names = pipelines.map((each) => each.name);
  if (names.join("\n") !== [...select.options].map((option) => option.value).join("\n")) {
    select.replaceChildren(...pipelines.map((each) => new Option(each.patterns.join(" ") || each.name, each.name)));
    find("pipeline-label").hidden = pipelines.length < 2;
  }
  const busiest = pipelines.find((each) => each.name === select.value)?.busiest ?? [];
  find("channels").replaceChildren(...busiest.map(([name, subscribers]) => new Option(many(subscribers, "subscriber"), name)));
}
