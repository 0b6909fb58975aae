/**
 * What one run is made of, and how its options become the parts of the training loop. Opens
 * nothing.
 */
import type { Device } from "../../../kernels/device/device.ts";
import type { BytePlan } from "../plan/byte_plan.ts";
import type { Objective } from "../method/objective.ts";
import type { TrainOptions } from "../options/options.ts";
import { tell } from "../../base/notes.ts";
import { routerLossOf } from "../setup/run_router_loss.ts";
import type { Examples, RunData } from "../setup/run_data.ts";
import { runEvents } from "../setup/run_events.ts";
import { runLength } from "../setup/run_length.ts";
import type { RunPlace } from "./run_fault.ts";
import type { RunHooks } from "./run_hooks.ts";
import type { RunInputs } from "./run_inputs.ts";
import type { Sink } from "./sink.ts";
import type { RunModel } from "../setup/run_model.ts";
import type { RunReference } from "../reference/run_reference.ts";
import type { SaveContext } from "../checkpoint/saved_model.ts";
import { makeSchedule, resolveWarmupSteps } from "../optimizer/schedule.ts";
import type { TrainerParts } from "../loop/trainer.ts";

/** One run while it is being put together; `Example` is a pair or a demonstration. */
export interface Run<Example> {
  readonly device: Device;
  readonly options: TrainOptions;
  /** Names it, through all its parts if it is resumed. */
  readonly id: string;
  readonly hooks: RunHooks;
  /** Where it stands, for the message of a fault. */
  readonly place: RunPlace;
  /** All sinks of the run. */
  readonly sinks: Required<Sink>;
  readonly data: RunData<Example>;
  readonly built: RunModel;
  readonly context: SaveContext;
  readonly objective: Objective<Example>;
  /** What it needs on the device, and whether activations are kept or computed again. */
  readonly plan: BytePlan;
  readonly reference: RunReference<Example>;
  /** Hashes of what it is made from; undefined where no checkpoint is planned. */
  readonly inputs: RunInputs | undefined;
}

/**
 * Puts the loop's parts together.
 *
 * @throws {RangeError} if no example is left
 */
export function trainerParts<Example extends Examples>(
  {
    options,
    objective,
    built: { model, adapter },
    data,
    plan,
  }: Pick<Run<Example>, "options" | "objective" | "built" | "data" | "plan">,
  { train, evaluation, optimizer, movingReference }: Pick<
    TrainerParts<Example>,
    "train" | "evaluation" | "optimizer" | "movingReference"
  >,
): TrainerParts<Example> {
  const { files, report } = data.train;
  const routerLoss = routerLossOf(model.config, options);
  if (model.config.experts && options.router_aux_loss_coef === 0) {
    tell(
      "the model is a mixture of experts, and the loss that keeps its experts in equal use is left out: router_aux_loss_coef is 0",
    );
  }
  const { order, stepsPerEpoch, totalSteps } = runLength(
    options,
    train.examples,
  );
  return {
    model,
    objective,
    train,
    evaluation,
    optimizer,
    movingReference,
    routerLoss,
    order,
    totalSteps,
    schedule: makeSchedule({
      ...options,
      lr_scheduler_kwargs: options.lr_scheduler_kwargs ?? {},
      warmupSteps: resolveWarmupSteps(totalSteps, options),
      totalSteps,
    }),
    maxGradNorm: options.max_grad_norm,
    evalBatchSize: options.per_device_eval_batch_size,
    gradientCheckpointing: plan.gradientCheckpointing,
    maxTokensPerBatch: routerLoss ? null : options.max_tokens_per_batch,
    seed: options.seed,
    drops: adapter !== undefined && adapter.lora_dropout > 0,
    embeddingNoise: options.neftune_noise_alpha ?? 0,
    isDue: runEvents(options, { totalSteps, stepsPerEpoch }),
    evaluatesFirst: options.eval_on_start,
    ...bestParts(options),
    describe: (index) => {
      const { line, lines = [line] } = train.examples[index]!;
      const file = files[index];
      const place = file === undefined
        ? "line "
        : `${report.sources[file]!.path}:`;
      return lines.map((one) => `${place}${one}`).join(", ");
    },
  };
}

/** Whether evaluations are compared, and what for. */
function bestParts(
  options: TrainOptions,
): Pick<TrainerParts<unknown>, "best" | "savesBest"> {
  const savesBest = options.load_best_model_at_end ||
    options.save_strategy === "best";
  const compares = savesBest || options.early_stopping_patience !== null;
  return { best: compares ? options : undefined, savesBest };
}
