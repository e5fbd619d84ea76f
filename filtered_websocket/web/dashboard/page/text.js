// Values as text. Whatever comes from outside enters the page as text, never as HTML.

// What turns the text around it about, or steers anything, is shown as its number.
const STEERING = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const number = (character) => `\\u${character.codePointAt(0).toString(16).padStart(4, "0")}`;
export const visible = (text) => `${text}`.replace(STEERING, (each) => (each === "\n" || each === "\t" ? each : number(each)));

export function element(tag, text = "", name = "") {
  const made = document.createElement(tag);
  if (text !== "") made.textContent = visible(text);
  if (name) made.className = name;
  return made;
}

export function count(number) {
  if (number >= 1e6) return `${+(number / 1e6).toPrecision(3)}M`;
  if (number >= 1e4) return `${+(number / 1e3).toPrecision(3)}k`;
  return `${Math.round(number)}`;
}

export const many = (number, what, several = `${what}s`) => `${count(number)} ${number === 1 ? what : several}`;

export function age(number) {
  if (number < 60) return `${Math.round(number)} s`;
  if (number < 3600) return `${Math.round(number / 60)} min`;
  return number < 172800 ? `${(number / 3600).toFixed(1)} h` : `${Math.round(number / 86400)} d`;
}

export function bytes(number) {
  for (const unit of ["B", "KiB", "MiB"]) {
    if (number < 1024) return `${unit === "B" || number >= 100 ? Math.round(number) : number.toFixed(1)} ${unit}`;
    number /= 1024;
  }
  return `${number.toFixed(1)} GiB`;
}

export function seconds(number) {
  if (number == null) return "–";
  if (number < 1e-3) return `${(number * 1e6).toFixed(number < 1e-5 ? 1 : 0)} µs`;
  if (number < 1) return `${(number * 1e3).toFixed(number < 1e-2 ? 1 : 0)} ms`;
  return `${number.toFixed(1)} s`;
}

export const clock = (time) => new Date(time * 1000).toTimeString().slice(0, 8);

// The rows of a table's body, each a list of cells; a number stands to the right.
export function rows(table, lists, empty) {
  const body = table.tBodies[0];
  body.replaceChildren(...lists.map((cells) => {
    const row = element("tr");
    row.append(...cells.map((cell, index) => element("td", cell, index === cells.length - 1 ? "number" : "")));
    return row;
  }));
  if (!lists.length) {
    const cell = element("td", empty, "empty");
    cell.colSpan = 3;
    body.insertRow().append(cell);
  }
}

// The pairs of a <dl>: [name, text, class]
export function pairs(list, entries) {
  list.replaceChildren(...entries.map(([name, text, mark]) => {
    const pair = element("div");
    pair.append(element("dt", name), element("dd", text, mark ?? ""));
    return pair;
  }));
}
