/** Tables of figures. */

import { element } from "../shared/dom.js";

/** Fills a table; a column is [heading, cell of a row as text or element, whether it is a number]. */
export function fillTable(table, columns, rows) {
  const head = element("tr");
  for (const [heading, , number] of columns) {
    const cell = element("th", number ? "number" : "", heading || element("span", "unseen", "What can be done"));
    cell.scope = "col";
    head.append(cell);
  }
  const body = rows.map((row) =>
    element("tr", "", ...columns.map(([, cell, number]) => element("td", number ? "number" : "", cell(row)))),
  );
  table.hidden = rows.length === 0;
  table.replaceChildren(element("thead", "", head), element("tbody", "", ...body));
}
