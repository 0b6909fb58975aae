/**
 * What a run may leave in its folder beside its weights and metrics.jsonl, by name: one row for
 * each.
 */
import type { Sink } from "../training/run/sink.ts";
import { cardFile } from "./card_file.ts";
import { curvesFile } from "./curves_file.ts";

/** The sinks by name; each is made for the folder of a run. */
export const SINKS = {
  curves: curvesFile,
  card: cardFile,
} as const satisfies Readonly<Record<string, (folder: string) => Sink>>;

/** The name of a sink. */
export type SinkName = keyof typeof SINKS;

/** The names of all sinks. */
export const sinkNames: readonly SinkName[] = Object.keys(SINKS) as SinkName[];

/** The sinks of these names, for a run in a folder. */
export function sinksOf(folder: string, names: readonly SinkName[]): Sink[] {
  return names.map((name) => SINKS[name](folder));
}
