// Numbers as the page writes them.

export const seconds = (value) => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} s`;
export const percent = (share) => `${Math.round(100 * share)} %`;
export const times = (factor) => `${factor.toFixed(2)}\u00d7`;
// A preset's speed over the exact run, measured as a share of its seconds.
export const speedupOf = ({ measured_seconds_ratio: share }) => share && 1 / share;
export const decibels = ({ equal, psnr }) => (equal ? "equal" : `${psnr.toFixed(1)} dB`);
export const threshold = (value) => value.toFixed(3).replace(/0$/, "");
export const sentence = (text) => text[0].toUpperCase() + text.slice(1) + (text.endsWith(".") ? "" : ".");
