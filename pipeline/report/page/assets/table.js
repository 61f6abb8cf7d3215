// Tables: every one sorts by its headings; that of the cells filters as well.
const sortKey = (cell) => {
  const traced = cell.querySelectorAll("data");
  if ("sort" in cell.dataset) return Number(cell.dataset.sort === "inf" ? Infinity : cell.dataset.sort);
  return traced.length ? Number(traced[0].value) : cell.textContent.trim();
};

const before = (one, other) => {
  const texts = typeof one === "string" || typeof other === "string";
  return texts ? String(one).localeCompare(String(other)) : one - other;
};

const sortBy = (table, column, heading) => {
  const down = heading.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [sortKey(row.cells[column]), row]);
  // Cells without a number come last, whichever way.
  const missing = (key) => key === "–" || key === "";
  rows.sort(([one], [other]) =>
    missing(one) - missing(other) || (down ? before(other, one) : before(one, other)));
  body.append(...rows.map(([, row]) => row));
};

for (const table of document.querySelectorAll("main table")) {
  if (table.classList.contains("claims")) continue;
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = element("button", { type: "button", class: "sort" }, heading.textContent);
    button.addEventListener("click", () => sortBy(table, column, heading));
    heading.replaceChildren(button);
  });
}

const cellsTable = document.getElementById("cells-table");
const filterCells = () => {
  const text = document.getElementById("filter").value.toLowerCase();
  const status = document.getElementById("status").value;
  let count = 0;
  for (const row of cellsTable.tBodies[0].rows) {
    const names = `${row.cells[0].textContent} ${row.cells[1].textContent}`.toLowerCase();
    row.hidden = !names.includes(text) || (status !== "" && row.dataset.status !== status);
    count += row.hidden ? 0 : 1;
  }
  document.getElementById("shown").textContent = `${count} of ${cellsTable.tBodies[0].rows.length} cells`;
};
if (cellsTable) {
  for (const name of ["filter", "status"])
    document.getElementById(name).addEventListener("input", filterCells);
  filterCells();
}
