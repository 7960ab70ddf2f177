// The form: what is asked for, and what was wrong with it.

import { make } from "./dom.js";
import { sentence } from "./figures.js";

const FIELD_OF = {
  prompt: "prompt", size: "size", num_inference_steps: "steps", seed: "seed",
  "cache.tau1": "tau1", "cache.tau2": "tau2", "cache.method": "method",
};
const LARGEST_SEED = 2 ** 32;
const SHAPES = [[1, 1], [3, 2], [2, 3], [4, 3], [3, 4], [16, 9], [9, 16]];

export function createQuestion(root, thresholds, onChange) {
  const find = (id) => root.querySelector(`#${id}`);
  const [prompt, size, steps, seed, problem] = ["prompt", "size", "steps", "seed", "problem"].map(find);
  const another = () => Math.floor(Math.random() * LARGEST_SEED);

  for (const field of [prompt, size, steps, seed]) {
    field.addEventListener("input", () => {
      clear();
      onChange();
    });
  }
  find("dice").addEventListener("click", () => {
    seed.value = another();
    clear();
    onChange();
  });

  function clear() {
    problem.hidden = true;
    for (const field of root.querySelectorAll("[aria-invalid]")) {
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
    }
  }

  return {
    clear,
    offer(model) {
      const sizes = sizesOf(model);
      size.replaceChildren(...sizes.map((each) => make("option", { value: each }, each.replace("x", " \u00d7 "))));
      size.value = model.default_size;
      steps.value = model.default_steps;
      seed.value = 7;
      prompt.value ||= model.example_prompt;
    },
    restore(settings) {
      prompt.value = settings.prompt;
      size.value = settings.size;
      [steps.value, seed.value] = [settings.steps, settings.seed];
      clear();
    },
    // Says what the server said, at the field that it means.
    complain(error) {
      const again = error.retryAfter ? ` Try again in ${error.retryAfter} s.` : "";
      // A message about a field begins with the field's name, which is written as it is.
      problem.textContent = (error.param ? `${error.message}.` : sentence(error.message)) + again;
      problem.hidden = false;
      if (!(error.param in FIELD_OF)) return;
      const field = find(FIELD_OF[error.param]);
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", "problem");
      field.focus();
    },
    get settings() {
      const whole = (field) => (field.value === "" ? null : Number(field.value));
      return {
        prompt: prompt.value, size: size.value, steps: whole(steps), seed: whole(seed), ...thresholds.value,
      };
    },
  };
}

// The default, and shapes of about its area as far as they are served.
function sizesOf({ sides, default_size: standard }) {
  const [width, height] = standard.split("x").map(Number);
  const side = (wish) => Math.round(wish / sides.multiple) * sides.multiple;
  const isServed = (each) => each >= sides.min && each <= sides.max;
  const shaped = SHAPES.map(([a, b]) => [side(Math.sqrt((width * height * a) / b)), side(Math.sqrt((width * height * b) / a))]);
  const square = [[sides.min, sides.min], [sides.max, sides.max]];
  const served = [...shaped, ...square].filter(([w, h]) => isServed(w) && isServed(h));
  return [...new Set([standard, ...served.map(([w, h]) => `${w}x${h}`)])];
}
