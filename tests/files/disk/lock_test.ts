import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { dirname, fromFileUrl } from "@std/path";
import { listenToNotes } from "../../../src/base/notes.ts";
import { disk, NotCapable, useDisk } from "../../../src/files/disk.ts";
import type { Disk, DiskFile } from "../../../src/files/disk.ts";
import {
  checkUnlocked,
  lockFolder,
  lockOutput,
} from "../../../src/files/disk/lock.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";
import { memoryDisk } from "../memory_disk.ts";

const ROOT = fromFileUrl(new URL("../../../", import.meta.url));
const HOLDER = fromFileUrl(new URL("lock_holder.ts", import.meta.url));
const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};
const ANOTHER =
  /^Cannot write to ".*": process (\d+).* has been writing there since \d{4}-\d\d-\d\dT.*Z; wait for its end, or choose another place$/;

const namesIn = (path: string) =>
  [...Deno.readDirSync(path)].map(({ name }) => name).sort();

/** The message of a refusal, and the process that it names. */
async function refusal(
  attempt: () => Promise<unknown>,
): Promise<{ message: string; pid: number }> {
  const { message } = await assertRejects(attempt, Error);
  assertMatch(message, ANOTHER);
  return { message, pid: Number(ANOTHER.exec(message)![1]) };
}

/** The machine's disk, but for how files are opened. */
function withOpen(open: Disk["open"]): Disposable {
  return useDisk({ ...disk(), open });
}

/** A file of the machine's disk that locks in another way. */
function lockedBy(file: DiskFile, lock: () => Promise<boolean>): DiskFile {
  return new Proxy(file, {
    get(target, name) {
      if (name === "lock") return lock;
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test(
  "lockFolder() and lockOutput() keep a second one out until they are disposed",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    for (const lock of [lockFolder, lockOutput]) {
      const place = folder.file(`${lock.name}/a`);
      {
        await using _first = await lock(place);
        const { pid, message } = await refusal(() => lock(place));
        assertEquals(pid, Deno.pid);
        assertMatch(message, new RegExp(`^Cannot write to "${place}"`));
        await using _beside = await lock(folder.file(`${lock.name}/b`));
      }
      await using _second = await lock(place);
    }
    assertEquals(namesIn(folder.path), []);
  },
);

test(
  "lockFolder() and lockOutput() leave no folder that they made and nobody used",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await Deno.mkdir(folder.file("there"));
    const used = ["used/a/b", "there/c"];
    for (const lock of [lockFolder, lockOutput]) {
      for (const place of [...used, "unused/a/b", "there"]) {
        await using _lock = await lock(folder.file(place));
        if (used.includes(place)) {
          await Deno.writeTextFile(folder.file(`${dirname(place)}/x`), "");
        }
      }
    }
    assertEquals(namesIn(folder.path), ["there", "used"]);
    assertEquals(namesIn(folder.file("used")), ["a"]);
    assertEquals(namesIn(folder.file("used/a")), ["x"]);
    assertEquals(namesIn(folder.file("there")), ["x"]);
  },
);

test("lockFolder() is free again once its process is killed", {
  ...OPTIONS,
  permissions: { read: [ROOT, TEMPORARY], write: [TEMPORARY], run: ["deno"] },
}, async () => {
  await using folder = await temporaryFolder();
  const holder = new Deno.Command("deno", {
    args: ["run", "-q", "-P=test", HOLDER, folder.path],
    cwd: ROOT,
    stdout: "piped",
  }).spawn();
  const reader = holder.stdout.getReader();
  await reader.read(); // "held"
  const { pid } = await refusal(() => lockFolder(folder.path));
  assertEquals(pid, holder.pid);
  await refusal(() => checkUnlocked(folder.path));
  holder.kill("SIGKILL");
  await holder.status;
  await reader.cancel();
  assertEquals(namesIn(folder.path), [".lock"]); // left over, and locks nobody out
  await checkUnlocked(folder.path);
  await using _lock = await lockFolder(folder.path);
  const { pid: now } = await refusal(() => lockFolder(folder.path));
  assertEquals(now, Deno.pid);
});

test(
  "lockFolder() makes the file anew if its holder removed it meanwhile",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const machine = disk();
    let opened = 0;
    using _disk = withOpen(async (path, options) => {
      const file = await machine.open(path, options);
      if (opened++ > 0) return file;
      await machine.remove(path); // as the holder does, before it lets go
      return file;
    });
    await using _lock = await lockFolder(folder.path);
    assertEquals(opened, 2);
    await refusal(() => lockFolder(folder.path));
  },
);

test(
  "lockFolder() leaves the lock of a folder that took the place of its own",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const [run, away] = [folder.file("run"), folder.file("away")];
    const first = await lockFolder(run);
    await Deno.rename(run, away);
    await using _second = await lockFolder(run);
    await first[Symbol.asyncDispose]();
    await refusal(() => lockFolder(run));
  },
);

test(
  "lockFolder() tells of a disk without locks and goes on",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const notes: string[] = [];
    using _notes = listenToNotes((note) => notes.push(note));
    const machine = disk();
    using _disk = withOpen(async (path, options) =>
      lockedBy(
        await machine.open(path, options),
        () => Promise.reject(new Error("No locks available (os error 37)")),
      )
    );
    await using _lock = await lockFolder(folder.path);
    assertEquals(notes, [
      `"${
        folder.file(".lock")
      }" cannot be locked (No locks available (os error 37)), so nothing keeps a second program from writing to the same place`,
    ]);
  },
);

test(
  "lockOutput() tells that it may not write beside the output, and goes on",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const notes: string[] = [];
    using _notes = listenToNotes((note) => notes.push(note));
    using _disk = withOpen(() =>
      Promise.reject(new NotCapable("Requires write access"))
    );
    await using _lock = await lockOutput(folder.file("answers.jsonl"));
    assertEquals(notes.length, 1);
  },
);

test(
  "lockFolder() says that somebody writes there though it cannot read who",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await using _first = await lockFolder(folder.path);
    using _disk = useDisk({
      ...disk(),
      readFile: () => Promise.reject(new Error("locked")),
    });
    await assertRejects(
      () => lockFolder(folder.path),
      Error,
      "another program writes there",
    );
  },
);

test("lockFolder() needs no locks where no other program comes", {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
}, async () => {
  const memory = memoryDisk();
  using _memory = useDisk(memory);
  {
    await using _lock = await lockFolder("run");
    assertEquals(memory.paths(), ["/run/.lock"]);
  }
  assertEquals(memory.paths(), []);
});
