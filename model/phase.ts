/**
 * What a run is doing at the moment, for those who watch it; nothing of it is recorded.
 *
 * @module
 */

/** A part of an iteration that may take time. */
export type PhaseName =
  | "pausing"
  | "starting"
  | "waiting for readiness"
  | "soaking"
  | "measuring"
  | "trying again"
  | "applying"
  | "reloading"
  | "restarting"
  | "stopping";

/** What happens now, until the next phase begins. */
export interface Phase {
  /** What it is. */
  readonly name: PhaseName;
  /** How long it takes, in s, where that is known. */
  readonly seconds?: number;
  /** What led to it, in one clause, where that is no part of an ordinary iteration. */
  readonly reason?: string;
}

/** Is told of each phase as it begins. */
export type OnPhase = (phase: Phase) => void;
