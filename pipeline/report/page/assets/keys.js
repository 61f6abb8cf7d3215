// Keys do what the pointer does: Tab reaches a chart's first point, arrows walk along its points from left to right,
// Enter opens a point's cell, Escape hides what it told.
const POINTS = '[aria-roledescription="point"]';

const middleOf = (point) => {
  const box = point.getBoundingClientRect();
  return { bubbles: true, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
};

const pointed = (point, event) => point.dispatchEvent(new PointerEvent(event, middleOf(point)));

const walkedByKeys = (place) => {
  const points = [...place.querySelectorAll(POINTS)]
    .map((point) => ({ point, ...middleOf(point) }))
    .sort((one, other) => one.clientX - other.clientX || other.clientY - one.clientY)
    .map(({ point }) => point);
  const reachable = (chosen) => points.forEach((point) => { point.tabIndex = point === chosen ? 0 : -1; });
  const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
  reachable(points[0]);
  points.forEach((point, position) => {
    point.addEventListener("focus", () => { reachable(point); pointed(point, "pointermove"); });
    point.addEventListener("blur", () => pointed(point, "mouseout"));
    point.addEventListener("keydown", (event) => {
      if (event.key in steps) points[position + steps[event.key]]?.focus();
      else if (event.key === "Enter") pointed(point, "click");
      else if (event.key === "Escape") pointed(point, "mouseout");
      else return;
      event.preventDefault();
    });
  });
};
