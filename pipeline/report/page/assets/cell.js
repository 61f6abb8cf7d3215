// A cell that is opened: its answer in words, its charts, every probe.
const endings = {
  reached: "reached the target", missed: "had all of its epochs and missed",
  stopped: "could hardly reach any more, and was stopped", diverged: "its loss became infinite",
};
const factsOf = (cell) => [
  ["d₉₀", estimateOf(cell)],
  ["first reached (the paper’s number)", number(cell.d90_paper)],
  [`target (${cell.metric})`, number(cell.target)],
  ["full fine-tuning", `${number(cell.full_metric)}; on training examples ${number(cell.full_train_metric)}`],
  ["chance", number(cell.chance)],
  ["searched from, to", `${number(cell.d_min)} – ${number(cell.d_max)}`],
  ["other fractions (smallest d)", cell.fractions || "–"],
  ["cost", `${number(cell.full_cost_tokens)} tokens of full fine-tuning, ${number(cell.search_cost_tokens)} of probes`],
  ["deviations", [cell.full_deviations, cell.deviations].filter(Boolean).join("; ") || "none"],
];

// With the rules of pipeline/report/shown.py: where no training reached there is an interval alone.
const estimateOf = (cell) => {
  const above = cell.status === "not_reached" && cell.d90_above;
  const below = cell.status === "below_grid";
  if (cell.d90 === null && !below && cell.status !== "not_reached") return "none";
  const least = `below ${number(cell.d_min)}`;
  const most = `above ${number(cell.d_max)}`;
  const estimate = above ? most : below ? least : cell.d90 === null ? "none" : number(cell.d90);
  if ((above && cell.d90_low === cell.d_max) || (below && cell.d90_high === cell.d_min)) return estimate;
  const low = cell.d90_low === null ? least : number(cell.d90_low);
  const high = cell.d90_high === null ? most : number(cell.d90_high);
  return `${estimate}; 95 % interval ${low} – ${high}`;
};

const probesTable = (probes) => {
  const headings = ["probe", "d", "seed", "learning rate", "best metric", "epochs", "why it ended"];
  const lines = probes.map((probe) => [
    number(probe.probe), number(probe.d), number(probe.seed), number(probe.learning_rate),
    number(probe.eval_metric), `${number(probe.best_epoch)} of ${number(probe.epochs_run)}`,
    endings[probe.status] ?? probe.status,
  ]);
  return element("div", { class: "scroll", tabindex: "0" }, element("table", {},
    element("caption", {}, "Every probe in the order of the search; epochs: the best one of those run"),
    element("thead", {}, element("tr", {}, ...headings.map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...lines.map((line) =>
      element("tr", {}, ...line.map((text) => element("td", {}, text)))))));
};

const openCell = (model, task) => {
  const own = (rows) => rows.filter((row) => row.model === model && row.task === task);
  const [cell] = own(tables.cells);
  if (!cell) return;
  const probes = own(tables.probes).map((row, place) => ({ ...row, probe: place + 1 }));
  const learning = own(tables.learning).map((row) => ({ ...probes[row.probe - 1], ...row }));
  const data = { cell: [cell], probes, learning, success: own(tables.success), epochs: own(tables.epochs) };
  const place = (name) => element("div", { class: "chart", "data-cell": name });
  const body = document.getElementById("cell-body");
  const charts = [["success", "Success over d"], ["learning", "Learning curves of the probes"],
    ["full", "Full fine-tuning"]].filter(([name]) => data[name === "full" ? "epochs" : name].length);
  document.getElementById("cell-title").textContent = `${task} at ${cell.label}`;
  body.replaceChildren(
    element("p", {}, element("span", { class: `status ${cell.status}` }, cell.status), ` ${page.statuses[cell.status]}. `,
      cell.reason ? `${cell.reason}. ` : "", cell.advice ? `What to try: ${cell.advice}.` : ""),
    element("dl", {}, ...factsOf(cell).flatMap(([name, text]) =>
      [element("dt", {}, name), element("dd", {}, text)])),
    ...charts.flatMap(([name, title]) => [element("h3", {}, title), place(name)]),
    ...(probes.length ? [probesTable(probes)] : []));
  document.getElementById("cell").showModal();
  return Promise.all(charts.map(([name]) => drawInto(body.querySelector(`[data-cell="${name}"]`), name, data)))
    .then(() => { body.dataset.drawn = `${model}/${task}`; });
};

for (const row of document.querySelectorAll("#cells-table tbody tr")) {
  const cell = tables.cells[Number(row.dataset.row)];
  const name = row.cells[0];
  const button = element("button", { type: "button", class: "open" }, name.textContent);
  button.setAttribute("aria-label", `Open ${cell.task} at ${cell.label}`);
  button.addEventListener("click", () => openCell(cell.model, cell.task));
  name.replaceChildren(button);
}
