// Two pictures of one scene over each other, and a line between them.

import { make } from "./dom.js";
import { LANES } from "./run.js";

export function createWipe(root) {
  const find = (id) => root.querySelector(`#${id}`);
  const [left, right, frame, empty, edge, difference] =
    ["left", "right", "wipe", "wipe-empty", "edge", "difference"].map(find);
  const [under, over] = [".under", ".over"].map((each) => frame.querySelector(each));
  let lanes = {};

  function draw() {
    const [a, b] = [left, right].map((select) => lanes[select.value]);
    const isReady = Boolean(a?.src && b?.src);
    frame.hidden = !isReady;
    empty.hidden = isReady;
    frame.style.setProperty("--edge", `${edge.value}%`);
    frame.classList.toggle("difference", difference.checked);
    edge.disabled = difference.checked;
    edge.setAttribute("aria-valuetext", `${edge.value} % ${left.value}, the rest ${right.value}`);
    if (isReady) {
      [over.src, under.src] = [a.src, b.src];
      [over.alt, under.alt] = [`Left of the line: ${left.value}`, `Right of the line: ${right.value}`];
    }
  }

  for (const select of [left, right]) {
    select.replaceChildren(...LANES.map(({ name, title }) => make("option", { value: name }, title)));
  }
  [left.value, right.value] = ["exact", "yours"];
  for (const control of [left, right, edge, difference]) control.addEventListener("input", draw);
  frame.addEventListener("pointermove", (event) => {
    if (event.buttons === 0 && event.pointerType === "mouse") return;
    const box = frame.getBoundingClientRect();
    edge.value = Math.round((100 * (event.clientX - box.left)) / box.width);
    draw();
  });
  draw();

  return (newLanes) => {
    lanes = newLanes;
    draw();
  };
}
