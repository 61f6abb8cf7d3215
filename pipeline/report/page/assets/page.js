// What all parts of the page share: its tables as rows, numbers in words, elements.
const page = JSON.parse(document.getElementById("data").textContent);

// A column of texts is [texts, places]; of numbers it is the numbers.
const valuesOf = (column) =>
  Array.isArray(column[0]) ? column[1].map((place) => column[0][place]) : column;

const rowsOf = (table) => {
  const columns = Object.entries(table).map(([name, column]) => [name, valuesOf(column)]);
  const length = columns.length ? columns[0][1].length : 0;
  return Array.from({ length }, (_, row) =>
    Object.fromEntries(columns.map(([name, values]) => [name, values[row]])));
};

const tables = Object.fromEntries(
  Object.entries(page.tables).map(([name, table]) => [name, rowsOf(table)]));

const number = (value, digits = 4) => {
  if (value === null || value === undefined) return "–";
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return Number(value.toPrecision(digits)).toString().replace("-", "−");
};

// Texts become text nodes, so that no name in a table is ever read as HTML.
const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

document.documentElement.classList.add("scripted");
