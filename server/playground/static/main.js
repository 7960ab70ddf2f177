// The page put together: it owns the runs, and says to the parts what to draw.

import { createApi } from "./api.js";
import { percent, seconds, threshold } from "./figures.js";
import { createFrontier } from "./frontier.js";
import { createHistory, MOST_RUNS } from "./history.js";
import { createKey } from "./key.js";
import { createLane, stateInWords } from "./lane.js";
import { createQuestion } from "./question.js";
import { bodyOf, LANES, makeRun, sceneOf } from "./run.js";
import { createSnippets } from "./snippets.js";
import { createThresholds } from "./thresholds.js";
import { createWipe } from "./wipe.js";

const find = (id) => document.getElementById(id);
const page = { model: null, presets: [], runs: [], current: null, running: null };

const key = createKey(find("key"), start);
const api = createApi(() => key.value);
const thresholds = createThresholds(document, drawRequest);
const question = createQuestion(document, thresholds, drawRequest);
const lanes = new Map(LANES.map((lane) => [lane.name, createLane(find("lane"), lane)]));
const drawWipe = createWipe(document);
const drawFrontier = createFrontier(find("frontier"));
const drawSnippet = createSnippets(document, say);
const drawHistory = createHistory(find("history"), find("history-empty"), show);

find("lanes").replaceChildren(...[...lanes.values()].map((lane) => lane.root));
find("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!page.running) generate();
});
find("cancel").addEventListener("click", () => page.running?.abort());
// Nobody waits for the pictures of a page that is gone.
addEventListener("pagehide", () => page.running?.abort());
addEventListener("keydown", (event) => {
  if (event.key === "Escape") page.running?.abort();
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) find("ask").requestSubmit();
});
drawAll();
start();

function say(text) {
  find("said").textContent = text;
}

async function start() {
  question.clear();
  try {
    const [models, presets] = await Promise.all([api.models(), api.presets()]);
    [page.model, page.presets] = [models.data[0], presets.data];
  } catch (error) {
    complain(error);
    return;
  }
  find("model").textContent = page.model.id;
  question.offer(page.model);
  thresholds.offer(page.presets, page.model.default_preset);
  drawAll();
  drawMeasured();
}

async function generate() {
  const settings = question.settings;
  const run = { settings, scene: sceneOf(settings), lanes: { exact: {}, paper: {}, yours: {} } };
  run.lanes.yours.about = aboutYours(settings);
  const known = knownLanes(run.scene);
  page.running = new AbortController();
  const { signal } = page.running;
  page.runs = [...page.runs, run].slice(-MOST_RUNS);
  page.current = run;
  question.clear();
  drawAll();
  try {
    await makeRun(api, settings, known, signal, (name, changes) => change(run, name, changes));
    say("All three are done");
  } catch (error) {
    if (signal.aborted) say("Cancelled");
    else complain(error, run);
  } finally {
    page.running = null;
    if (!run.lanes.exact.src) forget(run);
    drawAll();
    drawMeasured();
  }
}

const aboutYours = ({ preset, tau1, tau2, method }) =>
  `\u03c41 ${threshold(tau1)}, \u03c42 ${threshold(tau2)}, ${preset ? `preset ${preset}` : `rule ${method}`}`;

// The exact image of a scene is made once, and so is the paper's.
function knownLanes(scene) {
  const before = page.runs.findLast((run) => run.scene === scene && !run.isPast);
  const entries = Object.entries(before?.lanes ?? {});
  return Object.fromEntries(entries.filter(([name, lane]) => name !== "yours" && lane.state === "finished"));
}

function change(run, name, changes) {
  const lane = run.lanes[name];
  const before = lane.state;
  Object.assign(lane, changes);
  if (lane.state !== before) sayLane(name, lane);
  if (run !== page.current) return;
  drawLanes();
  if (lane.state === "finished") drawAll();
}

function sayLane(name, lane) {
  const figures = lane.state === "finished" ? `, ${seconds(lane.seconds)}, ${percent(lane.skipped)} skipped` : "";
  say(`${name}: ${stateInWords(lane)}${figures}`);
}

function complain(error, run) {
  if (error.status === 401) key.ask();
  // The server no longer has the exact image, and the next run makes it again.
  if (error.code === "expired" && run) page.runs.filter(({ scene }) => scene === run.scene).forEach((each) => { each.isPast = true; });
  question.complain(error);
}

function forget(run) {
  page.runs = page.runs.filter((each) => each !== run);
}

function show(run) {
  page.current = run;
  question.restore(run.settings);
  thresholds.restore(run.settings);
  drawAll();
}

async function drawMeasured() {
  const report = await api.measured().catch(() => null);
  if (report) thresholds.measured(report.pairs);
}

function drawAll() {
  find("generate").disabled = Boolean(page.running) || !page.model;
  find("generate").textContent = page.running ? "Generating" : "Generate";
  find("cancel").hidden = !page.running;
  drawLanes();
  drawFrontier(page.presets, page.runs);
  drawHistory(page.runs, page.current);
  drawRequest();
}

function drawLanes() {
  const shown = page.current?.lanes ?? {};
  for (const [name, lane] of lanes) lane.draw(shown[name] ?? {}, shown.exact ?? {}, page.current?.settings.prompt);
  drawWipe(shown);
}

function drawRequest() {
  if (!page.model) return;
  const { origin } = location;
  const settings = question.settings;
  drawSnippet(bodyOf(settings, settings.cache), { origin, hasKey: Boolean(key.value), model: page.model.id });
}
