/**
 * Where reports go: into the run directory or elsewhere, each whole or not at all.
 *
 * @module
 */

import { join } from "@std/path/join";
import { AtomicFile, removeStaleTemps } from "../base/atomic_file.ts";
import { osError, SoakError } from "../base/errors.ts";
import { makeFolder } from "../base/folder.ts";
import { printable } from "../base/text.ts";
import { RUN_FILE } from "../record/artifacts.ts";
import type { HeldRun } from "../record/held_run.ts";

/** What the reports are about, and where they go. */
export interface ReportFolderOptions {
  /** The run directory. */
  readonly dir: string;
  /** The folder for the reports, made if it is missing; the run directory unless given. */
  readonly reportDir?: string | undefined;
  /** The run. Nothing is put in place once it is another one. */
  readonly run: HeldRun;
}

/**
 * Puts reports in place. An answer is known without them: what keeps one from being written is kept
 * as {@linkcode ReportFolder.failure}, and none is written after it.
 */
export class ReportFolder {
  /** Where the reports go. */
  readonly path: string;
  readonly #run: HeldRun;
  readonly #encoder = new TextEncoder();
  #failure: SoakError | null = null;

  /** Fails if the folder has another run in it. */
  constructor({ dir, reportDir = dir, run }: ReportFolderOptions) {
    this.path = reportDir;
    this.#run = run;
    if (reportDir === dir) return;
    refuseOtherRun(reportDir, dir);
    this.#attempt(() => makeFolder(reportDir));
  }

  /** Why not all reports are in place; `null` if they are. */
  get failure(): SoakError | null {
    return this.#failure;
  }

  /** Removes reports of earlier times, which must not be read as what comes now. */
  remove(names: readonly string[]): void {
    this.#attempt(() => {
      for (const name of names) removeReport(join(this.path, name));
    });
  }

  /** Starts a report that is written bit by bit. */
  create(name: string): PendingReport {
    return new PendingReport(this.#attempt(() => AtomicFile.create(join(this.path, name))), {
      attempt: (call) => this.#attempt(call),
      // A temp file can be renamed only within the directory that it was created in. So what was
      // created before this look lands in the very directory that is looked at.
      beforeCommit: () => this.#run.requireSame(),
    });
  }

  /** Writes a report. */
  async write(name: string, text: string): Promise<void> {
    using report = this.create(name);
    report.write(this.#encoder.encode(text));
    await report.commit();
  }

  /** Removes what killed processes left here. */
  cleanUp(): void {
    this.#attempt(() => removeStaleTemps(this.path));
  }

  /** Does something, unless it was kept from it before; `undefined` if it can't be done. */
  #attempt<T>(call: () => T): T | undefined {
    if (this.#failure !== null) return undefined;
    try {
      return call();
    } catch (error) {
      if (!(error instanceof SoakError)) throw error;
      const { kind, what, where, remedy } = error;
      this.#failure = new SoakError(kind, `the reports are not written: ${what}`, {
        ...(where === undefined ? {} : { where }),
        ...(remedy === undefined ? {} : { remedy }),
        cause: error.cause,
      });
      return undefined;
    }
  }
}

/** How a report stands to its folder. */
interface Surroundings {
  attempt(call: () => void): void;
  beforeCommit(): Promise<void>;
}

/** A report that is being written. */
export class PendingReport implements Disposable {
  readonly #file: AtomicFile | undefined;
  readonly #surroundings: Surroundings;

  /** Goes on with a file; without one nothing is written. */
  constructor(file: AtomicFile | undefined, surroundings: Surroundings) {
    this.#file = file;
    this.#surroundings = surroundings;
  }

  /** Appends to the report. */
  write(chunk: Uint8Array): void {
    this.#surroundings.attempt(() => this.#file?.write(chunk));
  }

  /** Puts the report in place. Fails if the run is not the one any more that it is about. */
  async commit(): Promise<void> {
    await this.#surroundings.beforeCommit();
    this.#surroundings.attempt(() => this.#file?.commit());
  }

  /** Gives up what was not put in place. */
  [Symbol.dispose](): void {
    this.#file?.abort();
  }
}

function refuseOtherRun(reportDir: string, dir: string): void {
  if (infoOf(join(reportDir, RUN_FILE)) === null) return;
  const [there, here] = [infoOf(reportDir), infoOf(dir)];
  if (there?.ino === here?.ino && there?.dev === here?.dev) return;
  throw new SoakError("usage", "the folder for the reports has another run in it", {
    where: printable(reportDir),
    remedy: "choose another one",
  });
}

function infoOf(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch {
    return null; // whoever reads or writes there says what is wrong
  }
}

function removeReport(path: string): void {
  try {
    const { isFile, isSymlink } = Deno.lstatSync(path);
    if (isFile || isSymlink) Deno.removeSync(path);
  } catch (error) {
    if (isNamedLater(error)) return;
    throw osError("cannot remove the report of an earlier gate", path, error);
  }
}

/**
 * Whether that may be passed over: nothing is there, or the verification, which needs the same
 * directory, will say in better words what stands in the way.
 */
function isNamedLater(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.FilesystemLoop || error instanceof Deno.errors.NotCapable;
}
