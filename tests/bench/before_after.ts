/**
 * Processor time of one command in two folders of the project, an earlier state and this one:
 *
 *   deno run -A tests/bench/before_after.ts BEFORE AFTER ROUNDS COMMAND...
 *
 * The folders take turns, so that what else the machine does meets both. Prints the ratio of each
 * round, and their mean with its 95 % interval.
 */
// deno-lint-ignore-file no-console
import { meanInterval } from "./mean_interval.ts";

const [before, after, rounds, ...command] = Deno.args;
if (before === undefined || after === undefined || command.length === 0) {
  throw new TypeError(
    "Cannot compare: expected BEFORE AFTER ROUNDS COMMAND...",
  );
}
const ratios: number[] = [];
for (let round = 1; round <= Number(rounds); round++) {
  const [a, b] = [await processorTime(before), await processorTime(after)];
  ratios.push(b / a);
  console.log(
    `${round}: before ${a.toFixed(2)} s, after ${b.toFixed(2)} s, ratio ${
      (b / a).toFixed(4)
    }`,
  );
}
const { mean, half } = meanInterval(ratios);
console.log(`ratio ${mean.toFixed(4)} ± ${half.toFixed(4)}`);

/** Seconds that all processes of the command took, by the shell that waits for them. */
async function processorTime(cwd: string): Promise<number> {
  const { stdout, stderr, success } = await new Deno.Command("sh", {
    args: ["-c", '"$@" >&2 && times', "sh", ...command],
    cwd,
  }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(text.decode(stderr));
  const children = text.decode(stdout).trim().split("\n").at(-1) ?? "";
  return [...children.matchAll(/(\d+)m([\d.]+)s/g)]
    .reduce((sum, [, m, s]) => sum + 60 * Number(m) + Number(s), 0);
}
