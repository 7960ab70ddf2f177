// The server's HTTP API: one function a call, and one kind of error.

export class ApiError extends Error {
  constructor(status, error, retryAfter) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.param = error.param ?? null;
    this.retryAfter = retryAfter;
  }
}

// keyOf() is the API key of the moment, empty where there is none.
export function createApi(keyOf) {
  async function send(path, options = {}) {
    const headers = { ...options.headers };
    const key = keyOf();
    if (key) headers.authorization = `Bearer ${key}`;
    if (options.body) headers["content-type"] = "application/json";
    let response;
    try {
      response = await fetch(path, { ...options, headers, body: options.body && JSON.stringify(options.body) });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError(0, { message: "the server does not answer", code: "unreachable" });
    }
    if (!response.ok) throw await errorOf(response);
    return response;
  }
  const json = async (path, options) => (await send(path, options)).json();
  const post = (path, body, options) => json(path, { method: "POST", body, ...options });

  return {
    models: () => json("/v1/models"),
    presets: () => json("/v1/presets"),
    measured: () => json("/v1/stats/thresholds"),
    submit: (body, signal) => post("/v1/jobs", body, { signal }),
    job: (id, signal) => json(`/v1/jobs/${id}`, { signal }),
    // A page that is being closed can still send this one.
    cancel: (id) => post(`/v1/jobs/${id}/cancel`, undefined, { keepalive: true }),
    compare: (image, reference, signal) => post("/v1/compare", { image, reference }, { signal }),
    openapi: () => json("/openapi.json"),
    events: async (id, lastEventId, signal) => {
      const headers = lastEventId ? { "last-event-id": lastEventId } : {};
      return (await send(`/v1/jobs/${id}/events`, { headers, signal })).body;
    },
  };
}

async function errorOf(response) {
  const said = await response.json().catch(() => ({}));
  const unknown = { message: `the server answered ${response.status}`, code: "unknown" };
  return new ApiError(response.status, said.error ?? unknown, response.headers.get("retry-after"));
}
