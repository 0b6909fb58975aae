/**
 * `deno task predict`: base and tuned model answer the same questions: one prompt, a file of them, or a
 * conversation on the terminal.
 */
import {
  type AnswerOptions,
  createSpeaker,
  Device,
  fillSampling,
  openDevice,
  openEncoder,
  openOutputFile,
  openSideBySide,
  openTunedEncoder,
  type PredictOptions,
  predictSchema,
  quantizationOf,
  readQuestions,
  readRecords,
  type Speaker,
  tokenOperations,
} from "../mod.ts";
import { memoryBudget, productTuner, taskProgress } from "./console.ts";
import { answerFile } from "./predict_file.ts";
import { askAll, chat, startConversations } from "./predict_chat.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

/** Of an answer, where no option bounds it. */
const USUAL_TOKENS = 256;

/** Whoever answers: the base, and the tuned model if there is one. */
async function openSpeakers(device: Device, options: PredictOptions) {
  const { model_name_or_path: base, chat_template } = options;
  const { encoder } = await openEncoder(options);
  const paths = { base, tuned: options.tuned };
  const opened = await openSideBySide(
    device,
    paths,
    {
      quantization: quantizationOf(options),
      onLoad: taskProgress("load", "bytes"),
    },
  );
  const { tuned } = opened;
  const speakers: Speaker[] = [
    createSpeaker({
      ...opened.base,
      ...{ name: "base", encoder, files: opened.base.folder },
    }),
  ];
  if (tuned) {
    const own = await openTunedEncoder(tuned.tuned, { base, chat_template });
    const parts = { name: "tuned", encoder: own.encoder, files: tuned.folder };
    speakers.push(createSpeaker({ ...tuned, ...parts }));
  }
  const { generationConfig } = opened.base.folder;
  return { speakers, sampling: fillSampling(options, generationConfig) };
}

await runTask(async () => {
  const { options } = await readTaskOptions(predictSchema, {
    command: "deno task predict",
    summary:
      "Lets a base model and a tuned one answer the same prompts, side by side.",
  });
  Deno.addSignalListener("SIGINT", () => Deno.exit(130));
  const { input, output, prompt, system } = options;
  const questions = input === null
    ? []
    : await readQuestions(readRecords(input));
  using file = output === null ? undefined : await openOutputFile(output);
  using device = await openDevice(memoryBudget());
  const { speakers, sampling } = await openSpeakers(device, options);
  // a conversation's answers are products of few rows, which have a kernel of their own
  const tokens = questions.length * (options.max_new_tokens ?? USUAL_TOKENS);
  await productTuner(device, options.retune)(
    tokens * tokenOperations(speakers[0]!.model.config),
  );
  const how: AnswerOptions = {
    sampling,
    seed: options.seed,
    maxNewTokens: options.max_new_tokens,
  };
  if (file) {
    const batchSize = options.batch_size;
    const batches = { ...how, file, system, batchSize };
    return await answerFile(questions, speakers, batches);
  }
  const conversations = startConversations(speakers, system);
  if (prompt !== null) return await askAll(conversations, prompt, how);
  await chat(conversations, how);
});
