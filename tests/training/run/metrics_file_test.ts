/** metrics.jsonl as a sink: what a resumed run keeps of it, and what is on the disk when. */
import { assertEquals, assertRejects } from "@std/assert";
import { listenToNotes } from "../../../src/base/notes.ts";
import {
  metricsFile,
  readMetrics,
} from "../../../src/training/run/metrics_file.ts";
import { allSinks, type RunStart } from "../../../src/training/run/sink.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

const startAfter = (
  folder: string,
  doneSteps: number,
  rows: RunStart["rows"],
): RunStart => ({
  folder,
  doneSteps,
  rows,
  trainableParameters: 1,
  totalSteps: 9,
  startingLoss: undefined,
  changes: [],
  plan: {
    groups: [],
    total: 0,
    largest: 0,
    idle: [],
    gradientCheckpointing: false,
  },
});

test(
  "readMetrics() gives the rows of the steps done and leaves out later ones and half a line",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    assertEquals(await readMetrics(folder.path, 3), []);
    const lines = [1, 2, 3].map((step) => `{"step":${step},"loss":0.5}\n`);
    await folder.write("metrics.jsonl", `${lines.join("")}{"step":4,"lo`);
    assertEquals(await readMetrics(folder.path, 2), [
      { step: 1, loss: 0.5 },
      { step: 2, loss: 0.5 },
    ]);
    assertEquals(await readMetrics(folder.path, 0), []);
  },
);

test(
  "metricsFile() begins with the rows of the steps done and has each row on the disk",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const path = await folder.write("metrics.jsonl", '{"step":7}\n{"st');
    const { open, row } = allSinks([metricsFile(folder.path)]);
    await open(startAfter(folder.path, 1, [{ step: 1, loss: 0.75 }]));
    assertEquals(await Deno.readTextFile(path), '{"step":1,"loss":0.75}\n');
    await row({ step: 2, loss: 0.5 });
    assertEquals(
      await Deno.readTextFile(path),
      '{"step":1,"loss":0.75}\n{"step":2,"loss":0.5}\n',
    );
  },
);

test(
  "allSinks() tells one sink after the other and waits for each",
  { permissions: "none", sanitizeOps: true, sanitizeResources: true },
  async () => {
    const told: string[] = [];
    const sinks = allSinks([
      {
        async row({ step }) {
          await Promise.resolve();
          told.push(`first ${step}`);
        },
      },
      { row: ({ step }) => void told.push(`second ${step}`) },
      {},
    ]);
    await sinks.row({ step: 1 });
    await sinks.row({ step: 2 });
    assertEquals(told, ["first 1", "second 1", "first 2", "second 2"]);
  },
);

test(
  "metricsFile() writes null for a number that is not finite, which comes back as NaN",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const sink = metricsFile(folder.path);
    await sink.open!(startAfter(folder.path, 0, []));
    await sink.row!({ step: 1, eval_loss: Infinity });
    const text = await Deno.readTextFile(`${folder.path}/metrics.jsonl`);
    assertEquals(text, '{"step":1,"eval_loss":null}\n');
    assertEquals(await readMetrics(folder.path, 1), [
      { step: 1, eval_loss: NaN },
    ]);
  },
);

test(
  "readMetrics() names the line that is no row of numbers",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    for (const line of ["null", "[1]", "3", '{"step":"1"}']) {
      await folder.write("metrics.jsonl", `{"step":1}\n${line}\n{"step":2}\n`);
      await assertRejects(
        () => readMetrics(folder.path, 9),
        TypeError,
        'metrics.jsonl" line 2: found',
      );
    }
  },
);

test(
  "metricsFile() writes all rows anew where the file was changed or removed, and tells it",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const path = folder.file("run/metrics.jsonl");
    const { open, row } = allSinks([metricsFile(folder.file("run"))]);
    const told: string[] = [];
    using _notes = listenToNotes((line) => void told.push(line));
    await open(startAfter(folder.path, 1, [{ step: 1 }]));
    await row({ step: 2 });
    assertEquals(told, []);
    await Deno.remove(folder.file("run"), { recursive: true });
    await row({ step: 3 });
    await row({ step: 4 });
    const lines = [1, 2, 3, 4].map((step) => `{"step":${step}}\n`);
    assertEquals(await Deno.readTextFile(path), lines.join(""));
    assertEquals(told.length, 1);
    await Deno.writeTextFile(path, "");
    await row({ step: 5 });
    assertEquals((await Deno.readTextFile(path)).split("\n").length, 6);
    await open(startAfter(folder.path, 1, [{ step: 1 }]));
    await row({ step: 2 });
    assertEquals(await Deno.readTextFile(path), lines.slice(0, 2).join(""));
  },
);

test(
  "metricsFile() replaces a link that is put in its place, whatever its size",
  { permissions: { read: true, write: true } },
  async () => {
    await using folder = await temporaryFolder();
    const path = folder.file("metrics.jsonl");
    const { open, row } = allSinks([metricsFile(folder.path)]);
    await open(startAfter(folder.path, 0, []));
    await row({ step: 1, loss: 0.5 });
    const mine = folder.file("mine");
    await Deno.rename(path, mine);
    await Deno.symlink(mine, path);
    const told: string[] = [];
    {
      using _listening = listenToNotes((note) => void told.push(note));
      await row({ step: 2, loss: 0.25 });
    }
    const first = '{"step":1,"loss":0.5}\n';
    assertEquals(await Deno.readTextFile(mine), first);
    assertEquals(
      await Deno.readTextFile(path),
      `${first}{"step":2,"loss":0.25}\n`,
    );
    assertEquals(told.length, 1);
  },
);
