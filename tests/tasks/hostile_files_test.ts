/**
 * Files of strangers, each given to the task that reads it: it ends within 10 s and 1 GB, in one
 * line that says what cannot be done and names the file.
 */
import { assert, assertEquals } from "@std/assert";
import { test } from "../test_case.ts";
import { faultsOf, type HostileFile, runHostile } from "./hostile_case.ts";
import { DATA_CASES } from "./hostile_data_files.ts";
import { MODEL_CASES } from "./hostile_model_files.ts";
import { OPTIONS as SCENE, project } from "./small_project.ts";

const CASES = [...MODEL_CASES, ...DATA_CASES];
const { read, ...granted } = SCENE.permissions;
const OPTIONS = {
  ...SCENE,
  // what a process has in memory is read from there
  permissions: { ...granted, read: [...read, "/proc"] },
};

/** Runs cases, two at a time. */
async function check(cases: readonly HostileFile[]): Promise<void> {
  const faults: string[] = [];
  const queue = cases.values();
  const work = async () => {
    for (const one of queue) {
      await using folder = await project();
      await one.arrange(folder);
      faults.push(...faultsOf(one, await runHostile(folder, one)));
    }
  };
  await Promise.all([work(), work()]);
  assertEquals(faults, []);
}

test("there are more than 80 hostile files, each of another name", () => {
  assert(CASES.length >= 80, `${CASES.length} cases`);
  assertEquals(new Set(CASES.map(({ name }) => name)).size, CASES.length);
});

test(
  "a task ends in one line at a hostile file: one in ten",
  OPTIONS,
  () => check(CASES.filter((_, i) => i % 10 === 0)),
);

test(
  "a task ends in one line at a hostile file",
  { ...OPTIONS, long: true },
  () => check(CASES),
);
