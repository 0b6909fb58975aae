/**
 * The numbers of docs/one_pair.md: the first pair of data/tiny goes through the same functions as
 * in a run, and a run of one step leaves a checkpoint. Compares nothing.
 */
import { CHECKPOINT_FILE } from "../../src/files/file_names.ts";
import { join } from "@std/path";
import type { Device } from "../../kernels/device/device.ts";
import { readOptions } from "../../src/base/read_options.ts";
import {
  type FileRecord,
  readRecords,
} from "../../src/files/records/records.ts";
import { openSafetensors } from "../../src/files/safetensors/safetensors.ts";
import { openModel } from "../../src/model/opening/open_model.ts";
import { readRows } from "../../src/preference/formats/format.ts";
import type { Preference } from "../../src/preference/formats/preference.ts";
import { PREFERENCE_FORMATS } from "../../src/preference/formats/preference_formats.ts";
import {
  type Batch,
  preferenceBatch,
} from "../../src/preference/tokens/batch.ts";
import { openEncoder } from "../../src/preference/tokens/open_encoder.ts";
import type { TokenPair } from "../../src/preference/tokens/token_examples.ts";
import {
  type Encoder,
  tokenizePreference,
} from "../../src/preference/tokens/tokenize.ts";
import { logpsOf } from "../../src/training/loop/batch_logps.ts";
import type {
  PairLogps,
  PairLoss,
} from "../../src/training/loss/loss_terms.ts";
import { preferenceLoss } from "../../src/training/loss/preference_loss.ts";
import {
  sumBySequence,
  type TargetStatistics,
} from "../../src/training/loss/token_sums.ts";
import { methods } from "../../src/training/method/methods.ts";
import { trainSchema } from "../../src/training/options/train_schema.ts";
import { runTraining } from "../../src/training/run/run.ts";
import { ROOT } from "./pages.ts";

const MODEL = join(ROOT, "model_hub", "tiny");
const DATA = "data/tiny/dpo/train.jsonl";
const BETA = 0.1;
const LEARNING_RATE = 1e-4;
const METHOD = {
  beta: BETA,
  loss_type: ["sigmoid"],
  loss_weights: null,
} as const;
/** The tensor whose first number is followed. */
const WEIGHT = "model.norm.weight";

/** The texts of the page's places, by their names. */
export type Places = Readonly<Record<string, string>>;

/** A number to four digits, as the page has it. */
function digits(x: number): string {
  return x === 0 ? "0" : String(Number(x.toPrecision(4)));
}

const block = (language: string, text: string) =>
  `\`\`\`${language}\n${text}\n\`\`\``;

function table(
  headings: string,
  rows: readonly (readonly unknown[])[],
): string {
  const cells = headings.split("|").map((heading) => heading.trim());
  return [cells, cells.map(() => "---"), ...rows]
    .map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** A piece of text with its newlines and bars shown. */
const shown = (text: string) =>
  `\`${text.replaceAll("\n", "\\n").replaceAll("|", "\\|")}\``;

async function firstRecord(): Promise<FileRecord> {
  for await (const record of readRecords(join(ROOT, DATA))) return record;
  throw new Error(`Cannot follow a pair: "${DATA}" has none`);
}

/** Places `record` and `preference`. */
function textPlaces(
  record: FileRecord,
  pair: Preference,
  format: string,
): Places {
  const turns = JSON.stringify(
    { prompt: pair.prompt, chosen: pair.chosen, rejected: pair.rejected },
    null,
    2,
  );
  return {
    record: block("json", JSON.stringify(record)),
    preference:
      `The row's shape is told by its keys; its name is "${format}".\n\n${
        block("json", turns)
      }`,
  };
}

/** Places `rendered` and `tokens`. */
function tokenPlaces(
  { chosen, rejected, sharedLength }: TokenPair,
  { tokenizer }: Encoder,
): Places {
  const text = tokenizer.decode(chosen.ids);
  const rows = [["chosen", chosen], ["rejected", rejected]] as const;
  return {
    rendered: block("text", text.trimEnd()),
    tokens: table(
      "answer | tokens of prompt and answer | the prompt's | trained | first trained ids",
      rows.map(([name, { ids, completionStart }]) => [
        name,
        ids.length,
        completionStart,
        ids.length - completionStart,
        ids.slice(completionStart, completionStart + 4).join(", "),
      ]),
    ) +
      `\n\nBoth begin with the same ${sharedLength} tokens (\`sharedLength\`).`,
  };
}

/** Place `batch`. */
function batchPlaces(
  batch: Batch,
  { chosen, sharedLength }: TokenPair,
  { tokenizer }: Encoder,
): Places {
  const { tokens, positions, ranges, targetRows } = batch;
  const chosenEnd = chosen.ids.length;
  const rows: [string, number][] = [
    ["first of the prompt", 0],
    ["last of the prompt", sharedLength - 1],
    ["first of chosen", sharedLength],
    ["last of chosen", chosenEnd - 1],
    ["first of rejected", chosenEnd],
    ["last of rejected", tokens.length - 1],
  ];
  const sees = (row: number) => {
    const [from, to, own, end] = ranges.subarray(4 * row, 4 * row + 4);
    const parts = from === to ? [] : [`${from} to ${to! - 1}`];
    return [...parts, `${own} to ${end! - 1}`].join(" and ");
  };
  const lines = rows.map(([name, row]) => [
    name,
    row,
    shown(tokenizer.decode([tokens[row]!])),
    positions[row],
    sees(row),
  ]);
  return {
    batch:
      `${tokens.length} rows in place of ${batch.attendedTokens}, and ${targetRows.length} targets.\n\n` +
      table("which | row | token | position | sees rows", lines),
  };
}

/** Log-probabilities of a pair, as the losses take them. */
function columns(policy: Float64Array, reference: Float64Array): PairLogps {
  const one = (x: number | undefined) => Float64Array.of(x ?? NaN);
  return {
    chosen: one(policy[0]),
    rejected: one(policy[1]),
    referenceChosen: one(reference[0]),
    referenceRejected: one(reference[1]),
    chosenLengths: one(1),
    rejectedLengths: one(1),
    text: one(0),
    textLengths: one(1),
    weights: one(1),
  };
}

/** What the loss makes of the sums of both answers. */
interface Judged {
  readonly margin: number;
  readonly loss: PairLoss;
}

function judge(policy: Float64Array, reference: Float64Array): Judged {
  const [chosen, rejected] = policy.map((sum, i) => sum - reference[i]!);
  return {
    margin: BETA * (chosen! - rejected!),
    loss: preferenceLoss(columns(policy, reference), METHOD),
  };
}

/** Places `logps`, `loss` and `slopes`. */
function lossPlaces(
  batch: Batch,
  statistics: TargetStatistics,
  { tokenizer }: Encoder,
): Places {
  const { sums, lengths } = sumBySequence(statistics, batch.sequences);
  const { margin, loss } = judge(sums, sums);
  const { slopes } = methods.dpo.objective(METHOD).score(
    batch,
    statistics,
    sums,
    { parts: 1, targets: batch.targetRows.length },
  );
  const start = batch.targetSequence.indexOf(1);
  const targets = [0, 1, 2, start, start + 1, start + 2].map((t) => [
    t < start ? "chosen" : "rejected",
    shown(
      tokenizer.decode([batch.targetTokens[t]!]),
    ),
    digits(statistics.logps[t]!),
    digits(slopes[t]!),
  ]);
  return {
    logps: table("answer | targets | sum of their logps, nats", [
      ["chosen", lengths[0], digits(sums[0]!)],
      ["rejected", lengths[1], digits(sums[1]!)],
    ]),
    loss: table("what | value", [
      ["margin", digits(margin)],
      ["loss, ln 2", digits(loss.losses[0]!)],
      ["slope of chosen", digits(loss.chosenSlopes[0]!)],
      ["slope of rejected", digits(loss.rejectedSlopes[0]!)],
    ]),
    slopes: table("answer | target | its logp | its slope", targets),
  };
}

async function firstNumber(path: string, tensor: string): Promise<number> {
  const file = await openSafetensors(path);
  const { buffer } = await file.read(tensor);
  return new Float32Array(buffer)[0]!;
}

/** Places `update` and `checkpoint`: a run of one step over the pair. */
async function trainOnce(device: Device, folder: string): Promise<Places> {
  const data = join(folder, "pair.jsonl");
  const [line = ""] = (await Deno.readTextFile(join(ROOT, DATA))).split("\n");
  await Deno.writeTextFile(data, line + "\n");
  const { options } = readOptions(trainSchema, [{
    model_name_or_path: MODEL,
    dataset: data,
    beta: BETA,
    learning_rate: LEARNING_RATE,
    lr_scheduler_type: "constant",
    per_device_train_batch_size: 1,
    max_steps: 1,
    save_steps: 1,
    logging_steps: 1,
    output_dir: join(folder, "run"),
  }]);
  const { rows: [row = {}] } = await runTraining(device, options);
  const checkpoint = join(folder, "run", "checkpoint-1");
  const state = join(checkpoint, CHECKPOINT_FILE.optimizer);
  const before = await firstNumber(join(MODEL, "model.safetensors"), WEIGHT);
  const moment = await firstNumber(state, `exp_avg.${WEIGHT}`);
  const after = await firstNumber(state, `value.${WEIGHT}`);
  const norm = row["grad_norm"]!;
  // the first moment is a tenth of the first gradient, since adam_beta1 is 0.9
  const gradient = moment * 10;
  const step = -LEARNING_RATE * gradient / (Math.abs(gradient) + 1e-8);
  if (Math.abs(before + step - after) > 1e-6) {
    throw new Error(`Cannot explain the update: ${before} became ${after}`);
  }
  const files = filesBelow(checkpoint).map((name) => `- \`${name}\``);
  return {
    update: table("what | value", [
      ["loss of the step", digits(row["loss"]!)],
      ["norm of all gradients", digits(norm)],
      ["factor that clips it to 1", digits(Math.min(1, 1 / norm))],
      ["gradient of the weight, clipped", digits(gradient)],
      ["the weight before", before.toPrecision(6)],
      ["AdamW's step", step.toPrecision(4)],
      ["the weight after", after.toPrecision(6)],
    ]),
    checkpoint: files.sort().join("\n"),
  };
}

/** The page's places, computed on a device; `folder` is for what a run writes. */
export async function onePair(device: Device, folder: string): Promise<Places> {
  const record = await firstRecord();
  const { examples: [preference], format } = readRows(
    record.value,
    record.line,
    PREFERENCE_FORMATS,
  );
  const { encoder } = await openEncoder({ model_name_or_path: MODEL });
  const { tokens: pair } = tokenizePreference(preference!, encoder);
  const batch = preferenceBatch([pair]);
  const { model } = await openModel(device, MODEL);
  const statistics = await logpsOf(model, batch);
  const trained = await trainOnce(device, folder);
  const tuned = await openModel(device, join(folder, "run"));
  const sumsOf = (of: TargetStatistics) =>
    sumBySequence(of, batch.sequences).sums;
  const reference = sumsOf(statistics);
  const policy = sumsOf(await logpsOf(tuned.model, batch));
  const { margin, loss } = judge(policy, reference);
  return {
    ...textPlaces(record, preference!, format),
    ...tokenPlaces(pair, encoder),
    ...batchPlaces(batch, pair, encoder),
    ...lossPlaces(batch, statistics, encoder),
    ...trained,
    after: table("what | before | after", [
      ["sum of chosen, nats", digits(reference[0]!), digits(policy[0]!)],
      ["sum of rejected, nats", digits(reference[1]!), digits(policy[1]!)],
      ["margin", digits(0), digits(margin)],
      ["loss", digits(Math.LN2), digits(loss.losses[0]!)],
    ]),
  };
}

/** The paths of all files in a folder and below it, with slashes, from that folder. */
function filesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory
      ? filesBelow(join(folder, name)).map((below) => `${name}/${below}`)
      : [name]
  );
}
