/**
 * `deno run -P=test tests/kills/main.ts [--kills=200] [--seed=1]`: kills runs and compares their
 * ends with unbroken ones. Prints each chain. Exits with 1 if an end differs.
 */
// deno-lint-ignore-file no-console
import { integer } from "../../src/base/option.ts";
import { defineSchema } from "../../src/base/schema.ts";
import { defineCommand } from "../../src/commands/command.ts";
import { readTaskOptions, runTask } from "../../tasks/run_task.ts";
import { chainLine, chainsLine, killChains } from "./kill_chains.ts";

const command = defineCommand({
  name: "kills",
  summary: "Kills runs, resumes them, and compares their ends.",
  schema: defineSchema({
    Kills: {
      kills: integer("How often runs are killed in all", 200, { min: 1 }),
      seed: integer("Seed of the places and times", 1),
    },
  }),
});

await runTask(async () => {
  const { options } = await readTaskOptions(command);
  const chains = await killChains(options, (chain) => {
    console.log(chainLine(chain));
  });
  console.log(chainsLine(chains, options.seed));
  return chains.some(({ faults }) => faults.length > 0) ? 1 : 0;
});
