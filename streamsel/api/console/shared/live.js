/** The queue as it is now, pushed by the server once something changes. */

import { request } from "./client.js";
import { beforeTryingAgain, seen } from "./waiting.js";

/** Calls `show` with what GET /v1/queue says, now and on every change, for as long as the page is in sight. */
export async function followQueue(show) {
  for (;;) {
    await seen();
    const listening = new AbortController();
    const hide = () => document.visibilityState === "hidden" && listening.abort();
    document.addEventListener("visibilitychange", hide);
    try {
      for await (const status of events(listening.signal)) show(status);
      await beforeTryingAgain({});
    } catch (error) {
      if (error.name !== "AbortError") await beforeTryingAgain(error);
    } finally {
      document.removeEventListener("visibilitychange", hide);
    }
  }
}

/** The data of each event. By hand, for the browser's EventSource sends no key. */
async function* events(signal) {
  const response = await request("GET", "v1/queue/live", { signal });
  if (!response.ok) return;
  let rest = "";
  for await (const piece of pieces(response.body.pipeThrough(new TextDecoderStream()))) {
    const blocks = (rest + piece).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data:"));
      if (data.length) yield JSON.parse(data.map((line) => line.slice(5)).join("\n"));
    }
  }
}

async function* pieces(stream) {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
