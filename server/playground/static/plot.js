// Axes, ticks and marks in an SVG.

import { makeSvg } from "./dom.js";
import { placeNames } from "./names.js";

const WIDTH = 360;
const HEIGHT = 250;
const EDGE = { left: 42, right: 14, top: 12, bottom: 40 };
const NAMES_WITHIN = { left: EDGE.left, right: WIDTH, top: 0, bottom: HEIGHT - EDGE.bottom + 4 };

// Axes are {min, max, step, title, write}. Marks are {x, y, kind, label, about, fill}: kind is the class, label is
// drawn, about is what a pointer is told, fill from 0 to 1 how full the mark is.
export function createPlot(svg) {
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  let axes = null;

  const place = (axis, value, from, to) => from + ((value - axis.min) / (axis.max - axis.min)) * (to - from);
  const across = (x) => place(axes.x, x, EDGE.left, WIDTH - EDGE.right);
  const down = (y) => place(axes.y, y, HEIGHT - EDGE.bottom, EDGE.top);

  return {
    draw(newAxes, marks) {
      axes = newAxes;
      const placed = marks.map((mark) => ({ ...mark, x: across(mark.x), y: down(mark.y) }));
      const [lines, points] = [placed.filter(isLine), placed.filter((mark) => !isLine(mark))];
      // Marks over all names, as they are what was measured; lines under them.
      svg.replaceChildren(...grid(axes, across, down), ...lines.map(drawMark), ...namesOf(points), ...points.map(drawMark));
    },
    // Where a pointer is, in the units of the axes and within them.
    at(event) {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      const share = (value, from, to) => Math.min(1, Math.max(0, (value - from) / (to - from)));
      const { x, y } = axes;
      return {
        x: x.min + share(point.x, EDGE.left, WIDTH - EDGE.right) * (x.max - x.min),
        y: y.min + share(point.y, HEIGHT - EDGE.bottom, EDGE.top) * (y.max - y.min),
      };
    },
  };
}

function grid(axes, across, down) {
  const drawn = [];
  const text = (x, y, words, attributes) => makeSvg("text", { x, y, ...attributes }, words);
  for (const value of ticks(axes.x)) {
    const x = across(value);
    drawn.push(makeSvg("line", { x1: x, x2: x, y1: EDGE.top, y2: HEIGHT - EDGE.bottom, class: "grid" }));
    drawn.push(text(x, HEIGHT - EDGE.bottom + 15, axes.x.write(value), { "text-anchor": "middle" }));
  }
  for (const value of ticks(axes.y)) {
    const y = down(value);
    drawn.push(makeSvg("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y, y2: y, class: "grid" }));
    drawn.push(text(EDGE.left - 6, y + 4, axes.y.write(value), { "text-anchor": "end" }));
  }
  const middle = { x: (EDGE.left + WIDTH - EDGE.right) / 2, y: (EDGE.top + HEIGHT - EDGE.bottom) / 2 };
  drawn.push(text(middle.x, HEIGHT - 6, axes.x.title, { "text-anchor": "middle", class: "axis" }));
  drawn.push(text(11, middle.y, axes.y.title, {
    "text-anchor": "middle", class: "axis", transform: `rotate(-90 11 ${middle.y})`,
  }));
  return drawn;
}

function ticks({ min, max, step }) {
  const first = Math.ceil(min / step - 1e-9);
  const count = Math.floor(max / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => (first + i) * step);
}

const isLine = (mark) => mark.kind === "cross";

function namesOf(points) {
  const reaching = points.map((mark) => ({ ...mark, reach: REACH[mark.kind] }));
  return [...placeNames(reaching, NAMES_WITHIN)].map(([{ label }, place]) => makeSvg("text", { ...place, class: "label" }, label));
}

function drawMark({ x, y, kind, fill, about }) {
  const shape = makeSvg("path", { d: OUTLINES[kind](x, y), class: `mark-${kind}` });
  if (fill !== undefined) shape.setAttribute("fill-opacity", 0.15 + 0.85 * fill);
  if (about) shape.append(makeSvg("title", {}, about));
  return shape;
}

const circle = (r) => (x, y) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
const OUTLINES = {
  preset: (x, y) => `M${x} ${y - 6}l6 6l-6 6l-6 -6z`,
  measured: circle(4),
  paper: (x, y) => `M${x - 4.5} ${y - 4.5}h9v9h-9z`,
  you: circle(6.5),
  cross: (x, y) => `M${x} ${EDGE.top}V${HEIGHT - EDGE.bottom}M${EDGE.left} ${y}H${WIDTH - EDGE.right}`,
};
// The outlines' halves with their strokes.
const REACH = { preset: 7.5, measured: 5, paper: 5.5, you: 7.5 };
