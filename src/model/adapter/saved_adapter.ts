/**
 * Rank and config of an adapter as it is saved. A fixed product beside the trained one is saved as
 * part of the same plain adapter, whose rank is the sum of both; PEFT loads it on the original
 * base.
 */
import type { Lora } from "../../autograd/lora.ts";
import { type AdapterConfig, layerAdapter } from "./adapter_config.ts";
import { linearPaths } from "./adapter_layout.ts";
import type { Model } from "../decoder/model.ts";

/** The rank with which a layer's adapter is saved. */
export function savedRank({ a, fixed }: Lora): number {
  return a.matrix.rows + (fixed?.a.matrix.rows ?? 0);
}

/**
 * The config with which a model's adapter is saved: the given one, unless there are fixed products.
 */
export function savedConfig(
  model: Model,
  config: AdapterConfig,
): AdapterConfig {
  const adapted = linearPaths(model).flatMap(([path, { lora }]) =>
    lora ? [{ path, lora }] : []
  );
  const asTrained = adapted.every(({ path, lora }) => {
    const { r, scale } = layerAdapter(config, path);
    return lora.a.parameter && savedRank(lora) === r && lora.scale === scale;
  });
  if (asTrained) return config;
  const layers = adapted.map(({ path, lora }) => {
    const r = savedRank(lora);
    return { path, r, alpha: lora.scale * r };
  });
  const [{ r, alpha } = { r: 1, alpha: 1 }] = layers;
  const others = (key: "r" | "alpha", most: number) =>
    Object.fromEntries(
      layers.filter((layer) => layer[key] !== most)
        .map((layer) => [layer.path, layer[key]]),
    );
  return {
    ...config,
    r,
    lora_alpha: alpha,
    use_rslora: false,
    target_modules: layers.map(({ path }) => path),
    exclude_modules: null,
    layers_to_transform: null,
    rank_pattern: others("r", r),
    alpha_pattern: others("alpha", alpha),
  };
}
