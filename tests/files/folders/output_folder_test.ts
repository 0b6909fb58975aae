import { assertEquals, assertRejects } from "@std/assert";
import {
  checkpointPath,
  listCheckpoints,
  removeOldCheckpoints,
} from "../../../src/files/folders/checkpoints.ts";
import {
  checkOutputFolder,
  emptyOutputFolder,
  lockOutputFolder,
} from "../../../src/files/folders/output_folder.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

const namesIn = (path: string) =>
  [...Deno.readDirSync(path)].map(({ name }) => name).sort();

test(
  "listCheckpoints() sorts by step and passes over other names",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    for (
      const name of [
        "checkpoint-10",
        "checkpoint-9",
        "checkpoint-x",
        ".checkpoint-11.ab.tmp",
      ]
    ) {
      await Deno.mkdir(folder.file(name));
    }
    await folder.write("checkpoint-12", "a file");
    assertEquals((await listCheckpoints(folder.path)).map(({ step }) => step), [
      9,
      10,
    ]);
    assertEquals(await listCheckpoints(folder.file("none")), []);
  },
);

test(
  "removeOldCheckpoints() leaves the newest and those that are kept",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    for (const step of [1, 2, 3, 4]) {
      await Deno.mkdir(
        checkpointPath(folder.path, step),
      );
    }
    await removeOldCheckpoints(folder.path, 2, (step) => step === 1);
    assertEquals(namesIn(folder.path), ["checkpoint-1", "checkpoint-4"]);
  },
);

test(
  "checkOutputFolder() refuses another run's files unless told",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await Deno.mkdir(folder.file("checkpoint-2"));
    for (const name of ["options.json", "notes.txt"]) {
      await folder.write(
        name,
        "",
      );
    }
    await assertRejects(
      () => checkOutputFolder(folder.path),
      TypeError,
      `it holds another run's "options.json", "checkpoint-2"`,
    );
    await checkOutputFolder(folder.path, { resume: true });
    assertEquals(namesIn(folder.path), [
      "checkpoint-2",
      "notes.txt",
      "options.json",
    ]);
    const all = namesIn(folder.path);
    await checkOutputFolder(folder.path, { overwrite: true });
    assertEquals(namesIn(folder.path), all);
    await emptyOutputFolder(folder.path);
    assertEquals(namesIn(folder.path), ["notes.txt"]);
  },
);

test(
  "checkOutputFolder() and emptyOutputFolder() know the files that a run names",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await folder.write("events.txt", "");
    await checkOutputFolder(folder.path);
    const files = ["events.txt"];
    await assertRejects(
      () => checkOutputFolder(folder.path, { files }),
      TypeError,
      `it holds another run's "events.txt"`,
    );
    await emptyOutputFolder(folder.path);
    assertEquals(namesIn(folder.path), files);
    await emptyOutputFolder(folder.path, files);
    assertEquals(namesIn(folder.path), []);
  },
);

test(
  "lockOutputFolder() says in one line that it cannot write",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const file = await folder.write("file", "");
    await assertRejects(
      () => lockOutputFolder(`${file}/below`),
      Deno.errors.PermissionDenied,
      "Cannot write to output folder",
    );
  },
);

test(
  "lockOutputFolder() leaves no folder where nothing was written",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    for (const name of ["run", "runs/new"]) {
      await using _lock = await lockOutputFolder(folder.file(name));
    }
    assertEquals([...Deno.readDirSync(folder.path)], []);
  },
);

test(
  "lockOutputFolder() removes what killed runs left, and nothing of others",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const mark = "01234567.tmp";
    await Deno.mkdir(folder.file(`.checkpoint-14.${mark}`));
    for (const name of ["adapter_model.safetensors", "curves.svg", "notes"]) {
      await folder.write(`.${name}.${mark}`, "");
    }
    {
      await using _lock = await lockOutputFolder(folder.path);
    }
    assertEquals(namesIn(folder.path), [`.notes.${mark}`]);
  },
);
