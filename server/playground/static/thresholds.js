// The two thresholds: sliders, presets, and the map on which both are seen and set.

import { make } from "./dom.js";
import { percent, speedupOf, threshold, times } from "./figures.js";
import { createPlot } from "./plot.js";

const SMALLEST_RANGE = 0.4;

// onChange() is called when the thresholds have changed. `value` is {tau1, tau2, method, preset, cache}, of which
// `cache` is what a request says.
export function createThresholds(root, onChange) {
  const find = (id) => root.querySelector(`#${id}`);
  const [tau1, tau2, method, group] = ["tau1", "tau2", "method", "presets"].map(find);
  const plot = createPlot(find("map"));
  let presets = [];
  let measured = [];
  // A preset's thresholds may lie between two places of the sliders, which then show the nearest.
  let [preset, pair] = [null, { tau1: 0, tau2: 0 }];

  function draw() {
    for (const slider of [tau1, tau2]) {
      const said = threshold(pair[slider.id]);
      find(`${slider.id}-value`).textContent = said;
      slider.setAttribute("aria-valuetext", said);
    }
    for (const button of group.children) {
      button.setAttribute("aria-pressed", String(button.dataset.preset === preset));
    }
    plot.draw(axesOf(tau1, tau2), marksOf(presets, measured, pair.tau1, pair.tau2));
  }

  function set(changes, newPreset = null) {
    pair = { ...pair, ...changes };
    [tau1.value, tau2.value, preset] = [pair.tau1, pair.tau2, newPreset];
    draw();
    onChange();
  }

  function choose(chosen) {
    method.value = chosen.method;
    set({ tau1: chosen.tau1, tau2: chosen.tau2 }, chosen.id);
  }

  for (const slider of [tau1, tau2]) slider.addEventListener("input", () => set({ [slider.id]: slider.valueAsNumber }));
  method.addEventListener("change", () => set({}));
  followPointer(find("map"), (event) => {
    const { x, y } = plot.at(event);
    [tau1.value, tau2.value] = [x, y];
    set({ tau1: tau1.valueAsNumber, tau2: tau2.valueAsNumber });
  });

  return {
    offer(list, chosen) {
      presets = list.filter((each) => each.tau1 !== undefined);
      const largest = Math.max(SMALLEST_RANGE, ...presets.flatMap((each) => [each.tau1, each.tau2]));
      for (const slider of [tau1, tau2]) slider.max = Math.ceil(largest * 15) / 10;
      group.replaceChildren(...presets.map((each) => presetButton(each, choose)));
      choose(presets.find((each) => each.id === chosen) ?? presets[0]);
    },
    measured(pairs) {
      measured = pairs.filter((pair) => pair.tau1 !== null && pair.tau1 <= tau1.max && pair.tau2 <= tau2.max);
      draw();
    },
    restore(value) {
      method.value = value.method;
      set({ tau1: value.tau1, tau2: value.tau2 }, value.preset);
    },
    get value() {
      const own = { method: method.value, ...pair };
      return { ...own, preset, cache: preset ?? own };
    },
  };
}

function presetButton(preset, choose) {
  const [psnr, speedup] = [preset.measured_psnr_db, speedupOf(preset)];
  const figures = [speedup && times(speedup), psnr && `${psnr.toFixed(1)} dB`].filter(Boolean).join(" \u00b7 ");
  const pair = `${threshold(preset.tau1)} / ${threshold(preset.tau2)}`;
  const button = make("button", { type: "button", "data-preset": preset.id, "aria-pressed": "false" },
    make("b", {}, preset.id), make("span", {}, figures || pair));
  button.addEventListener("click", () => choose(preset));
  return button;
}

function axesOf(tau1, tau2) {
  const write = (value) => value.toFixed(1);
  return {
    x: { min: 0, max: Number(tau1.max), step: 0.1, title: "\u03c41, structure", write },
    y: { min: 0, max: Number(tau2.max), step: 0.1, title: "\u03c42, detail", write },
  };
}

function marksOf(presets, measured, x, y) {
  return [
    ...measured.map((pair) => ({
      x: pair.tau1, y: pair.tau2, kind: "measured", fill: pair.skip_share,
      about: `${threshold(pair.tau1)} / ${threshold(pair.tau2)}: ${percent(pair.skip_share)} of the blocks skipped`,
    })),
    ...byPlace(presets).map((each) => presetMark(each, x, y)),
    { x, y, kind: "cross" },
    { x, y, kind: "you" },
  ];
}

// Yours hides the mark of presets that lie in its place: their name says that it is there too.
function presetMark(presets, x, y) {
  const [{ tau1, tau2 }, names] = [presets[0], presets.map((preset) => preset.id)];
  if (tau1 === x && tau2 === y) names.push("yours");
  return { x: tau1, y: tau2, kind: "preset", label: names.join(", ") };
}

// Presets with the same thresholds share a mark.
function byPlace(presets) {
  const places = new Map();
  for (const preset of presets) {
    const place = `${preset.tau1} ${preset.tau2}`;
    places.set(place, [...(places.get(place) ?? []), preset]);
  }
  return [...places.values()];
}

function followPointer(svg, move) {
  svg.addEventListener("pointerdown", (event) => {
    svg.setPointerCapture(event.pointerId);
    move(event);
  });
  svg.addEventListener("pointermove", (event) => {
    if (svg.hasPointerCapture(event.pointerId)) move(event);
  });
}

