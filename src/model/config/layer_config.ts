/**
 * Reads from config.json what differs between the layers of a model: sliding windows and rotations.
 */
import { shown, spelled } from "../../base/shown.ts";
import type { ConfigReader } from "./config_reader.ts";
import type { Family } from "./family.ts";
import type { Ropes } from "./rope_config.ts";

/**
 * The sliding window of each layer; undefined for layers that attend to all keys. `layer_types`
 * wins over patterns.
 */
export function readWindows(
  reader: ConfigReader,
  family: Family,
  layers: number,
): (number | undefined)[] {
  const { slidingWindow, slidingPattern } = family;
  const window = reader.value("sliding_window") ?? undefined;
  const kinds = readLayerTypes(reader, family);
  const hasWindow = slidingWindow === "always"
    ? window !== undefined
    : slidingWindow !== "never" && reader.switch("use_sliding_window");
  if (Array.isArray(kinds)) checkLayerTypes(kinds, layers, reader.problems);
  if (hasWindow && slidingWindow === "by_types" && !Array.isArray(kinds)) {
    reader.problems.push(
      `"use_sliding_window" is true without "layer_types", expected both`,
    );
  }
  const named = Array.isArray(kinds) && kinds.includes("sliding_attention");
  if (named && slidingWindow === "by_types" && !hasWindow) {
    reader.problems.push(
      `"layer_types" has "sliding_attention" without "use_sliding_window", expected both or none`,
    );
  }
  if (hasWindow && !(Number.isSafeInteger(window) && window as number > 0)) {
    reader.problems.push(
      `"sliding_window" is ${
        shown(window ?? null)
      }, expected a positive integer`,
    );
  }
  const first = slidingWindow === "from_layer"
    ? reader.number("max_window_layers", 28) // transformers' default
    : 0;
  const every = readPattern(reader, slidingPattern);
  const slides = (layer: number) => {
    if (Array.isArray(kinds)) return kinds[layer] === "sliding_attention";
    return every === undefined ? layer >= first : (layer + 1) % every !== 0;
  };
  return Array.from(
    { length: layers },
    (_, layer) => hasWindow && slides(layer) ? window as number : undefined,
  );
}

/** `layer_types`, in today's words. */
function readLayerTypes(
  reader: ConfigReader,
  { fullTypes = [], needsLayerTypes }: Family,
): unknown {
  const kinds = reader.value("layer_types");
  if (Array.isArray(kinds)) {
    return kinds.map((kind) =>
      fullTypes.includes(spelled(kind)) ? "full_attention" : kind
    );
  }
  if (needsLayerTypes) {
    reader.problems.push(
      `"layer_types" is ${
        shown(kinds)
      }, expected a list of "full_attention", since without it no layer attends`,
    );
  }
  return kinds;
}

/** After how many layers one attends to all keys. Newer files put an underscore before the key. */
function readPattern(
  reader: ConfigReader,
  pattern: Family["slidingPattern"],
): number | undefined {
  if (pattern === undefined || typeof pattern === "number") return pattern;
  const [key, fallback] = pattern;
  const written = reader.value(key);
  // EXAONE writes the pattern as letters, one for each layer: "LLLG"
  if (typeof written === "string") return written.length;
  const hidden = reader.size(`_${key}`, fallback);
  return reader.size(key, hidden);
}

/** The kind of rotation of each layer; undefined for layers that do not rotate. */
export function readLayerRopes(
  reader: ConfigReader,
  { ropeLayers }: Family,
  windows: readonly (number | undefined)[],
): (keyof Ropes | undefined)[] {
  const kindOf = (window: number | undefined) =>
    window === undefined ? "full" : "sliding";
  if (ropeLayers === "all") return windows.map(kindOf);
  if (ropeLayers === "position_embedding_type") {
    const rotates = reader.value(ropeLayers) === "rope";
    return windows.map((window) => rotates ? kindOf(window) : undefined);
  }
  if (ropeLayers === "windowed") {
    return windows.map((window) =>
      window === undefined ? undefined : kindOf(window)
    );
  }
  if (ropeLayers === "sliding") {
    // in a model without any window all layers rotate
    const hybrid = windows.some((window) => window !== undefined);
    return windows.map((window) =>
      hybrid && window === undefined ? undefined : kindOf(window)
    );
  }
  const interval = reader.size("no_rope_layer_interval", 4);
  const list = reader.value(ropeLayers);
  const rotates = Array.isArray(list) && list.length > 0
    ? (layer: number) => list[layer] === 1
    : (layer: number) => (layer + 1) % interval !== 0;
  if (
    Array.isArray(list) && list.length > 0 && list.length !== windows.length
  ) {
    reader.problems.push(
      `"${ropeLayers}" has ${list.length} entries, expected ${windows.length}`,
    );
  }
  return windows.map((window, layer) =>
    rotates(layer) ? kindOf(window) : undefined
  );
}

function checkLayerTypes(
  kinds: readonly unknown[],
  layers: number,
  problems: string[],
): void {
  if (kinds.length !== layers) {
    problems.push(
      `"layer_types" has ${kinds.length} entries, expected ${layers}`,
    );
  }
  const served = ["full_attention", "sliding_attention"];
  const others = new Set(
    kinds.filter((kind) => !served.includes(spelled(kind))),
  );
  for (const kind of others) {
    problems.push(
      `"layer_types" has ${shown(kind)}, only ${
        served.join(" and ")
      } are served`,
    );
  }
}
