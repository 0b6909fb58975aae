/**
 * What makes a checkpoint one of a reward model, as transformers' *ForSequenceClassification has
 * it: a `score` of one row in the head's place, and what its config.json says. Knows no training.
 */
import type { JsonObject } from "../../files/disk/json_file.ts";
import type { ModelConfig } from "../config/config.ts";

/** The head's name in a checkpoint, `[1, hidden_size]`, without a bias. */
export const SCORE = "score.weight";

/** The config of the same decoder with a reward head. */
export function withRewardHead(config: ModelConfig): ModelConfig {
  return { ...config, rewardHead: true };
}

/** Whether a config.json is that of a reward model. */
export function isRewardConfig({ architectures }: JsonObject): boolean {
  return Array.isArray(architectures) &&
    architectures.some((name) => /ForSequenceClassification$/.test(name));
}

/**
 * The config.json of a reward model over a decoder's.
 *
 * @param padTokenId transformers reads the reward at the last token that is another
 */
export function rewardConfigJson(
  config: JsonObject,
  padTokenId: number | undefined,
): JsonObject {
  const [first] = [config["architectures"]].flat();
  const type = String(config["model_type"]);
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
