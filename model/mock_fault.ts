/**
 * The ways in which the simulated system can misbehave.
 *
 * @module
 */

/** Names of the faults. */
export const FAULT_KINDS = ["ignore", "partial", "late", "drift", "clamp"] as const;

/** A way to misbehave and how often. */
export interface MockFault {
  /**
   * - `ignore`: a change is not taken;
   * - `partial`: only some keys of a change are taken;
   * - `late`: a change is taken one iteration later;
   * - `drift`: a value changes by itself;
   * - `clamp`: another value than the target is taken.
   */
  readonly kind: typeof FAULT_KINDS[number];
  /** Probability that it strikes a change (for `drift`: an iteration), above 0 up to 1. */
  readonly rate: number;
}
