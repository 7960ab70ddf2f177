// How steps ended. The server counts them; the order is told by when a count grows.

export const OUTCOMES = ["full", "detail_hit", "structure_hit"];
const COUNTED_AS = { full: "full", detail_hit: "detail_hits", structure_hit: "structure_hits" };

// The outcomes so far, and those that the newer counts have beyond them.
export function grown(outcomes, counts) {
  const more = OUTCOMES.flatMap((outcome) => {
    const known = outcomes.filter((each) => each === outcome).length;
    return Array(Math.max(0, counts[COUNTED_AS[outcome]] - known)).fill(outcome);
  });
  return [...outcomes, ...more];
}

export function inWords(outcomes, numSteps) {
  const count = (outcome) => outcomes.filter((each) => each === outcome).length;
  const steps = outcomes.length < numSteps ? `${outcomes.length} of ${numSteps} steps` : `${numSteps} steps`;
  return `${steps}: ${count("full")} full, ${count("detail_hit")} with detail reused, ` +
    `${count("structure_hit")} with structure and detail reused`;
}
