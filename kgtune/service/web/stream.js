// Asking the service: server-sent events of a POST, other formats, its state. Knows nothing about the page.

const EXTRACT = "/api/kg-extract";

// What the service refuses, in its own words; `status` is 0 where there was no answer at all.
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function post(path, body, key, signal) {
  const headers = { "Content-Type": "application/json" };
  if (key) headers.Authorization = `Bearer ${key}`;
  let response;
  try {
    response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Refused(0, "");
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  throw new Refused(response.status, said.error ?? response.statusText);
}

// Yield [event, value] for each event of a stream; a stream that ends before its end is refused with status 0.
export async function* events(text, key, signal) {
  const response = await post(`${EXTRACT}/stream`, { text, offsets: true }, key, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      throw error.name === "AbortError" ? error : new Refused(0, "broken");
    });
    if (done) throw new Refused(0, "broken");
    const blocks = (pending + value).split("\n\n");
    pending = blocks.pop();
    for (const block of blocks) {
      const event = read(block);
      if (event === null) continue;
      if (event[0] === "error") throw new Refused(event[1].status, event[1].error);
      yield event;
      if (event[0] === "done") return;
    }
  }
}

// Return the [name, value] of a block of lines; null for a comment that keeps the connection alive.
function read(block) {
  const fields = new Map(block.split("\n").map((line) => line.split(/: ?(.*)/s).slice(0, 2)));
  return fields.has("event") ? [fields.get("event"), JSON.parse(fields.get("data"))] : null;
}

// Return a text's graph in another format, as the service writes it.
export async function inFormat(text, format, key) {
  return (await post(EXTRACT, { text, format }, key)).blob();
}

// Return the formats that the service says it has; what it does not say can only be saved as it is shown.
export async function formats() {
  try {
    const response = await fetch("/openapi.json");
    return (await response.json()).components.schemas.ExtractRequest.properties.format.enum;
  } catch {
    return ["json"];
  }
}

// Return "ready", "notReady" or "gone".
export async function health() {
  try {
    return (await fetch("/api/ready")).ok ? "ready" : "notReady";
  } catch {
    return "gone";
  }
}
