// Each pipeline as the pipes it is: cat event | filter | filter

import { element, many, seconds } from "./text.js";

// A pack's filters are all in its module "filters", which says less than the pack's name.
// A long name may be broken behind its dot, and behind each _.
const short = (name) => name.replace(/\.filters\.(?=[^.]+$)/, ".").split(".").slice(-2).join(".").replace(/[._]/g, "$&\u200b");

function filter(each, share) {
  const drawn = element("li", "", "filter");
  const times = [["half within", each.p50], ["99 % within", each.p99], ["longest", each.max]];
  drawn.title = each.max == null ? `${each.name}: not timed yet` : `${each.name}: ${times.map(([what, time]) => `${what} ${seconds(time)}`).join(", ")}`;
  const bar = element("i");
  bar.style.width = `${Math.round(share * 100)}%`;
  const shown = element("span", "", "times");
  shown.append(...[each.p50, each.p99, each.max].map((time) => element("span", seconds(time))));
  drawn.append(element("b", short(each.name)), shown, bar);
  return drawn;
}

function chain({ event, filters }) {
  const drawn = element("div", "", "chain");
  const pipe = element("ol", "", "pipe");
  const whole = filters.reduce((sum, each) => sum + (each.p99 ?? 0), 0);
  pipe.append(...filters.map((each) => filter(each, whole ? (each.p99 ?? 0) / whole : 0)));
  drawn.append(element("span", event, "event"), pipe);
  return drawn;
}

export function pipeline(each) {
  const drawn = element("article", "", "pipeline card");
  const title = element("h3", each.patterns.join(" ") || `${each.name} (not in the configuration any more)`);
  title.append(element("span", `${many(each.connections, "connection")}, ${many(each.channels, "channel")}`));
  drawn.append(title, ...each.chains.map(chain));
  return drawn;
}
