/**
 * `deno task fuzz TARGET [--seed=N] [--seconds=S] [--only=N] [--show]`: inputs by chance for what
 * reads files of strangers, and shapes by chance for the kernels. Prints each fault with the
 * numbers that bring it back, then a summary. Exits with 1 if there was a fault.
 */
// deno-lint-ignore-file no-console
import { flag, integer, number } from "../../src/base/option.ts";
import { printable } from "../../src/base/printable.ts";
import { defineSchema } from "../../src/base/schema.ts";
import { defineCommand } from "../../src/commands/command.ts";
import { readTaskOptions, runTask } from "../../tasks/run_task.ts";
import { fuzz } from "./fuzz_run.ts";
import { TARGETS } from "./targets.ts";

const names = Object.keys(TARGETS);
const command = defineCommand({
  name: "fuzz",
  summary:
    "Gives inputs by chance to what reads files of strangers, and shapes to the kernels.",
  schema: defineSchema({
    "Inputs": {
      seed: integer("Seed of the inputs; -1 draws one, which is printed", -1, {
        min: -1,
      }),
      seconds: number("Seconds after which no input begins", 60, { above: 0 }),
      only: integer("Number of the one input to run; -1 runs all", -1, {
        min: -1,
        max: 2 ** 31 - 1,
      }),
      show: flag("Whether inputs are printed as texts"),
    },
  }, {
    positionals: [{
      name: "TARGET",
      help: `One of ${names.join(", ")}`,
      required: true,
    }],
  }),
});

await runTask(async () => {
  const { options, positionals: [target = ""] } = await readTaskOptions(
    command,
  );
  if (!names.includes(target)) {
    throw new TypeError(
      `Cannot fuzz "${target}": expected one of ${names.join(", ")}`,
    );
  }
  const seed = options.seed < 0
    ? crypto.getRandomValues(new Uint32Array(1))[0]!
    : options.seed;
  const report = await fuzz({
    target,
    seed,
    seconds: options.seconds,
    ...options.only >= 0 && { only: options.only },
    ...options.show && { onText: (text) => console.log(text) },
    onFault: ({ input, words, fault }) =>
      console.log(
        `fault: ${target} --seed=${seed} --only=${input}: ${
          printable(`${words}: ${fault}`, 500)
        }`,
      ),
  });
  const { accepted, refused, faults, seconds } = report;
  const count = accepted + refused;
  console.log(
    `${target}, seed ${seed}: ${count} inputs in ${seconds.toFixed(1)} s, ${
      (count / Math.max(seconds, 0.001)).toFixed(0)
    } a second; ${refused} refused, ${accepted} accepted, ${faults.length} faults`,
  );
  return faults.length > 0 ? 1 : 0;
});
