/**
 * Writes the card of a trained model: a README.md with the front matter that model hubs read. It
 * needs only the record of the run: opens no file and needs no permission.
 *
 * @module
 */
import { worded } from "../base/shown.ts";
import type { RunRecord } from "../training/run/run_record.ts";
import { wreckLine } from "./run_lines.ts";

/** The text of the card. */
export function modelCard(record: RunRecord): string {
  const { output, adapter, trainer, base, steps } = record;
  const what = adapter ? "A LoRA adapter for" : "All weights of";
  const sections = [
    frontMatter(record),
    `# ${output.split(/[/\\]/).filter((part) => part !== "").at(-1)}`,
    `${what} \`${base}\`, trained by ${trainer.toUpperCase()} in ${steps} steps with Tiebreak.`,
    ...record.wreck?.last === undefined
      ? []
      : [`**These weights are of no use:** ${wreckLine(record.wreck.last)}.`],
    "## Use",
    use(record),
    "## Data",
    table(
      ["file", "for", "rows", "drawn", "sha256"],
      record.data.map(({ path, role, rows, taken, sha256 }) => [
        `\`${path}\``,
        role,
        `${rows}`,
        `${taken}`,
        hash(sha256),
      ]),
    ),
    "## Options",
    "The options that differ from their defaults; `options.json` has all of them.",
    table(
      ["option", "value"],
      Object.entries(record.options).map(([name, value]) => [
        `\`${name}\``,
        `\`${JSON.stringify(value)}\``,
      ]),
    ),
    "## Metrics",
    "The last rows of `metrics.jsonl`. Losses and rewards are in nats.",
    metricsTable(record.metrics),
    "## Weights",
    table(
      ["file", "sha256"],
      record.weights.map(({ path, sha256 }) => [`\`${path}\``, hash(sha256)]),
    ),
    "## Licence",
    "Not set. The licences of the base model and of the data apply to this model. Write `license:` into the front matter before you publish it.",
  ];
  return sections.join("\n\n") + "\n";
}

const hash = (sha256: string | undefined) =>
  sha256 === undefined ? "the file was missing" : `\`${sha256}\``;

/** Whether the model is a reward model, which gives a number and no text. */
const isReward = ({ head }: RunRecord) => head === "score";

function frontMatter(record: RunRecord): string {
  const { baseRepo, adapter, trainer } = record;
  const tags = [trainer, ...(adapter ? ["lora"] : []), "tiebreak"];
  return [
    "---",
    ...(baseRepo === undefined ? [] : [`base_model: ${baseRepo}`]),
    `library_name: ${adapter ? "peft" : "transformers"}`,
    `pipeline_tag: text-${isReward(record) ? "classification" : "generation"}`,
    "tags:",
    ...tags.map((tag) => `- ${tag}`),
    "---",
  ].join("\n");
}

function use(record: RunRecord): string {
  const { output, base, adapter } = record;
  const reward = isReward(record);
  const commands = reward
    ? [
      `deno task score --model_name_or_path=${adapter ? base : output}${
        adapter ? ` --adapter_name_or_path=${output}` : ""
      } --input=pairs.jsonl --output=rewards.jsonl`,
    ]
    : adapter
    ? [
      `deno task predict ${output}`,
      `deno task merge --model_name_or_path=${base} --adapter_name_or_path=${output} --output_dir=${output}-merged`,
      `deno task export-gguf --model_name_or_path=${base} --adapter_name_or_path=${output} --output=${output}.gguf`,
    ]
    : [
      `deno task predict ${output}`,
      `deno task export-gguf --model_name_or_path=${output} --output=${output}.gguf`,
    ];
  const task = reward ? "SequenceClassification" : "CausalLM";
  const [library, loader] = adapter
    ? ["peft", `AutoPeftModelFor${task}`]
    : ["transformers", `AutoModelFor${task}`];
  return [
    "```sh",
    ...commands,
    "```",
    "",
    "In Python:",
    "",
    "```python",
    `from ${library} import ${loader}`,
    "from transformers import AutoTokenizer",
    "",
    `model = ${loader}.from_pretrained(${JSON.stringify(output)}${
      reward && adapter ? ", num_labels=1" : ""
    })`,
    `tokenizer = AutoTokenizer.from_pretrained(${JSON.stringify(output)})`,
    "```",
  ].join("\n");
}

function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)]
    .join("\n");
}

function metricsTable(
  rows: readonly Readonly<Record<string, number>>[],
): string {
  const entries = rows.flatMap((row) => Object.entries(row));
  const shown = new Map(
    entries.map(([name, value]) => [name, Number(value.toPrecision(6))]),
  );
  return table(
    ["metric", "value"],
    [...shown].map(([name, value]) => [`\`${name}\``, worded(value)]),
  );
}
