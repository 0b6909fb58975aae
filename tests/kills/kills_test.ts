/** Runs that are killed as by kill -9 end as if nobody had. */
import { assertEquals } from "@std/assert";
import { OPTIONS } from "../tasks/small_project.ts";
import { test } from "../test_case.ts";
import {
  type Chain,
  chainLine,
  chainsLine,
  killChains,
} from "./kill_chains.ts";
import { killingDisk, type KillMoment } from "./killing_disk.ts";
import { memoryDisk } from "../files/memory_disk.ts";

/** Kills so often, prints the count, and fails where an end differs. */
async function holds(kills: number, seed: number): Promise<void> {
  const chains = await killChains({ seed, kills });
  const line = `${chainsLine(chains, seed)}\n`;
  await Deno.stdout.write(new TextEncoder().encode(line));
  const wrong = ({ faults }: Chain) => faults.length > 0;
  assertEquals(chains.filter(wrong).map(chainLine), []);
}

test("a run that is killed 2 times ends bit-equal", OPTIONS, () => holds(2, 7));

test(
  "runs that are killed 20 times end bit-equal",
  { ...OPTIONS, long: true },
  () => holds(20, 23),
);

/** Writes a file of 6 bytes and reads it; gives what is there as the disk was to be killed. */
async function leftAt(moment: KillMoment): Promise<string> {
  const inner = memoryDisk();
  const dead = new Error("killed");
  const killed = killingDisk(inner, moment, {
    kill() {
      throw dead;
    },
  });
  try {
    using file = await killed.open("x", { write: true, createNew: true });
    await file.write(new TextEncoder().encode("abcdef"));
    await file.sync();
    await killed.rename("x", "y");
    return "not killed";
  } catch (error) {
    if (error !== dead) throw error;
  }
  const texts = inner.paths().map(async (path) =>
    `${path} ${new TextDecoder().decode(await inner.readFile(path))}`
  );
  return (await Promise.all(texts)).join();
}

test("killingDisk() ends before, within and after the call it is told", async () => {
  const left: Record<string, string> = {};
  for (const at of [1, 2, 4, 5]) {
    for (const when of ["before", "half", "after"] as const) {
      left[`${when} ${at}`] = await leftAt({ at, when });
    }
  }
  assertEquals(left, {
    "before 1": "",
    "half 1": "",
    "after 1": "/x ",
    "before 2": "/x ",
    "half 2": "/x abc",
    "after 2": "/x abcdef",
    "before 4": "/x abcdef",
    "half 4": "/x abcdef",
    "after 4": "/y abcdef",
    "before 5": "not killed",
    "half 5": "not killed",
    "after 5": "not killed",
  });
});
