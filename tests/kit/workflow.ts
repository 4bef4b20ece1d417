import { inRepository } from "./repository.ts";

/** The script of a step of `soak.yml`, as a runner gets it. */
export function stepScript(name: string): string {
  const text = Deno.readTextFileSync(inRepository(".github/workflows/soak.yml"));
  const [, step = ""] = text.split(`      - name: ${name}\n        run: |\n`);
  const lines = step.split("\n");
  const end = lines.findIndex((line) => line !== "" && !line.startsWith(" ".repeat(10)));
  const script = lines.slice(0, end).map((line) => line.slice(10)).join("\n").trimEnd();
  if (script === "") throw new Error(`soak.yml has no step of that name: ${name}`);
  return `${script}\n`;
}
