// The request as something to paste.

import { make } from "./dom.js";

const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const KEY = "$H2SERVE_API_KEY";

const LANGUAGES = {
  curl: (body, { origin, hasKey }) => [
    `curl -s ${origin}/v1/images/generations`,
    ...(hasKey ? [`-H "authorization: Bearer ${KEY}"`] : []),
    "-H 'content-type: application/json'",
    `-d ${shell(JSON.stringify(body))}`,
  ].join(" \\\n  "),
  Python: (body, { origin, hasKey, model }) => {
    const { prompt, size, ...extra } = body;
    const key = hasKey ? 'os.environ["H2SERVE_API_KEY"]' : '"none"';
    return [
      ...(hasKey ? ["import os", ""] : []),
      "from openai import OpenAI",
      "",
      `client = OpenAI(base_url="${origin}/v1", api_key=${key})`,
      "image = client.images.generate(",
      `    model="${model}",`,
      `    prompt=${JSON.stringify(prompt)},`,
      `    size="${size}",`,
      `    extra_body=${JSON.stringify(extra)},`,
      ").data[0]",
    ].join("\n");
  },
  JSON: (body) => JSON.stringify(body, null, 2),
};

// Call what is returned with the body and {origin, hasKey, model} when the request has changed.
export function createSnippets(root, say) {
  const find = (id) => root.querySelector(`#${id}`);
  const [languages, snippet, copy] = ["languages", "snippet", "copy"].map(find);
  let [chosen, body, where] = ["curl", null, null];

  function draw() {
    for (const button of languages.children) {
      button.setAttribute("aria-pressed", String(button.textContent === chosen));
    }
    snippet.textContent = body ? LANGUAGES[chosen](body, where) : "";
  }

  languages.replaceChildren(...Object.keys(LANGUAGES).map((language) => {
    const button = make("button", { type: "button" }, language);
    button.addEventListener("click", () => {
      chosen = language;
      draw();
    });
    return button;
  }));
  copy.addEventListener("click", async () => {
    const isDone = await copied(snippet);
    say(isDone ? "Copied" : "The text is selected: copy it with the keyboard");
    copy.textContent = isDone ? "Copied" : "Selected";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });

  return (newBody, newWhere) => {
    [body, where] = [newBody, newWhere];
    draw();
  };
}

// Over plain HTTP from another machine a page may not write the clipboard: then the text is selected.
async function copied(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return false;
  }
}
