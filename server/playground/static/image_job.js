// One image as a job: submitted, followed to its end, cancelled with the signal.

import { ApiError } from "./api.js";
import { readEvents } from "./events.js";
import { grown } from "./outcomes.js";

const LOOK_EACH_MS = 2000;
const RECONNECTS = 5;

// Calls tell(changes) as things happen and returns the job's result. Throws ApiError, or AbortError when cancelled.
export async function makeImage(api, body, signal, tell) {
  const job = await api.submit({ ...body, partial_images: 3 }, signal);
  tell({ job: job.id, state: "queued", position: job.queue_position });
  const queue = watchQueue(api, job.id, tell);
  try {
    return await follow(api, job.id, signal, tell, queue);
  } catch (error) {
    if (signal.aborted) await api.cancel(job.id).catch(() => {});
    throw error;
  } finally {
    queue.stop();
  }
}

// Where the job is in the queue changes without an event of its own.
function watchQueue(api, id, tell) {
  const timer = setInterval(async () => {
    const job = await api.job(id).catch(() => null);
    if (job?.state === "queued" && !stopped) tell({ position: job.queue_position, secondsLeft: job.seconds_left });
  }, LOOK_EACH_MS);
  let stopped = false;
  return { stop() { stopped = true; clearInterval(timer); } };
}

// A line that breaks is taken up where it was.
async function follow(api, id, signal, tell, queue) {
  const seen = { lastId: undefined, outcomes: [] };
  let result = null;
  for (let broken = 0; ; broken++) {
    try {
      for await (const event of readEvents(await api.events(id, seen.lastId, signal))) {
        seen.lastId = event.id ?? seen.lastId;
        broken = 0;
        result = take(event, seen, tell, queue);
      }
      if (result) return result;
    } catch (error) {
      if (signal.aborted || (error instanceof ApiError && error.status)) throw error;
      if (broken >= RECONNECTS) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 300 * 2 ** broken));
  }
}

// What one event changes; the result when it is the last.
function take({ name, data }, seen, tell, queue) {
  switch (name) {
    case "job.queued":
      tell({ state: "queued", position: data.queue_position });
      return null;
    case "job.started":
      queue.stop();
      seen.outcomes = [];
      tell({ state: "running", outcomes: [] });
      return null;
    case "job.step":
      seen.outcomes = grown(seen.outcomes, data.cache);
      tell({ state: "running", step: data.step, numSteps: data.num_steps, outcomes: seen.outcomes });
      return null;
    case "job.partial_image":
      tell({ src: `data:image/png;base64,${data.b64_json}`, isPreview: true });
      return null;
    case "error":
      throw new ApiError(500, data.error);
    case "job.finished":
      if (!data.job?.result) throw new ApiError(410, { message: "the image was made and is past its life", code: "expired" });
      return data.job.result;
    default:
      throw new ApiError(500, data.job?.error ?? { message: `the job ended: ${name}`, code: "ended" });
  }
}
