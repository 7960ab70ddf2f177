// A run's steps as a strip of cells: color and height say how each ended.

import { make } from "./dom.js";
import { inWords } from "./outcomes.js";

export function drawStrip(strip, outcomes, numSteps) {
  const cells = Array.from({ length: numSteps }, (_, i) => make("span", { class: `cell ${outcomes[i] ?? "to_come"}` }));
  strip.replaceChildren(...cells);
  strip.setAttribute("aria-label", inWords(outcomes, numSteps));
}
