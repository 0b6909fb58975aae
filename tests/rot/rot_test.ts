/**
 * Bit rot of whatever is stored: nothing differs silently. Each kind is tried at drawn places of
 * drawn files; what came of it is counted by kind.
 */
import { assertEquals } from "@std/assert";
import type { Device } from "../../kernels/device/device.ts";
import { gpuTest } from "../kernels/gpu_test_case.ts";
import { FAULTS, rotCase, type RotResult } from "./rot_case.ts";
import { ROT_KINDS } from "./rot_kinds.ts";
import { makeRotScene } from "./rot_scene.ts";
import { putBack } from "./snapshot.ts";

/** Tries each kind in turn, as often as asked, at places that the seed draws. */
async function rot(
  device: Device,
  { seed, cases }: { readonly seed: number; readonly cases: number },
): Promise<RotResult[]> {
  await using scene = await makeRotScene(device);
  const wanted = [];
  for (const stage of scene.stages) {
    putBack(scene.root, stage.before);
    wanted.push(await stage.work());
  }
  const kinds = Object.keys(ROT_KINDS);
  assertEquals(kinds.length, 30);
  const results: RotResult[] = [];
  // stage by stage: a file that is put back counts as changed, and its hash is no longer remembered
  for (const [s, stage] of scene.stages.entries()) {
    for (let i = 0; i < cases; i++) {
      // each kind meets each stage in turn
      const turn = i + Math.floor(i / kinds.length);
      if (turn % scene.stages.length !== s) continue;
      const kind = kinds[i % kinds.length]!;
      const how = { kind, seed: seed * 10_000 + i, wanted: wanted[s]! };
      results.push(await rotCase(scene.root, stage, how));
    }
  }
  return results;
}

function check(results: readonly RotResult[]): void {
  const faults = results.filter(({ outcome }) => FAULTS.includes(outcome));
  assertEquals(
    faults.map(({ kind, stage, file, outcome, said }) =>
      `${outcome}: ${kind}: ${file} (${stage}): ${said}`
    ),
    [],
  );
}

/** A line for each kind, and for each file: how often what came of it. */
function countLines(
  results: readonly RotResult[],
  by: (one: RotResult) => string,
): string {
  const lines = [...Map.groupBy(results, by)].map(([name, group]) => {
    const counts = [...Map.groupBy(group, ({ outcome }) => outcome)]
      .map(([outcome, { length }]) => `${length} ${outcome}`).sort();
    return `${name}: ${counts.join(", ")}`;
  });
  return lines.join("\n") + "\n";
}

const PERMISSIONS = { read: true, write: true, kinds: ["cpu"] as const };

await gpuTest(
  "bit rot of what is stored differs nowhere silently: 12 cases",
  async (device) => check(await rot(device, { seed: 1, cases: 12 })),
  PERMISSIONS,
);

await gpuTest(
  "bit rot of what is stored differs nowhere silently: 20 cases of each kind",
  async (device) => {
    const results = await rot(device, { seed: 19, cases: 600 });
    const text = [
      countLines(results, ({ kind }) => kind),
      countLines(results, ({ stage, file }) => `${stage}, ${file}`),
    ].join("\n");
    await Deno.stdout.write(new TextEncoder().encode(text));
    check(results);
  },
  { ...PERMISSIONS, long: true },
);
