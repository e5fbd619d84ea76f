// Figures of several processes as one: what each tells of itself, added up.

const KEPT = 300;

export class Processes {
  constructor() {
    this.known = new Map();
  }

  // What the server is to be asked for: of each process what is newer than what is here.
  since() {
    return Object.fromEntries([...this.known].map(([name, { samples, line }]) => [name, [samples.at(-1)?.time ?? 0, line]]));
  }

  // Take an answer; the new lines of the log, oldest first.
  take(answer) {
    const lines = [];
    for (const [name, figures] of Object.entries(answer.processes)) {
      const known = this.known.get(name) ?? { samples: [], line: 0 };
      // By this browser's clock: the clocks of machines differ.
      const ahead = Date.now() / 1000 - figures.now;
      known.samples = [...known.samples, ...figures.samples].slice(-KEPT);
      known.ahead = ahead;
      known.figures = figures;
      for (const line of figures.log) {
        lines.push({ ...line, process: name, time: line.time + ahead });
        known.line = line.number;
      }
      this.known.set(name, known);
    }
    // One that does not answer is shown as it last was; one that is gone is not shown.
    for (const name of this.known.keys()) {
      if (!(name in answer.processes) && !answer.unanswered.includes(name)) this.known.delete(name);
    }
    return lines.sort((one, other) => one.time - other.time);
  }

  chosen(only) {
    return [...this.known].filter(([name]) => !only || name === only);
  }

  // The points of a chart, a second each: value(sample, the one before) of each process, then together(values).
  points(only, value, together) {
    const seconds = new Map();
    for (const [, { samples, ahead }] of this.chosen(only)) {
      samples.slice(1).forEach((sample, index) => {
        const time = Math.round(sample.time + ahead);
        const values = seconds.get(time) ?? [];
        values.push(value(sample, samples[index]));
        seconds.set(time, values);
      });
    }
    const times = [...seconds.keys()].sort((one, other) => one - other);
    // Of the newest second not all may have told yet: their numbers would fall for a moment.
    const most = this.chosen(only).length;
    while (times.length > 1 && seconds.get(times.at(-1)).length < most) {
      if (times.at(-1) < Date.now() / 1000 - 3) break;
      times.pop();
    }
    return times.map((time) => ({ time, value: together(seconds.get(time)) }));
  }

  // The figures of the chosen processes as one.
  figures(only) {
    const all = this.chosen(only).map(([name, { figures }]) => ({ name, ...figures }));
    const [first] = all;
    if (!first) return null;
    const sum = (of) => all.reduce((total, each) => total + (of(each) ?? 0), 0);
    const slow = all.flatMap((each) => each.slow.map((one) => ({ ...one, process: each.name })));
    const counted = new Map();
    for (const [what, reason, times] of all.flatMap((each) => each.counted)) {
      const key = JSON.stringify([what, reason]);
      counted.set(key, (counted.get(key) ?? 0) + times);
    }
    return {
      version: first.version,
      names: all.map((each) => each.name),
      memory: sum((each) => each.memory),
      max_connections: sum((each) => each.max_connections),
      unready: all.find((each) => each.unready)?.unready ?? "",
      storage: {
        ...first.storage,
        ready: all.every((each) => each.storage.ready),
        round_trip: all.some((each) => each.storage.round_trip == null) ? null : Math.max(...all.map((each) => each.storage.round_trip)),
      },
      pipelines: pipelines(all),
      counted: [...counted].map(([key, times]) => [...JSON.parse(key), times]).sort((one, other) => other[2] - one[2]),
      slow: slow.sort((one, other) => other.waiting - one.waiting).slice(0, 10),
    };
  }
}

function pipelines(all) {
  const named = new Map();
  for (const each of all.flatMap((one) => one.pipelines)) {
    const known = named.get(each.name);
    if (!known) {
      named.set(each.name, structuredClone(each));
      continue;
    }
    known.connections += each.connections;
    // Processes have channels in common.
    known.channels = Math.max(known.channels, each.channels);
    const busiest = new Map(known.busiest);
    each.busiest.forEach(([name, subscribers]) => busiest.set(name, (busiest.get(name) ?? 0) + subscribers));
    known.busiest = [...busiest].sort((one, other) => other[1] - one[1]).slice(0, 10);
    known.chains.forEach((chain) => chain.filters.forEach((filter) => slowest(filter, each, chain.event)));
  }
  return [...named.values()];
}

// A filter is as slow as it is where it is slowest.
function slowest(filter, other, event) {
  const same = other.chains.find((each) => each.event === event)?.filters.find((each) => each.name === filter.name);
  if (same?.max == null) return;
  for (const name of ["p50", "p99", "max"]) filter[name] = Math.max(filter[name] ?? 0, same[name]);
}
