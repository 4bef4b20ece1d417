/**
 * A small HTTP service that takes its parameters from the runtime, and tells Prometheus what it
 * does and what it really runs with.
 *
 * GET /item/N answers after 20 ms of work, at most `concurrency` of which are done at a time; the
 * last `cache_items` answers are kept and cost no work. SIGHUP makes it read the runtime again.
 */

const WORK_MS = 20;
const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

const [port = "18081"] = Deno.args;
const runtimePath = Deno.env.get("SOAK_RUNTIME") ?? "runtime.json";

let { concurrency, cache_items: cacheItems } = readParameters();
let busy = 0;
const waiting: (() => void)[] = [];
const cache = new Map<string, string>();
const count = { requests: 0, hits: 0, seconds: 0, buckets: BUCKETS_S.map(() => 0) };

function readParameters(): { concurrency: number; cache_items: number } {
  return JSON.parse(Deno.readTextFileSync(runtimePath)).service;
}

Deno.addSignalListener("SIGHUP", () => {
  ({ concurrency, cache_items: cacheItems } = readParameters());
  startWaiting();
});

/** Lets those go on that wait for a free place. */
function startWaiting(): void {
  while (busy < concurrency) {
    const next = waiting.shift();
    if (next === undefined) return;
    busy++;
    next();
  }
}

async function answer(item: string): Promise<string> {
  const known = cache.get(item);
  if (known !== undefined) {
    count.hits++;
    return known;
  }
  await new Promise<void>((resolve) => {
    waiting.push(resolve);
    startWaiting();
  });
  await new Promise((resolve) => setTimeout(resolve, WORK_MS));
  busy--;
  startWaiting();
  const text = `item ${item}\n`;
  cache.set(item, text);
  for (const oldest of cache.keys()) {
    if (cache.size <= cacheItems) break;
    cache.delete(oldest);
  }
  return text;
}

async function timed(item: string): Promise<Response> {
  const start = performance.now();
  const text = await answer(item);
  const seconds = (performance.now() - start) / 1000;
  count.requests++;
  count.seconds += seconds;
  BUCKETS_S.forEach((limit, i) => {
    if (seconds <= limit) count.buckets[i] = (count.buckets[i] ?? 0) + 1;
  });
  return new Response(text);
}

function metrics(): Response {
  const metric = (name: string, type: string, ...samples: string[]): string =>
    [`# TYPE ${name} ${type}`, ...samples.map((sample) => `${name}${sample}`)].join("\n");
  const text = [
    metric("items_concurrency", "gauge", ` ${concurrency}`),
    metric("items_cache_items", "gauge", ` ${cacheItems}`),
    metric("items_cache_hits_total", "counter", ` ${count.hits}`),
    metric(
      "items_request_seconds",
      "histogram",
      ...BUCKETS_S.map((limit, i) => `_bucket{le="${limit}"} ${count.buckets[i]}`),
      `_bucket{le="+Inf"} ${count.requests}`,
      `_sum ${count.seconds}`,
      `_count ${count.requests}`,
    ),
  ].join("\n");
  return new Response(`${text}\n`, { headers: { "content-type": "text/plain; version=0.0.4" } });
}

Deno.serve({ hostname: "127.0.0.1", port: Number(port) }, (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/metrics") return metrics();
  const item = /^\/item\/(\d+)$/.exec(pathname)?.[1];
  return item === undefined ? new Response("no such page\n", { status: 404 }) : timed(item);
});
