/**
 * `deno task bench [RECIPE] [--options of train] [--json]`: the table of a whole training step.
 * Seconds per pair over two epochs with the reference's pass, the share of each kernel, operations
 * a second beside the best product, memory.
 */
// deno-lint-ignore-file no-console
import { formatBytes } from "../../src/base/units.ts";
import { readArguments } from "../../src/base/arguments.ts";
import { readOptions } from "../../src/base/read_options.ts";
import { trainSchema } from "../../src/training/options/train_schema.ts";
import { parseRecipe } from "../../src/training/options/recipe.ts";
import { measureSteps, type Seconds, type StepReport } from "./step_run.ts";

const DEFAULT_RECIPE = "recipes/tiny-dpo.jsonc";
const SHOWN_KERNELS = 24;

function secondsText({ wall, cpu }: Seconds): string {
  return `${cpu.toFixed(2).padStart(7)} s by processor time, ${
    wall.toFixed(2)
  } s by the clock`;
}

function print(report: StepReport): void {
  const { kernels, epochs } = report;
  const whole = (value: number) => Math.round(value).toLocaleString("en");
  console.log(
    `${report.model} on ${report.adapter}, products in tiles of ${report.tile}`,
  );
  console.log(
    `${report.pairs} pairs of ${whole(report.tokensPerPair)} tokens (${
      whole(report.attendedTokensPerPair)
    } with the prompt twice), ${whole(report.targetsPerPair)} trained`,
  );
  console.log(`per pair, reference  ${secondsText(report.reference)}`);
  for (const [i, seconds] of epochs.entries()) {
    console.log(`per pair, epoch ${i + 1}    ${secondsText(seconds)}`);
  }
  console.log(`per pair, averaged   ${secondsText(report.average)}`);
  console.log(
    `${Number(report.operations.toPrecision(3))} GF a pair at ${
      report.rate.toFixed(1)
    } GF/s; the best product runs at ${report.peakRate.toFixed(1)} GF/s: ${
      (100 * report.rate / report.peakRate).toFixed(0)
    } %`,
  );
  console.log(
    `peak memory          device ${formatBytes(report.peakBytes)}, process ${
      formatBytes(report.peakProcessBytes)
    }`,
  );
  const total = kernels.reduce((sum, { seconds }) => sum + seconds, 0);
  console.log(`one step, launch by launch: ${total.toFixed(2)} s`);
  for (const { name, launches, seconds } of kernels.slice(0, SHOWN_KERNELS)) {
    console.log(
      `${(100 * seconds / total).toFixed(1).padStart(6)} % ${
        seconds.toFixed(3).padStart(8)
      } s ${String(launches).padStart(6)} x ${name}`,
    );
  }
}

const json = Deno.args.includes("--json");
const schema = {
  ...trainSchema,
  positionals: [{ ...trainSchema.positionals[0]!, required: false }],
};
const words = Deno.args.filter((word) => word !== "--json");
const { values, positionals } = readArguments(schema, words);
const path = positionals[0] ?? DEFAULT_RECIPE;
const recipe = parseRecipe(await Deno.readTextFile(path), path);
const { options } = readOptions(trainSchema, [recipe, {
  max_train_samples: 6,
  shuffle: false,
  eval_strategy: "no",
  num_train_epochs: 2,
  max_steps: -1,
  ...values,
}]);
const report = await measureSteps(options);
if (json) console.log(JSON.stringify(report, null, 2));
else print(report);
