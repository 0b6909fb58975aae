/**
 * The checkpoint of a reward model, which transformers calls ForSequenceClassification: it has a
 * weight `score` of one row in place of the head, and its config.json says so. Knows no training.
 */
import { worded } from "../../base/shown.ts";
import type { JsonObject } from "../../files/disk/json_file.ts";
import type { ModelConfig } from "../config/config.ts";

/** The name of the reward head in a checkpoint. Its shape is `[1, hidden_size]`; it has no bias. */
export const SCORE = "score.weight";

/** The config of the same decoder with a reward head. */
export function withRewardHead(config: ModelConfig): ModelConfig {
  return { ...config, rewardHead: true };
}

/** Whether a config.json belongs to a reward model. */
export function isRewardConfig({ architectures }: JsonObject): boolean {
  return Array.isArray(architectures) &&
    architectures.some((name) => /ForSequenceClassification$/.test(name));
}

/**
 * The config.json of a reward model, made from that of its decoder.
 *
 * @param padTokenId id of the padding token: transformers reads the reward at the last token that
 *   is not padding
 */
export function rewardConfigJson(
  config: JsonObject,
  padTokenId: number | undefined,
): JsonObject {
  const [first] = [config["architectures"]].flat();
  const type = worded(config["model_type"]);
  const name = typeof first === "string"
    ? first.replace(/For[A-Z]\w*$/, "")
    : type.charAt(0).toUpperCase() + type.slice(1);
  return {
    ...config,
    architectures: [`${name}ForSequenceClassification`],
    id2label: { "0": "LABEL_0" },
    label2id: { "LABEL_0": 0 },
    ...(padTokenId === undefined ? {} : { pad_token_id: padTokenId }),
  };
}
