/**
 * Starts a program together with what watches over it: a shell forks the watchdog into its own
 * process group, and then becomes the program.
 *
 * So the watchdog is there before the program is, and there is no moment at which the death of this
 * process leaves the program unwatched. And it belongs to the group: a group's id goes to no other
 * while the group has a member, so that as long as the watchdog lives, a signal to the group
 * reaches nobody else. It ignores all signals that a group is usually sent, and ends with the last
 * one, SIGKILL, which ends all that it watched too.
 *
 * @module
 */

import { settledWithin } from "../base/wait.ts";

/**
 * Arguments: the line that says that the program could not be started, without a quote, the
 * watchdog's script, the grace period in s, the program and its arguments. Standard input ends with
 * this process, standard output carries the watchdog's answers, standard error is the program's
 * output.
 *
 * The subshell ends at once, so that the watchdog is no child of the program: one that waits for
 * all of its children would wait for it too. A shell that can't become the program runs its trap;
 * bash does not, but with this option goes on to its end, which runs the trap. No variable is set,
 * for the program would find it in its environment where it had one of that name.
 */
const START = `
exec 3<&0 4>&1 </dev/null >&2
(
  trap '' HUP INT QUIT TERM USR1 USR2 ALRM PIPE
  sh -c "$2" soak-watchdog "$$" "$3" <&3 >&4 2>/dev/null 3<&- 4>&- &
)
exec 3<&- 4>&-
shopt -s execfail 2>/dev/null
trap "echo '$1'" EXIT
shift 3
exec "$@"
`;

/**
 * Arguments: the process group, the grace period in s. Answers each line with \`some\` or \`none\`:
 * whether the group has members beside the watchdog, ended ones that nobody collects aside. Ends
 * the group when its standard input ends.
 */
const WATCH = `
others() {
  if ! [ -e /proc/self/stat ]; then
    ps -A -o pid= -o ppid= -o pgid= -o stat= | grep -vE "^ *($$|[0-9]+ +$$) " |
      grep -qE "^ *[0-9]+ +[0-9]+ +$group +[^XZ]"
    return
  fi
  while read -r pid stat; do
    set -- \${stat##*) }
    [ $# -gt 1 ] && [ "$pid" != $$ ] && [ "$2" != $$ ] && return
  done <<END
$(LC_ALL=C exec grep -hsE "\\) [^XZ] [0-9]+ $group " /proc/[0-9]*/stat)
END
  return 1
}
group=$1 tenths=$(($2 * 10))
while read -r _; do
  if others; then echo some; else echo none; fi
done
kill -s TERM -- "-$group"
while [ "$tenths" -gt 0 ] && others; do
  sleep 0.1 || sleep 1
  tenths=$((tenths - 1))
done
kill -s KILL -- "-$group"
`;

/** The command that starts a program under a watchdog, ready for {@linkcode Watchdog}. */
export function watched(
  command: readonly string[],
  failed: string,
  graceSeconds: number,
): readonly string[] {
  return ["sh", "-c", START, "sh", failed, WATCH, String(Math.ceil(graceSeconds)), ...command];
}

/** The watchdog of a process group, as this process talks to it. */
export class Watchdog {
  readonly #line: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: ReadableStreamDefaultReader<Uint8Array>;
  readonly #gone: Promise<void>;
  #asked: PromiseWithResolvers<boolean> | null = null;
  #isThere = true;

  /** Takes the two ends of what a program under a watchdog was started with. */
  constructor(stdin: WritableStream<Uint8Array>, stdout: ReadableStream<Uint8Array>) {
    this.#line = stdin.getWriter();
    this.#answers = stdout.getReader();
    this.#gone = this.#listen();
  }

  /** Whether it still holds the process group, so that its id is nobody else's. */
  get isThere(): boolean {
    return this.#isThere;
  }

  /**
   * Tells whether anything else in the group runs; `false` if there is no watchdog to tell. One that
   * does not answer in time, since it was stopped for instance, has not said that nothing does.
   */
  async seesOthers(ms: number): Promise<boolean> {
    if (!this.#isThere) return false;
    const asked = this.#asked = Promise.withResolvers<boolean>();
    this.#line.write(new TextEncoder().encode("\n")).catch(() => {});
    return !await settledWithin(asked.promise, ms) || await asked.promise;
  }

  /** Waits until it is gone, which the last signal to its group sees to. */
  async dismissed(ms: number): Promise<void> {
    // Something that stopped it, and not for good, would keep it.
    if (!await settledWithin(this.#gone, ms)) await this.#answers.cancel().catch(() => {});
    await this.#gone;
    await this.#line.close().catch(() => {});
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await this.#answers.read().catch(
        () => ({ done: true, value: undefined } as const),
      );
      if (done) break;
      const answer = decoder.decode(value, { stream: true });
      this.#asked?.resolve(answer.includes("some"));
    }
    this.#isThere = false;
    this.#asked?.resolve(false);
  }
}
