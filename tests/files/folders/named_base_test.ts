/** The base of a tuned model, by what its folder says; the folders hold no weights. */
import { assertEquals, assertRejects } from "@std/assert";
import { listenToNotes } from "../../../src/base/notes.ts";
import {
  answeringModels,
  tellOtherBase,
} from "../../../src/files/folders/named_base.ts";
import {
  TEMPORARY,
  type TemporaryFolder,
  temporaryFolder,
} from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: {
    read: [TEMPORARY, "model_hub", "Own", "own", "Other"],
    write: [TEMPORARY],
  },
};

const ADAPTER = "adapter_config.json";
const WEIGHTS = "model.safetensors";

/** A folder with these files, each a text or a value that becomes JSON. */
async function holding(
  files: Readonly<Record<string, unknown>>,
): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  for (const [name, value] of Object.entries(files)) {
    await Deno.mkdir(folder.file(name).replace(/\/[^/]+$/, ""), {
      recursive: true,
    });
    await folder.write(name, JSON.stringify(value));
  }
  return folder;
}

/** What is told meanwhile. */
async function notesOf(run: () => Promise<unknown>): Promise<string[]> {
  const notes: string[] = [];
  using _listening = listenToNotes((note) => notes.push(note));
  await run();
  return notes;
}

test(
  "answeringModels() takes the base from the adapter, else from the run",
  OPTIONS,
  async () => {
    await using model = await temporaryFolder();
    await using other = await temporaryFolder();
    const by = (path: string | null) => ({ base_model_name_or_path: path });
    const run = { model_name_or_path: model.path };
    const layouts: Readonly<Record<string, unknown>>[] = [
      { [ADAPTER]: by(model.path) },
      {
        [ADAPTER]: by(model.path),
        "options.json": { model_name_or_path: "x" },
      },
      { [ADAPTER]: by(null), "options.json": run },
      { [ADAPTER]: by(""), "options.json": run },
      { [WEIGHTS]: {}, "options.json": run },
      { [`checkpoint-9/${WEIGHTS}`]: {}, "options.json": run },
      { [`checkpoint-9/${WEIGHTS}`]: {}, "checkpoint-9/options.json": run },
    ];
    for (const files of layouts) {
      await using folder = await holding(files);
      const tuned = folder.path;
      assertEquals(
        await answeringModels({ base: null, tuned }),
        { base: model.path, tuned },
      );
      assertEquals(
        await answeringModels({ base: other.path, tuned }),
        { base: other.path, tuned },
      );
    }
    assertEquals(
      await answeringModels({ base: model.path, tuned: null }),
      { base: model.path, tuned: null },
    );
  },
);

test(
  "answeringModels() lets whole weights without a base answer alone, and tells it",
  OPTIONS,
  async () => {
    const random = { model_name_or_path: "x", init_from_config: true };
    for (const run of [{}, { "options.json": random }]) {
      await using folder = await holding({ [WEIGHTS]: {}, ...run });
      const notes = await notesOf(async () => {
        const models = await answeringModels({
          base: null,
          tuned: folder.path,
        });
        assertEquals(models, { base: folder.path, tuned: null });
      });
      assertEquals(notes.length, 1);
    }
  },
);

test(
  "answeringModels() says what to do if no base is named, or the named one is not here",
  OPTIONS,
  async () => {
    await using bare = await holding({ [ADAPTER]: { r: 8 } });
    await using far = await holding({
      [ADAPTER]: { base_model_name_or_path: `${TEMPORARY}/none` },
    });
    for (
      const [folder, said] of [
        [bare, `base of "${bare.path}": neither its "${ADAPTER}"`],
        [far, `"${TEMPORARY}/none": no such path; "${far.path}" names it`],
      ] as const
    ) {
      const error = await assertRejects(
        () => answeringModels({ base: null, tuned: folder.path }),
        Error,
        said,
      );
      assertEquals(error.message.includes("model_name_or_path"), true);
    }
  },
);

test(
  "tellOtherBase() tells both names where the base is another, and nothing of the same",
  OPTIONS,
  async () => {
    await using hub = await holding({
      "mine/.tiebreak.json": { repo: "Own/Small-1B" },
      "other/config.json": {},
    });
    const mine = hub.file("mine");
    const cases:
      readonly (readonly [named: string, used: string, told: 0 | 1])[] = [
        [mine, mine, 0],
        [mine, `${hub.path}/./other/../mine/`, 0],
        ["Own/Small-1B", mine, 0],
        ["own/small-1b", mine, 0],
        ["Other/Small-1B", mine, 1],
        [hub.file("other"), mine, 1],
        // not here: by the last part of the name
        [`${TEMPORARY}/gone/other`, hub.file("other"), 0],
        ["Own/other", hub.file("other"), 0],
        [`${TEMPORARY}/gone/small`, hub.file("other"), 1],
      ];
    for (const [named, used, told] of cases) {
      await using tuned = await holding({
        [ADAPTER]: { base_model_name_or_path: named },
      });
      const notes = await notesOf(() => tellOtherBase(tuned.path, used));
      assertEquals(
        notes,
        told === 0 ? [] : [
          `"${tuned.path}" was trained on "${named}", and is used with "${used}" as its base`,
        ],
        `${named}, ${used}`,
      );
    }
  },
);
