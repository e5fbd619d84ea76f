// Tables that sort by a click on a title and show what has the words that were searched for.

import { element } from "./text.js";

export class SortedTable {
  // columns: {title, value(row), show(value) -> text, number, cell(row) -> an element}; order: the first column's number
  constructor(table, columns, empty) {
    this.columns = columns;
    this.empty = empty;
    this.body = table.tBodies[0] ?? table.createTBody();
    this.rows = [];
    this.words = "";
    this.sorted = { column: null, down: false };
    const head = table.createTHead().insertRow();
    this.titles = columns.map((column) => {
      const title = element("th", "", column.number ? "number" : "");
      title.scope = "col";
      if (column.value) {
        const button = element("button", column.title, "sort");
        button.type = "button";
        button.addEventListener("click", () => this.sort(column));
        title.append(button);
      }
      head.append(title);
      return title;
    });
  }

  show(rows) {
    this.rows = rows;
    this.draw();
  }

  search(words) {
    this.words = words.toLowerCase();
    this.draw();
  }

  sort(column) {
    const { sorted } = this;
    // Numbers are looked at from the largest.
    sorted.down = sorted.column === column ? !sorted.down : Boolean(column.number);
    sorted.column = column;
    this.titles.forEach((title, index) => {
      if (this.columns[index] === column) title.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      else title.removeAttribute("aria-sort");
    });
    this.draw();
  }

  text(row, column) {
    const value = column.value(row);
    return column.show && value != null ? column.show(value) : `${value ?? "–"}`;
  }

  draw() {
    // What is under the pointer, or has the keyboard, stays where it is until it is left.
    if (this.body.contains(document.activeElement)) return;
    const named = this.columns.filter((column) => column.value);
    const found = this.rows.filter((row) => named.some((column) => this.text(row, column).toLowerCase().includes(this.words)));
    const { column, down } = this.sorted;
    if (column) {
      const by = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
      const value = (row) => column.value(row) ?? (column.number ? -1 : "");
      found.sort((one, other) => (down ? by(value(other), value(one)) : by(value(one), value(other))));
    }
    this.body.replaceChildren(...found.map((row) => {
      const line = element("tr");
      line.append(...this.columns.map((each) => {
        const cell = element("td", each.value ? this.text(row, each) : "", each.number ? "number" : "");
        if (each.cell) cell.append(each.cell(row));
        return cell;
      }));
      return line;
    }));
    if (!found.length) {
      const cell = element("td", this.rows.length ? "nothing has these words" : this.empty, "empty");
      cell.colSpan = this.columns.length;
      this.body.insertRow().append(cell);
    }
  }
}
