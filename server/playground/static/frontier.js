// Speed over fidelity: the presets' measured figures, and what was made here.

import { createPlot } from "./plot.js";
import { speedupOf, threshold, times } from "./figures.js";

const MOST_TICKS = 6;

export function createFrontier(svg) {
  const plot = createPlot(svg);
  // `runs` are maps from lane names to lanes.
  return (presets, runs) => {
    const marks = [...presets.map(presetMark), ...runs.flatMap(runMarks)].filter(Boolean);
    plot.draw(axesAround(marks), marks);
  };
}

function presetMark(preset) {
  const [psnr, speedup] = [preset.measured_psnr_db, speedupOf(preset)];
  return speedup && psnr ? { x: psnr, y: speedup, kind: "preset", label: preset.id } : null;
}

function runMarks({ settings, lanes }, index) {
  return [["paper", "paper"], ["yours", "you"]].map(([name, kind]) => {
    const { seconds, psnr } = lanes[name] ?? {};
    if (!seconds || !psnr || !lanes.exact.seconds) return null;
    const speedup = lanes.exact.seconds / seconds;
    const pair = name === "yours" ? ` ${threshold(settings.tau1)} / ${threshold(settings.tau2)}` : "";
    return { x: psnr, y: speedup, kind, about: `${name}${pair}, run ${index + 1}: ${times(speedup)}, ${psnr.toFixed(1)} dB` };
  });
}

function axesAround(marks) {
  const range = (values, smallest, low, high) => {
    const [least, most] = [Math.min(low, ...values), Math.max(high, ...values)];
    const step = smallest * 2 ** Math.max(0, Math.ceil(Math.log2((most - least) / smallest / MOST_TICKS)));
    return { min: Math.floor(least / step) * step, max: Math.ceil(most / step) * step, step };
  };
  const x = range(marks.map((mark) => mark.x - 1), 5, 20, 45);
  const y = range(marks.map((mark) => mark.y + 0.1), 0.5, 1, 2.5);
  return {
    x: { ...x, title: "PSNR against the exact image, dB", write: (value) => value.toFixed(0) },
    y: { ...y, title: "times as fast as exact", write: (value) => value.toFixed(1) },
  };
}
