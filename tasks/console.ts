/** How long work shows on the console: progress as one line on a terminal, as plain lines in a pipe. */
// deno-lint-ignore-file no-console
import {
  CACHE_FOLDER,
  type Device,
  keptTexts,
  type LoadReport,
  type Metrics,
  type Progress,
  type RunHooks,
  type Sink,
  sinkNames,
  sinksOf,
  skippedLine,
  startProgress,
  tuneProducts,
} from "../mod.ts";

/** Called with what is done; starts the clock at its first call. */
export interface TaskProgress {
  (done: number, total?: number): void;
  /** Starts the clock with `done` units done already. */
  start(done: number, total: number): void;
  /** Prints a line of its own, above the progress. */
  say(line: string): void;
}

const encoder = new TextEncoder();
const write = (text: string) =>
  void Deno.stderr.writeSync(encoder.encode(text));

/** A display for one job; it ends by itself when all is done. */
export function taskProgress(label: string, unit: string): TaskProgress {
  const terminal = Deno.stderr.isTerminal();
  let progress: Progress | undefined;
  let size: number | undefined;
  const start = (done: number, total: number | undefined) => {
    size = total;
    progress = startProgress({
      label,
      unit,
      total,
      start: done,
      terminal,
      write,
    });
  };
  const update = (done: number, total = size) => {
    if (!progress) start(0, total);
    progress!.update(done);
    if (done === size) {
      progress!.finish();
      progress = undefined;
    }
  };
  const say = (line: string) =>
    write(terminal ? `\r\x1b[K${line}\n` : `${line}\n`);
  return Object.assign(update, { start, say });
}

/**
 * Leaves a tenth of the memory that is free to the rest of the machine; a software adapter takes no note of it.
 *
 * @param limit in GB, instead
 */
export function memoryBudget(
  limit: number | null = null,
): { budgetBytes?: number } {
  if (limit !== null) return { budgetBytes: limit * 1e9 };
  const permission = Deno.permissions.querySync({
    name: "sys",
    kind: "systemMemoryInfo",
  });
  if (permission.state !== "granted") return {};
  return { budgetBytes: Deno.systemMemoryInfo().available * 0.9 };
}

const ORIGINS = { measured: "measured now", known: "known" } as const;

/**
 * Chooses the tile of the products that suits the adapter, if there is work enough or it is known, and says which.
 *
 * @param retune measure again whatever is known
 */
export function productTuner(
  device: Device,
  retune = false,
): (operations: number) => Promise<void> {
  return async (operations) => {
    const { chosen, origin } = await tuneProducts(device, {
      store: keptTexts(CACHE_FOLDER.kernels),
      retune,
      operations,
    });
    if (origin === "untuned") return;
    console.error(`products: tile ${chosen} (${ORIGINS[origin]})`);
  };
}

const SHOWN = [
  "loss",
  "grad_norm",
  "learning_rate",
  "rewards/margins",
  "rewards/accuracies",
];

/** `step 20  epoch 0.5  loss 0.412  rewards/margins 0.31`. */
function rowLine(row: Metrics): string {
  const isEvaluation = "eval_loss" in row;
  const names = SHOWN.map((name) => isEvaluation ? `eval_${name}` : name);
  const shown = names.flatMap((name) =>
    row[name] === undefined
      ? []
      : [`${name} ${Number(row[name].toPrecision(4))}`]
  );
  return [`step ${row["step"]}`, `epoch ${row["epoch"]?.toFixed(2)}`, ...shown]
    .join("  ");
}

function dataLine(
  name: string,
  { kept, rows }: Pick<LoadReport, "kept" | "rows">,
): string {
  return `${name}: ${kept} of ${rows} rows kept`;
}

/** Shows a training run: what it reads, how far it is, its rows of metrics. */
export function trainingHooks(folder: string, signal?: AbortSignal): RunHooks {
  const shown = {
    load: taskProgress("load", "bytes"),
    reference: taskProgress("reference", "pairs"),
    train: taskProgress("train", "steps"),
  };
  return {
    signal,
    cacheFolder: CACHE_FOLDER.reference,
    onProgress: (stage, done, total) => shown[stage](done, total),
    sinks: [...sinksOf(folder, sinkNames), consoleSink(shown.train)],
  };
}

/** The console as a run's sink; its lines go above the progress. */
function consoleSink({ start, say }: TaskProgress): Sink {
  return {
    loaded(train, evaluation) {
      console.log(dataLine("training", train));
      if (evaluation) console.log(dataLine("evaluation", evaluation));
    },
    open({ trainableParameters, totalSteps, doneSteps, startingLoss }) {
      const count = trainableParameters.toLocaleString("en");
      console.log(`${count} trainable parameters, ${totalSteps} steps`);
      if (startingLoss !== undefined) {
        console.log(`loss before the first step: ${startingLoss.toFixed(6)}`);
      }
      start(doneSteps, totalSteps);
    },
    skipped: (step) => say(skippedLine(step)),
    row: (row) => say(rowLine(row)),
    saved: (path) => say(`saved ${path}`),
  };
}
