// One run: the same prompt and seed three times, exact, under the paper's thresholds, and under yours.

import { makeImage } from "./image_job.js";
import { grown } from "./outcomes.js";

export const LANES = [
  { name: "exact", title: "Exact", what: "cache off: every block at every step", cacheOf: () => "off" },
  { name: "paper", title: "Paper", what: "H2-Cache with its published thresholds", cacheOf: () => "paper" },
  { name: "yours", title: "Yours", what: "", cacheOf: (settings) => settings.cache },
];

export function bodyOf(settings, cache) {
  const { prompt, size, steps, seed } = settings;
  return { prompt, size, num_inference_steps: steps, seed, cache };
}

// What makes two runs' exact images the same.
export function sceneOf({ prompt, size, steps, seed }) {
  return JSON.stringify([prompt, size, steps, seed]);
}

// One image after the other, so that the seconds of each are its own: in one batch the exact one would set the pace
// for all. Lanes in `known` are taken as they are. Calls tell(name, changes); throws what makeImage throws.
export async function makeRun(api, settings, known, signal, tell) {
  const jobs = {};
  for (const { name, cacheOf } of LANES) {
    if (known[name]) {
      jobs[name] = known[name].job;
      tell(name, { ...known[name], state: "finished", isKnown: true });
      continue;
    }
    await makeLane(api, bodyOf(settings, cacheOf(settings)), signal, (changes) => {
      jobs[name] = changes.job ?? jobs[name];
      tell(name, changes);
    });
    if (name !== "exact") tell(name, await likenessOf(api, jobs[name], jobs.exact, signal));
  }
}

async function makeLane(api, body, signal, tell) {
  let outcomes = [];
  tell({ state: "submitting", numSteps: body.num_inference_steps });
  try {
    const result = await makeImage(api, body, signal, (changes) => {
      outcomes = changes.outcomes ?? outcomes;
      tell(changes);
    });
    tell(finishedLane(result, outcomes));
  } catch (error) {
    tell({ state: signal.aborted ? "cancelled" : "failed", message: error.message });
    throw error;
  }
}

function finishedLane(result, outcomes) {
  const [image] = result.data;
  const { total_ms: total, queue_ms: queued } = result.timings;
  return {
    state: "finished",
    src: `data:image/${result.output_format};base64,${image.b64_json}`,
    isPreview: false,
    counts: image.cache,
    // Steps whose event was missed come last.
    outcomes: grown(outcomes, image.cache),
    seconds: (total - queued) / 1000,
    skipped: 1 - image.cache.flops_ratio,
  };
}

async function likenessOf(api, image, reference, signal) {
  const { equal, psnr_db: psnr, ssim } = await api.compare(image, reference, signal);
  return { equal, psnr, ssim };
}
