/**
 * Twelve clients of the service, each of which asks for one of 200 items, pauses and asks again.
 * They end after two minutes or 50 000 requests, whatever comes first.
 */

const CLIENTS = 12;
const ITEMS = 200;
const PAUSE_MS = 20;
const MOST_REQUESTS = 50_000;
const deadline = performance.now() + 120_000;

const [port = "18081"] = Deno.args;
let requests = 0;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function client(): Promise<void> {
  while (performance.now() < deadline && requests++ < MOST_REQUESTS) {
    const item = Math.floor(Math.random() * ITEMS);
    try {
      const response = await fetch(`http://127.0.0.1:${port}/item/${item}`);
      await response.body?.cancel();
    } catch {
      // The service is not there yet, or not there any more.
      await sleep(100);
    }
    await sleep(PAUSE_MS);
  }
}

await Promise.all(Array.from({ length: CLIENTS }, client));
