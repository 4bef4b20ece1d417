/**
 * Values from a Prometheus server: instant queries over its HTTP API.
 *
 * @module
 */

import { networkCause } from "../base/errors.ts";
import { parseJson } from "../base/json.ts";
import { isJsonObject, type JsonValue } from "../base/json_value.ts";
import { printable } from "../base/text.ts";
import type { Kpi, Parameter, ParameterValue, Profile } from "../model/profile.ts";
import { valueOfMetric } from "../model/value.ts";
import { MeasurementError, notMeasured, type Reading } from "./measurement.ts";
import { netNotPermitted } from "./permission.ts";

/** The placeholder in a query for the length of an iteration, for example `rate(x[${window}])`. */
const WINDOW = "${window}";

/** The largest answer that is read, in bytes. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Where and how to query. */
export interface QueryOptions {
  /** The server, for example `http://127.0.0.1:9090`. */
  readonly url: string;
  /** How long an answer may take, in seconds. */
  readonly timeoutSeconds: number;
}

/** Reads every KPI and parameter of a profile that has a query. */
export async function readQueries(
  profile: Profile,
  windowSeconds: number,
  options: QueryOptions,
): Promise<Reading> {
  const kpis: [string, number][] = [];
  for (const kpi of queried(profile.kpis)) {
    kpis.push([kpi.key, await ask("KPI", kpi, windowSeconds, options)]);
  }
  const effectiveParams: [string, ParameterValue][] = [];
  for (const parameter of queried(profile.parameters)) {
    const number = await ask("parameter", parameter, windowSeconds, options);
    effectiveParams.push([parameter.key, meaningOf(number, parameter)]);
  }
  return {
    kpis: Object.fromEntries(kpis),
    effectiveParams: Object.fromEntries(effectiveParams),
  };
}

function queried<T extends Kpi | Parameter>(all: readonly T[]): (T & Queried)[] {
  return all.filter((item): item is T & Queried => item.query !== undefined);
}

/** A KPI or a parameter with a query. */
interface Queried {
  readonly key: string;
  readonly query: string;
}

/** The value that a number stands for: of a boolean, 0 is false and 1 is true. */
function meaningOf(number: number, parameter: Parameter & Queried): ParameterValue {
  const value = valueOfMetric(parameter, number);
  if (value !== undefined) return value;
  const what =
    `parameter ${parameter.key}: the value is ${number}, and only 0 is false and 1 is true`;
  throw notMeasured(`${what} (query: ${printable(parameter.query, 300)})`);
}

/** A duration as PromQL writes it. Never rounded up: that would take in the iteration before. */
function promDuration(seconds: number): string {
  const ms = Math.max(1, Math.floor(seconds * 1000));
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

async function ask(
  what: string,
  { key, query: text }: Queried,
  windowSeconds: number,
  options: QueryOptions,
): Promise<number> {
  const query = text.replaceAll(WINDOW, promDuration(windowSeconds));
  try {
    return await queryPrometheus(query, options);
  } catch (error) {
    if (!(error instanceof MeasurementError)) throw error;
    throw notMeasured(`${what} ${key}: ${error.what} (query: ${printable(query, 300)})`, {
      cause: error,
    });
  }
}

/** Asks for the one value of a query, as of now. */
export async function queryPrometheus(query: string, options: QueryOptions): Promise<number> {
  const { url, timeoutSeconds } = options;
  const endpoint = `${url.replace(/\/+$/, "")}/api/v1/query`;
  const response = await fetch(endpoint, {
    method: "POST",
    body: new URLSearchParams({ query, timeout: String(timeoutSeconds) }),
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutSeconds * 1000),
  }).catch((error) => {
    const what = `Prometheus can't be reached at ${printable(endpoint, 200)}`;
    throw failedCall(what, error, timeoutSeconds);
  });
  const text = await readText(response).catch((error) => {
    throw failedCall("Prometheus' answer could not be read", error, timeoutSeconds);
  });
  return theValue(theResult(text, response.status));
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw notMeasured("Prometheus' answer is larger than 1 MiB");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function failedCall(what: string, error: unknown, timeoutSeconds: number): Error {
  if (error instanceof MeasurementError) return error;
  if (error instanceof Deno.errors.NotCapable) {
    return netNotPermitted(error);
  }
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return notMeasured(`Prometheus did not answer within ${timeoutSeconds} s`, { cause: error });
  }
  return notMeasured(`${what}: ${networkCause(error)}`, { cause: error });
}

/** What an answer holds, if the server gave it as the whole of what was asked for. */
function theResult(text: string, status: number): JsonValue | undefined {
  if (status >= 300 && status < 400) {
    throw notMeasured(
      `HTTP status ${status}: a redirect, which is not followed; name the server that answers`,
    );
  }
  const answered = status === 200;
  let answer: JsonValue;
  try {
    answer = parseJson(text, "the answer");
  } catch (cause) {
    throw notMeasured(
      answered
        ? "the answer is not Prometheus' JSON"
        : `HTTP status ${status}, and the answer is not Prometheus' JSON`,
      { cause },
    );
  }
  if (!isJsonObject(answer)) throw notMeasured("the answer is not Prometheus' JSON");
  if (answer["status"] !== "success") {
    const kind = typeof answer["errorType"] === "string" ? `${answer["errorType"]}: ` : "";
    const error = typeof answer["error"] === "string" ? answer["error"] : `HTTP status ${status}`;
    throw notMeasured(`Prometheus refused the query: ${printable(kind + error, 300)}`);
  }
  if (!answered) throw notMeasured(`HTTP status ${status}, which is not that of a whole answer`);
  requireWhole(answer["warnings"]);
  return answer["data"];
}

/** With a warning comes what could be had, without the servers or blocks that could not be read. */
function requireWhole(warnings: JsonValue | undefined): void {
  if (warnings === undefined || warnings === null) return;
  if (Array.isArray(warnings) && warnings.length === 0) return;
  const [first] = Array.isArray(warnings) ? warnings : [warnings];
  const says = typeof first === "string" ? first : JSON.stringify(first);
  throw notMeasured(`the answer may be partial: Prometheus warns: ${printable(says, 300)}`);
}

function theValue(data: JsonValue | undefined): number {
  if (!isJsonObject(data)) throw notMeasured("the answer has no result");
  const { resultType, result } = data;
  if (resultType === "scalar") return sampleValue(result);
  if (resultType !== "vector" || !Array.isArray(result)) {
    throw notMeasured(
      `the result is a ${printable(String(resultType), 20)}; a vector of one series is needed`,
    );
  }
  if (result.length === 0) throw notMeasured("the result is empty: no series matches");
  if (result.length > 1) {
    throw notMeasured(
      `the result has ${result.length} series, not one; aggregate it, say by sum()`,
    );
  }
  const [series] = result;
  return sampleValue(isJsonObject(series) ? series["value"] : undefined);
}

/** The value of a sample, `[time, "text"]`. */
function sampleValue(sample: JsonValue | undefined): number {
  const text = Array.isArray(sample) ? sample[1] : undefined;
  if (typeof text !== "string") throw notMeasured("the result has no value");
  const value = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(value)) {
    throw notMeasured(`the value is ${printable(text, 40)}, not a finite number`);
  }
  return value === 0 ? 0 : value;
}
