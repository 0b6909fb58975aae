/**
 * The command `predict`: a base model and a tuned one answer the same prompts, those of a file or
 * one after the other in a conversation. Prints nothing.
 */
import type { Device } from "../../kernels/device/device.ts";
import { formatJsonLine } from "../base/json_lines.ts";
import { answeringModels } from "../files/folders/named_base.ts";
import {
  generationConfigOf,
  type ModelFiles,
} from "../files/folders/model_folder.ts";
import { writeFileAtomic } from "../files/disk/atomic.ts";
import { lockOutput } from "../files/disk/lock.ts";
import { openOutputFile } from "../files/disk/output_file.ts";
import { readRecords } from "../files/records/records.ts";
import {
  type AnswerOptions,
  createSpeaker,
  type Manner,
  type Speaker,
} from "../generation/answer.ts";
import {
  type AskOptions,
  askTogether,
  startConversation,
} from "../generation/conversation.ts";
import {
  type PredictOptions,
  predictSchema,
} from "../generation/predict_options.ts";
import {
  answerRows,
  readQuestions,
  unprintedNotes,
} from "../generation/prompt_rows.ts";
import { leftOut } from "../generation/generation_keys.ts";
import { processingOf } from "../generation/processed_sampler.ts";
import {
  fillSampling,
  lengthDefaults,
} from "../generation/sampling_defaults.ts";
import { tokenOperations } from "../model/decoder/token_operations.ts";
import type { Message } from "../text/message.ts";
import {
  type OpenedTuned,
  openSideBySide,
} from "../model/opening/open_model.ts";
import { quantizationOf } from "../model/weights/quantization_options.ts";
import {
  openEncoder,
  openTunedEncoder,
} from "../preference/tokens/open_encoder.ts";
import { defineCommand } from "./command.ts";
import {
  type DeviceHooks,
  openCommandDevice,
  productTuner,
} from "./command_device.ts";

export { inTurn } from "../generation/in_turn.ts";

/**
 * `deno task predict`
 *
 * @internal
 */
export const predictCommand = defineCommand({
  name: "predict",
  summary:
    "Lets a base model and a tuned one answer the same prompts, side by side.",
  schema: predictSchema,
});

/** The parts of the work: bytes of weights, prompts. */
export type PredictStage = "load" | "predict";

/** What `predict()` and `converse()` take beside their options. */
export interface PredictHooks extends DeviceHooks {
  /** Called as a part of the work goes on. */
  readonly onProgress?:
    | ((stage: PredictStage, done: number, total: number) => void)
    | undefined;
  /** Called with a line that the user should read. */
  readonly onTold?: ((line: string) => void) | undefined;
}

/** Tokens of an answer, about, where no option bounds it. */
const USUAL_TOKENS = 256;

/**
 * Answers the prompts of the file `input` into the file `output`. Each batch is on the disk before
 * the next is asked.
 *
 * @throws {Error} In one line
 */
export async function predict(
  options: PredictOptions,
  hooks: PredictHooks = {},
): Promise<void> {
  const { input, output, system, batch_size: batchSize } = options;
  if (input === null || output === null) {
    throw new TypeError(
      'Cannot predict: found no "input" and "output", expected files; converse() takes one prompt after the other',
    );
  }
  const questions = await readQuestions(readRecords(input));
  await using _lock = await lockOutput(output);
  using file = await openOutputFile(output);
  using device = await openCommandDevice();
  const { speakers, how } = await openSpeakers(device, options, {
    ...hooks,
    answers: questions.length,
  });
  for (const note of unprintedNotes(questions, speakers, system)) {
    hooks.onTold?.(note);
  }
  let done = 0;
  hooks.onProgress?.("predict", done, questions.length);
  const rows = answerRows(questions, speakers, { ...how, system, batchSize });
  for await (const row of rows) {
    await file.append(formatJsonLine(row));
    hooks.onProgress?.("predict", ++done, questions.length);
  }
}

/** A conversation with one model or two. Dispose it at the end. */
export interface Talk extends Disposable {
  /** Who answers: `base`, and `tuned` if there is such a model. */
  readonly names: readonly string[];
  /** Whether all have a chat template; one that has none continues each question as plain text. */
  readonly haveTemplates: boolean;
  /**
   * Puts a question to all at once. Each sees its own earlier answers; a question that fails leaves
   * no trace.
   *
   * @returns The answers, in the order of the names
   * @throws {RangeError} If it does not fit in a model
   */
  ask(question: string, how?: TalkOptions): Promise<string[]>;
  /** Forgets all that was said but the system's words. */
  clear(): void;
  /** Forgets all that was said, and begins with other words of the system; null: none. */
  begin(system: string | null): void;
  /** What was said so far with each, in the order of the names. */
  turns(): readonly (readonly Message[])[];
}

/**
 * Writes what was said into a file, a line for each model. A link that lies there is replaced.
 *
 * @throws {Error} In one line
 */
export async function saveTalk(
  path: string,
  { names, turns }: Pick<Talk, "names" | "turns">,
): Promise<void> {
  const said = turns();
  const lines = names.map((name, i) =>
    formatJsonLine({ name, messages: said[i] })
  );
  await using _lock = await lockOutput(path);
  await writeFileAtomic(path, lines.join(""));
}

/** How to ask. */
export interface TalkOptions
  extends Pick<AskOptions, "onText" | "onEnd" | "onForgotten" | "signal"> {
  /** Seed of the draws; default: the options'. */
  readonly seed?: number | undefined;
}

/**
 * Opens base and tuned model for a conversation.
 *
 * @throws {Error} In one line
 */
export async function converse(
  options: PredictOptions,
  hooks: PredictHooks = {},
): Promise<Talk> {
  using opening = new DisposableStack();
  const device = opening.use(await openCommandDevice());
  // answers of one conversation are products of few rows, which have a kernel of their own
  const { speakers, how } = await openSpeakers(device, options, {
    ...hooks,
    answers: 0,
  });
  const conversations = speakers.map((speaker) =>
    startConversation(speaker, options.system)
  );
  const opened = opening.move();
  return {
    names: speakers.map(({ name }) => name),
    haveTemplates: speakers.every(({ template }) => template !== undefined),
    ask: (question, { seed = how.seed, ...asked } = {}) =>
      askTogether(conversations, question, { ...how, ...asked, seed }),
    clear() {
      for (const conversation of conversations) conversation.clear();
    },
    begin(system) {
      for (const conversation of conversations) conversation.begin(system);
    },
    turns: () => conversations.map(({ turns }) => turns),
    [Symbol.dispose]: () => opened.dispose(),
  };
}

type HowToAnswer = Pick<AnswerOptions, "sampling" | "seed" | "maxNewTokens">;

/** Opens whoever answers: the base, and the tuned model if there is one. */
async function openSpeakers(
  device: Device,
  options: PredictOptions,
  { answers, onProgress, onTuned, onTold }: PredictHooks & {
    readonly answers: number;
  },
): Promise<{ speakers: Speaker[]; how: HowToAnswer }> {
  const { retune } = options;
  const models = await answeringModels({
    base: options.model_name_or_path,
    tuned: options.tuned,
  });
  const { base } = models;
  const { encoder } = await openEncoder({
    ...options,
    model_name_or_path: base,
  });
  const opened = await openSideBySide(device, models, {
    quantization: quantizationOf(options),
    dequantize: options.dequantize,
    onLoad: (done, total) => onProgress?.("load", done, total),
  });
  const { tuned } = opened;
  const { folder } = opened.base;
  const manner = mannerOf(options, folder, onTold);
  const speakers = [
    createSpeaker({
      ...opened.base,
      name: "base",
      encoder,
      files: folder,
      manner,
    }),
  ];
  if (tuned) {
    const own = await openTunedEncoder(tuned.tuned, { ...options, base });
    const files = await tunedFiles(tuned, folder, onTold);
    speakers.push(
      createSpeaker({
        ...tuned,
        name: "tuned",
        encoder: own.encoder,
        files,
        manner: mannerOf(options, files, onTold),
      }),
    );
  }
  const tokens = answers * (options.max_new_tokens ?? USUAL_TOKENS);
  const perToken = tokenOperations(opened.base.model.config);
  await productTuner(device, { retune, onTuned })(tokens * perToken);
  const { seed, max_new_tokens: maxNewTokens } = options;
  const how = { sampling: manner.sampling, seed, maxNewTokens };
  return { speakers, how };
}

/**
 * The files of a tuned model, with its own generation_config.json if its folder has one, else the
 * base's.
 */
async function tunedFiles(
  { folder, tuned }: OpenedTuned,
  { generationConfig: usual }: Pick<ModelFiles, "generationConfig">,
  onTold: PredictHooks["onTold"],
): Promise<ModelFiles> {
  const generationConfig = await generationConfigOf(tuned.path);
  if (generationConfig === undefined) {
    return { ...folder, ...(usual && { generationConfig: usual }) };
  }
  const [own, other] = [generationConfig, usual ?? {}]
    .map((config) => JSON.stringify(Object.entries(config).sort()));
  if (own !== other) {
    onTold?.(
      `"${tuned.path}" has a generation_config.json of its own, which differs from its base's: its answers go by it`,
    );
  }
  return { ...folder, generationConfig };
}

/** What the options say of answers, and for the rest a model's generation_config.json. */
function mannerOf(
  options: PredictOptions,
  { generationConfig = {} }: Pick<ModelFiles, "generationConfig">,
  onTold: PredictHooks["onTold"],
): Manner & Pick<AnswerOptions, "sampling"> {
  const left = leftOut(generationConfig);
  if (left.length > 0) {
    onTold?.(
      `generation_config.json has ${
        left.join(", ")
      }, which is not served and left out`,
    );
  }
  return {
    sampling: fillSampling(options, generationConfig),
    processing: processingOf({
      ...generationConfig,
      repetition_penalty: options.repetition_penalty ??
        generationConfig["repetition_penalty"],
    }),
    ...lengthDefaults(generationConfig),
  };
}
