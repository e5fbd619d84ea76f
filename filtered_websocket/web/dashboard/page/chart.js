// A line over the last minutes, drawn as SVG: one minute at first, then as much as there is, up to five.

import { element } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300, HEIGHT = 64, TOP = 6, FEWEST = 60;

export class Chart {
  // title: what it shows; show: a number as text
  constructor(title, show) {
    this.show = show;
    this.points = [];
    this.peak = element("span", "", "peak");
    this.now = element("span", "–", "value");
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.setAttribute("role", "img");
    this.svg.setAttribute("aria-label", title);
    [this.area, this.stroke, this.cursor] = ["area", "stroke", "cursor"].map((name) => {
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("class", name);
      this.svg.append(path);
      return path;
    });
    const line = element("p");
    line.append(this.now, this.peak);
    this.figure = element("figure", "", "chart");
    this.figure.append(element("figcaption", title), line, this.svg);
    this.svg.addEventListener("pointermove", (event) => this.pointAt(event));
    this.svg.addEventListener("pointerleave", () => { this.pointed = null; this.label(); });
  }

  // points: {time, value}, oldest first
  draw(points) {
    this.points = points;
    if (!this.points.length) return;
    const end = this.points.at(-1).time;
    this.span = Math.max(FEWEST, end - this.points[0].time);
    this.highest = Math.max(...this.points.map((point) => point.value));
    const scale = this.highest || 1;
    const x = (point) => (WIDTH - (end - point.time) / this.span * WIDTH).toFixed(2);
    const y = (point) => (HEIGHT - 1 - point.value / scale * (HEIGHT - TOP)).toFixed(2);
    const line = this.points.map((point) => `${x(point)} ${y(point)}`).join("L");
    this.stroke.setAttribute("d", `M${line}`);
    this.area.setAttribute("d", `M${x(this.points[0])} ${HEIGHT}L${line}L${WIDTH} ${HEIGHT}Z`);
    this.label();
  }

  pointAt(event) {
    const box = this.svg.getBoundingClientRect();
    this.pointed = (1 - (event.clientX - box.left) / box.width) * this.span;
    this.label();
  }

  // What is under the pointer; else the newest value.
  label() {
    if (!this.points.length) return;
    const end = this.points.at(-1).time;
    let point = this.points.at(-1);
    if (this.pointed != null) {
      const distance = (each) => Math.abs(end - each.time - this.pointed);
      point = this.points.reduce((best, each) => distance(each) < distance(best) ? each : best);
      const x = WIDTH - (end - point.time) / this.span * WIDTH;
      this.cursor.setAttribute("d", `M${x} 0V${HEIGHT}`);
    } else {
      this.cursor.removeAttribute("d");
    }
    this.now.textContent = this.show(point.value);
    this.peak.textContent = this.pointed != null ? `${Math.round(end - point.time)} s ago` : `peak ${this.show(this.highest)}`;
  }
}
