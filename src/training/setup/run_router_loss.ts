/**
 * Whether a run keeps the experts of its model in equal use. Knows no device.
 */
import type { ModelConfig } from "../../model/config/config.ts";
import type { RouterLoss } from "../loop/router_loss.ts";
import { methodOf } from "../method/methods.ts";
import type { TrainOptions } from "../options/options.ts";

/**
 * The router loss of a run. Undefined if the model has no experts or the coefficient is 0, and for
 * reward models, where TRL adds none.
 */
export function routerLossOf(
  { experts }: Pick<ModelConfig, "experts">,
  options: Pick<TrainOptions, "router_aux_loss_coef" | "trainer">,
): RouterLoss | undefined {
  const { router_aux_loss_coef: coefficient } = options;
  if (!experts || coefficient === 0) return undefined;
  if (methodOf(options).head === "score") return undefined;
  return {
    coefficient,
    experts: experts.num_experts,
    layers: experts.layers.filter((has) => has).length,
  };
}
