/**
 * The differentiable op at the end of a model: log-probabilities of given tokens from hidden
 * states. Knows no loss.
 */
import type { Device } from "../../kernels/device/device.ts";
import type { LogitOptions } from "../../kernels/vocabulary/logit_options.ts";
import * as vocabulary from "../../kernels/vocabulary/token_logps.ts";
import { tokenLogpsBackward } from "../../kernels/vocabulary/token_logps_backward.ts";
import type { Tensor } from "../../kernels/device/tensor.ts";
import type { Weight } from "./parameter.ts";
import { isTracked, record } from "./tape.ts";

/**
 * Log-probabilities of `targets` `[rows]` under hidden states `[rows, hidden_size]`: `[rows]` in
 * nats, with the statistics for metrics. The full logits never exist.
 */
export function tokenLogps(
  device: Device,
  hidden: Tensor,
  head: Weight,
  targets: Tensor,
  logits: LogitOptions = {},
): { logps: Tensor; statistics: Tensor } {
  const headGradient = head.parameter?.gradient;
  const gradient = isTracked(hidden);
  const forward = vocabulary.tokenLogps(device, hidden, head.matrix, targets, {
    ...logits,
    gradient,
  });
  const { logps, statistics, dHidden } = forward;
  record({
    output: logps,
    inputs: [hidden],
    trains: headGradient !== undefined,
    saved: dHidden ? [dHidden] : [],
    backward: (slopes, _into, [hidden]) => {
      const dx = tokenLogpsBackward(
        device,
        {
          hidden: hidden!,
          head: head.matrix,
          targetTokens: targets,
          statistics,
          dHidden: dHidden!,
        },
        slopes,
        { ...logits, headGradient },
      );
      return [dx];
    },
  });
  return { logps, statistics };
}
