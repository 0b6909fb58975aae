/**
 * What a page does that trains: it opens its GPU, reads a model and pairs from a disk in memory,
 * takes two steps of DPO, saves the weights and asks the model. `bundle_test.ts` bundles it for
 * browsers and runs it without Deno.
 */
import { openPageDevice } from "../../kernels/device/open_page.ts";
import { parseJsonLines } from "../../src/base/json_lines.ts";
import { readOptions } from "../../src/base/read_options.ts";
import { useDisk } from "../../src/files/disk.ts";
import {
  openModelFolder,
  requireTokenizer,
} from "../../src/files/folders/model_folder.ts";
import { openSafetensors } from "../../src/files/safetensors/safetensors.ts";
import { writeSafetensors } from "../../src/files/safetensors/safetensors_writer.ts";
import { answer, createSpeaker } from "../../src/generation/answer.ts";
import { GREEDY } from "../../src/generation/sampler.ts";
import { type Model, trainedWeights } from "../../src/model/decoder/model.ts";
import { exportModel } from "../../src/model/saving/export.ts";
import { readRow } from "../../src/preference/formats/format.ts";
import { PREFERENCE_FORMATS } from "../../src/preference/formats/preference_formats.ts";
import type { Row } from "../../src/preference/formats/turns.ts";
import type { TokenPair } from "../../src/preference/tokens/token_examples.ts";
import {
  type Encoder,
  tokenizePreference,
} from "../../src/preference/tokens/tokenize.ts";
import { createChatTemplate } from "../../src/text/chat_template.ts";
import { createTokenizer } from "../../src/text/tokenizer.ts";
import { sequenceLogps } from "../../src/training/loop/batch_logps.ts";
import { train } from "../../src/training/loop/trainer.ts";
import type { Metrics } from "../../src/training/method/metrics.ts";
import { methods } from "../../src/training/method/methods.ts";
import { Optimizer } from "../../src/training/optimizer/optimizer.ts";
import { trainSchema } from "../../src/training/options/train_schema.ts";
import { openRunModel } from "../../src/training/setup/run_model.ts";
import { memoryDisk } from "../files/memory_disk.ts";

/** What the page is given: bytes of the files by name, and the pairs as JSON lines. */
export interface PageInput {
  readonly model: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
  readonly pairs: string;
}

/** What it shows. */
export interface PageOutput {
  /** Losses of the steps, in nats. */
  readonly losses: readonly number[];
  /** Tensors of the file that it saved. */
  readonly saved: number;
  /** What the model says to the first prompt. */
  readonly answer: string;
}

const MODEL = "base";
const BATCH_SIZE = 2;
const STEPS = 2;

/** Trains and answers. */
export async function trainInPage(input: PageInput): Promise<PageOutput> {
  using device = await openPageDevice();
  const disk = memoryDisk();
  for (const [name, bytes] of Object.entries(input.model)) {
    disk.put(`${MODEL}/${name}`, bytes);
  }
  using _disk = useDisk(disk);
  const files = await openModelFolder(MODEL);
  const encoder = await encoderOf(files);
  const { options } = readOptions(trainSchema, [{
    model_name_or_path: MODEL,
    dataset: "pairs",
    output_dir: "run",
  }]);
  const built = await openRunModel(device, options, { files });
  const preferences = [...parseJsonLines(input.pairs, { source: "pairs" })]
    .map(({ value, line }) => readRow(value as Row, line, PREFERENCE_FORMATS));
  const pairs = preferences.map((preference) =>
    tokenizePreference(preference, encoder).tokens
  );
  const losses = await trainPairs(built.model, pairs);
  const weights = exportModel(built.model, () => "F32");
  const byName = new Map(weights.map((weight) => [weight.name, weight]));
  await writeSafetensors(
    "run/model.safetensors",
    weights,
    ({ name }) => byName.get(name)!.bytes(),
  );
  const speaker = createSpeaker({
    name: "tuned",
    model: built.model,
    adapters: false,
    encoder,
    files,
  });
  return {
    losses,
    saved: (await openSafetensors("run/model.safetensors")).tensors.size,
    answer: await answer(speaker, preferences[0]!.prompt, {
      sampling: GREEDY,
      seed: 0,
      maxNewTokens: 8,
    }),
  };
}

async function encoderOf(
  files: Awaited<ReturnType<typeof openModelFolder>>,
): Promise<Encoder> {
  const { tokenizerConfig, specialTokensMap, chatTemplate } = files;
  const tokenizer = createTokenizer({
    tokenizer: await requireTokenizer(files),
    ...(tokenizerConfig && { config: tokenizerConfig }),
    ...(specialTokensMap && { specialTokensMap }),
  });
  if (chatTemplate === undefined) return { tokenizer };
  const { specialTokens } = tokenizer;
  const name = `${MODEL}/chat_template`;
  return {
    tokenizer,
    template: createChatTemplate(chatTemplate, { name, specialTokens }),
  };
}

/** Takes the steps of DPO against the model as it is; gives their losses. */
async function trainPairs(
  model: Model,
  pairs: readonly TokenPair[],
): Promise<number[]> {
  const objective = methods.dpo.objective({
    beta: 0.1,
    loss_type: ["sigmoid"],
    loss_weights: null,
  });
  const reference = await sequenceLogps(
    model,
    pairs.map((pair) => objective.batch([pair])),
    { column: objective.column },
  );
  const rows: Metrics[] = [];
  await train({
    model,
    objective,
    train: { examples: pairs, reference },
    evaluation: undefined,
    optimizer: new Optimizer(model.device, trainedWeights(model), {
      optim: "adamw_torch",
      weight_decay: 0,
      adam_beta1: 0.9,
      adam_beta2: 0.999,
      adam_epsilon: 1e-8,
    }),
    routerLoss: undefined,
    movingReference: undefined,
    order: {
      examples: pairs.length,
      batchSize: BATCH_SIZE,
      shuffle: false,
    },
    totalSteps: STEPS,
    schedule: () => 1e-3,
    maxGradNorm: 1,
    evalBatchSize: BATCH_SIZE,
    gradientCheckpointing: false,
    maxTokensPerBatch: null,
    seed: 42,
    drops: false,
    embeddingNoise: 0,
    isDue: (event) => event === "log",
    evaluatesFirst: false,
    best: undefined,
    savesBest: false,
    describe: (index) => `pair ${index}`,
  }, {
    onLog: (row) => void rows.push(row),
    onEvaluation: () => {},
    onSave: () => Promise.resolve(),
  });
  return rows.map((row) => row["loss"]!);
}
