/**
 * Times as records tell them: UTC in ISO 8601, with milliseconds only where there are some.
 *
 * @module
 */

/** The last time that a `Date` can hold, in ms since the epoch. */
export const LAST_TIME_MS = 8.64e15;

/** Writes a time, given in ms since the epoch. */
export function utcText(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

/** Whether text is a time in UTC, with seconds or milliseconds, that exists. */
export function isUtcText(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/.test(text)) return false;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) return false;
  const iso = new Date(ms).toISOString();
  return iso === text || iso.replace(".000Z", "Z") === text;
}
