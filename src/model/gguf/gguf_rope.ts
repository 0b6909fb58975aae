/**
 * Translates a rotary embedding for llama.cpp: into a base, a linear scale, or else a divisor for
 * each frequency. Knows no file.
 */
import { worded } from "../../base/shown.ts";
import type { GgufValue } from "../../files/gguf/gguf.ts";
import type { JsonObject } from "../../files/disk/json_file.ts";
import type { ModelConfig } from "../config/config.ts";
import type { Architecture } from "./gguf_architectures.ts";

/** The metadata under `<architecture>.rope`, and the tensor `rope_freqs.weight`. */
export interface GgufRope {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** `[rotaryDim / 2]` divisor of each plain frequency; undefined if there are none. */
  readonly divisors: Float32Array<ArrayBuffer> | undefined;
}

/**
 * Translates the rotary embedding of a config.
 *
 * @param json the parsed config.json, from which the base is read
 * @throws {TypeError} for a kind of rotation that cannot be translated
 */
export function ggufRope(
  config: ModelConfig,
  json: JsonObject,
  { name, slidingBase }: Architecture,
): GgufRope {
  const { rotaryDim, inverseFrequencies } = config.ropes.full;
  const { base, kind, factor } = readKeys(json);
  checkSliding(config, slidingBase);
  const metadata = new Map<string, GgufValue>([
    [`${name}.rope.freq_base`, { type: "float32", value: base }],
  ]);
  if (kind === "default") return { metadata, divisors: undefined };
  if (kind === "linear") {
    const key = `${name}.rope.scaling`;
    metadata.set(`${key}.type`, { type: "string", value: "linear" });
    metadata.set(`${key}.factor`, { type: "float32", value: factor });
    return { metadata, divisors: undefined };
  }
  if (kind === "llama3") {
    const divisors = Float32Array.from(
      inverseFrequencies,
      (frequency, i) => base ** (-2 * i / rotaryDim) / frequency,
    );
    return { metadata, divisors };
  }
  throw new TypeError(
    `Cannot export as GGUF: rope_type "${kind}" is not translated, expected default, linear or llama3`,
  );
}

/** Reads the rotation of layers that attend to all keys, from both layouts of config.json. */
function readKeys(
  json: JsonObject,
): { base: number; kind: string; factor: number } {
  const given = json["rope_parameters"] as JsonObject | null | undefined;
  const parameters = {
    ...json["rope_scaling"] as JsonObject | null | undefined,
    ...given?.["full_attention"] as JsonObject | undefined ?? given,
  };
  return {
    base: Number(json["rope_theta"] ?? parameters["rope_theta"] ?? 10_000),
    kind: worded(parameters["rope_type"] ?? parameters["type"] ?? "default"),
    factor: Number(parameters["factor"]),
  };
}

/**
 * Fails unless layers with a sliding window rotate as the others do, or by the base that the
 * architecture has for them.
 */
function checkSliding(
  { ropes: { full, sliding }, windows }: ModelConfig,
  base: number | undefined,
): void {
  const slides = windows.some((window) => window !== undefined);
  const wanted = base === undefined
    ? full.inverseFrequencies
    : sliding.inverseFrequencies.map((_, i) =>
      base ** (-2 * i / sliding.rotaryDim)
    );
  const isOther = sliding.inverseFrequencies.some((frequency, i) =>
    Math.abs(frequency - wanted[i]!) > 1e-9 * frequency
  );
  if (!slides || !isOther) return;
  throw new TypeError(
    `Cannot export as GGUF: layers with a sliding window have a rotation of their own, expected ${
      base === undefined ? "that of the others" : `the base ${base}`
    }`,
  );
}
