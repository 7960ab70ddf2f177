// A lane: one of the three pictures, with its steps and figures.

import { make } from "./dom.js";
import { decibels, percent, seconds, times } from "./figures.js";
import { drawStrip } from "./strip.js";

export function createLane(template, { name, title, what }) {
  const root = template.content.cloneNode(true).firstElementChild;
  const find = (selector) => root.querySelector(selector);
  const [heading, image, empty, state, strip, figures] =
    ["h3", "img", ".empty", ".state", ".strip", ".figures"].map(find);
  root.dataset.lane = name;
  heading.textContent = title;
  heading.id = `lane-${name}`;
  root.setAttribute("aria-labelledby", heading.id);
  find(".what").textContent = what;

  return {
    root,
    // `exact` is the lane that speed is against.
    draw(lane, exact, prompt) {
      root.dataset.state = lane.state;
      root.classList.toggle("preview", Boolean(lane.isPreview));
      image.hidden = !lane.src;
      empty.hidden = Boolean(lane.src);
      if (lane.src && image.src !== lane.src) image.src = lane.src;
      image.alt = lane.src ? `${title}${lane.isPreview ? ", forming" : ""}: ${prompt}` : "";
      if (lane.about) find(".what").textContent = lane.about;
      state.textContent = stateInWords(lane);
      drawStrip(strip, lane.outcomes ?? [], lane.numSteps ?? 0);
      strip.hidden = !lane.numSteps;
      figures.replaceChildren(...figuresOf(lane, exact).flatMap(([term, value]) => [
        make("div", {}, make("dt", {}, term), make("dd", {}, value)),
      ]));
    },
  };
}

export function stateInWords(lane) {
  switch (lane.state) {
    case "submitting":
      return "sent";
    case "queued":
      return lane.position > 0 ? `waiting, ${lane.position} before it${left(lane)}` : "waiting, next in the queue";
    case "running":
      return lane.step ? `step ${lane.step} of ${lane.numSteps}` : "started";
    case "finished":
      return lane.isKnown ? "done, from before" : "done";
    case "cancelled":
      return "cancelled";
    case "failed":
      return "failed";
    default:
      return "";
  }
}

const left = ({ secondsLeft }) => (secondsLeft ? `, about ${Math.ceil(secondsLeft)} s` : "");

function figuresOf(lane, exact) {
  if (lane.state !== "finished") return [];
  const found = [["time", seconds(lane.seconds)], ["skipped", percent(lane.skipped)]];
  if (lane === exact) return found;
  if (exact.seconds && lane.seconds) found.push(["speed", times(exact.seconds / lane.seconds)]);
  if (lane.ssim !== undefined) found.push(["PSNR", decibels(lane)], ["SSIM", lane.ssim.toFixed(3)]);
  return found;
}
