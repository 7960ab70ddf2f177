// The runs of this tab, newest first, each to come back to.

import { make } from "./dom.js";
import { decibels, threshold, times } from "./figures.js";

export const MOST_RUNS = 20;

// show(run) is called when one is chosen.
export function createHistory(list, empty, show) {
  return (runs, current) => {
    empty.hidden = runs.length > 0;
    list.replaceChildren(...[...runs].reverse().map((run) => entry(run, run === current, show)));
  };
}

function entry(run, isCurrent, show) {
  const { prompt, tau1, tau2, preset } = run.settings;
  const pair = `${threshold(tau1)} / ${threshold(tau2)}`;
  const picture = run.lanes.yours.src ?? run.lanes.exact.src;
  const button = make("button", { type: "button", "aria-current": String(isCurrent) },
    picture ? make("img", { src: picture, alt: "", width: 48, height: 48 }) : make("span", { class: "blank" }),
    make("span", { class: "text" },
      make("span", { class: "prompt" }, prompt),
      make("span", { class: "small" }, [preset ?? pair, ...outcomeOf(run.lanes)].join(" \u00b7 "))));
  button.addEventListener("click", () => show(run));
  return make("li", {}, button);
}

function outcomeOf({ exact, yours }) {
  if (yours.state !== "finished") return [yours.state ?? ""].filter(Boolean);
  const found = yours.seconds ? [times(exact.seconds / yours.seconds)] : [];
  if (yours.ssim !== undefined) found.push(decibels(yours));
  return found;
}
