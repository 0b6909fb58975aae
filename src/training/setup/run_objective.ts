/** The trainer that the options name: its examples, and what it minimises over them. */
import type { Encoder } from "../../preference/tokens/tokenize.ts";
import {
  feedbackObjective,
  type Objective,
  packedObjective,
  preferenceObjective,
  supervisedObjective,
} from "../method/objective.ts";
import type { TrainOptions } from "../options/options.ts";
import {
  type Examples,
  loadRunDemonstrations,
  loadRunFeedback,
  loadRunPairs,
  packRunData,
  packs,
  type RunData,
} from "./run_data.ts";
import { checkScores } from "../loss/score_terms.ts";

/** Does something with examples of any kind. */
export type UseData<T> = <Example extends Examples>(
  data: RunData<Example>,
  objective: Objective<Example>,
) => Promise<T>;

/** Loads a run's examples and hands them on with their objective. */
export async function withRunData<T>(
  options: TrainOptions,
  encoder: Encoder,
  use: UseData<T>,
): Promise<T> {
  const { trainer } = options;
  if (trainer === "sft") {
    const data = await loadRunDemonstrations(options, encoder);
    const { train, evaluation } = packs(options);
    return train || evaluation
      ? await use(packRunData(data, options), packedObjective())
      : await use(data, supervisedObjective());
  }
  if (trainer === "kto") {
    const data = await loadRunFeedback(options, encoder);
    return await use(data, feedbackObjective(options));
  }
  const data = await loadRunPairs(options, encoder);
  checkScores(data.train.examples, options);
  checkScores(data.evaluation?.examples ?? [], options);
  return await use(data, preferenceObjective({ ...options, trainer }));
}
