/**
 * A rotary embedding as llama.cpp takes it: a base, a linear scale, or a divisor per frequency for what is neither.
 * Knows no file.
 */
import type { GgufValue } from "../files/gguf.ts";
import type { JsonObject } from "../files/json_file.ts";
import type { ModelConfig } from "./config.ts";

/** Metadata under `<architecture>.rope`, and the tensor `rope_freqs.weight`. */
export interface GgufRope {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** `[head_dim / 2]`: what each plain frequency is divided by; undefined if by nothing. */
  readonly divisors: Float32Array<ArrayBuffer> | undefined;
}

/**
 * Translates the rotary embedding of a config.
 *
 * @param json the parsed config.json, for its base
 * @throws TypeError for a kind whose frequencies alone do not tell it
 */
export function ggufRope(
  { ropes, head_dim }: ModelConfig,
  json: JsonObject,
  architecture: string,
): GgufRope {
  const parameters = {
    ...json["rope_scaling"] as JsonObject | null | undefined,
    ...json["rope_parameters"] as JsonObject | null | undefined,
  };
  const base = Number(
    json["rope_theta"] ?? parameters["rope_theta"] ?? 10_000,
  );
  const kind = String(
    parameters["rope_type"] ?? parameters["type"] ?? "default",
  );
  const key = `${architecture}.rope`;
  const metadata = new Map<string, GgufValue>([
    [`${key}.freq_base`, { type: "float32", value: base }],
  ]);
  if (kind === "default") return { metadata, divisors: undefined };
  if (kind === "linear") {
    metadata.set(`${key}.scaling.type`, { type: "string", value: "linear" });
    metadata.set(`${key}.scaling.factor`, {
      type: "float32",
      value: Number(parameters["factor"]),
    });
    return { metadata, divisors: undefined };
  }
  if (kind === "llama3") {
    const divisors = Float32Array.from(
      ropes.full.inverseFrequencies,
      (frequency, i) => base ** (-2 * i / head_dim) / frequency,
    );
    return { metadata, divisors };
  }
  throw new TypeError(
    `Cannot export as GGUF: rope_type "${kind}" is not translated, expected default, linear or llama3`,
  );
}
