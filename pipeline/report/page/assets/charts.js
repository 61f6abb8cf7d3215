// The charts: which tasks they show, on which axes, drawn anew at every change.
const shown = { hidden: new Set(), d: "log", along: page.axis, x: null };
const alongD = new Set(["place", "low", "high", "d", "d90", "published"]);
const alongSteps = new Set(["step", "tokens_seen"]);

// Visits every part of a specification that encodes something.
const eachEncoding = (part, visit) => {
  if (part === null || typeof part !== "object") return;
  if (part.encoding) visit(part.encoding);
  Object.values(part).forEach((inner) => eachEncoding(inner, visit));
};

const onSteps = (channel, rows) => {
  const steps = [...new Set(rows.map((row) => row[shown.along]).filter((step) => step !== null))];
  channel.field = shown.along;
  channel.title = shown.along === "step" ? `pretraining ${rows[0]?.unit ?? ""}` : "pretraining tokens";
  channel.axis = { ...channel.axis, values: steps };
  const { constant, ...scale } = channel.scale;
  channel.scale = { ...scale, type: shown.x };
  const least = Math.min(...steps.filter((step) => step > 0));
  if (shown.x === "symlog") channel.scale.constant = Number.isFinite(least) ? least : 1;
};

// As many names a line as fit beside each other; their pixels are reckoned from the longest one's letters.
const legendFor = (spec, width) => {
  let letters = spec.usermeta.letters ?? 0;
  eachEncoding(spec, ({ color, shape }) => {
    for (const channel of [color, shape])
      for (const name of channel?.legend?.labelExpr ? [] : channel?.scale?.domain ?? [])
        letters = Math.max(letters, String(name).length);
  });
  const room = width - 80;
  const columns = Math.floor(room / (6 * letters + 28));
  return { columns: Math.min(Math.max(columns, 1), 4), labelLimit: Math.max(room - 28, 60) };
};

// The specification as the page's controls ask for it, in a place so wide.
const adapted = (spec, data, width) => {
  const changed = structuredClone(spec);
  eachEncoding(changed, (encoding) => {
    for (const channel of [encoding.x, encoding.y]) {
      if (channel && alongD.has(channel.field) && channel.scale) channel.scale.type = shown.d;
      if (channel && spec.usermeta.steps && alongSteps.has(channel.field)) onSteps(channel, data.cells);
    }
  });
  changed.config = { ...changed.config, legend: { ...changed.config.legend, ...legendFor(spec, width) } };
  return { ...changed, datasets: data };
};

const drawInto = (place, name, data) =>
  vegaEmbed(place, adapted(page.specs[name], data, place.clientWidth), {
    renderer: "svg",
    logLevel: 1, // errors alone: a task or a status without rows is no mistake
    actions: { export: true, source: false, compiled: false, editor: false },
    downloadFileName: name,
  }).then((drawn) => { walkedByKeys(place); return drawn; });

const ofFamily = (family) => tables.cells.filter((row) => row.family === family);
const visible = (rows) => rows.filter((row) => !shown.hidden.has(row.task));

const drawAll = () => {
  const data = Object.fromEntries(
    Object.entries({ ...tables, cells: ofFamily("trajectory"), zoo: ofFamily("zoo") })
      .map(([name, rows]) => [name, visible(rows)]));
  const places = [...document.querySelectorAll(".chart[data-panel]")];
  return Promise.all(places.map(async (place) => {
    const { view } = await drawInto(place, place.dataset.panel, data);
    view.addEventListener("click", (_, item) => {
      const row = item?.datum;
      if (row && place.closest("#trajectory, #generalization, #relative_gap, #zoo"))
        openCell(row.model, row.task);
    });
  })).then(() => { document.documentElement.dataset.drawn = String(++drawings); });
};
let drawings = 0;

const control = (name, act) => {
  for (const input of document.querySelectorAll(`.controls input[name="${name}"]`))
    input.addEventListener("change", () => { act(input); drawAll(); });
};

const usual = page.specs.trajectory;
if (usual) {
  eachEncoding(usual, (encoding) => {
    if (encoding.x && alongSteps.has(encoding.x.field)) shown.x = encoding.x.scale.type;
  });
  for (const [name, value] of [["along", shown.along], ["x", shown.x]]) {
    const input = document.querySelector(`.controls input[name="${name}"][value="${value}"]`);
    if (input) input.checked = true;
  }
  if (tables.cells.every((row) => row.tokens_seen === null))
    document.querySelector('.controls input[value="tokens_seen"]').disabled = true;
}
control("task", (input) => {
  if (input.checked) shown.hidden.delete(input.value); else shown.hidden.add(input.value);
});
control("d", (input) => { shown.d = input.value; });
control("along", (input) => { shown.along = input.value; });
control("x", (input) => { shown.x = input.value; });
drawAll();
