/** What a folder says of its own files is compared with them before its weights are taken. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { listenToNotes } from "../../../src/base/notes.ts";
import { Checksum } from "../../../src/files/hub/checksum.ts";
import {
  checkWrittenWeights,
  tellChangedTexts,
} from "../../../src/files/folders/written_files.ts";
import { writeManifest } from "../../../src/files/folders/manifest.ts";
import { tellChangedDownload } from "../../../src/files/hub/downloaded_file.ts";
import { hashFile } from "../../../src/files/disk/file_hash.ts";
import {
  TEMPORARY,
  type TemporaryFolder,
  temporaryFolder,
} from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = { permissions: { read: [TEMPORARY], write: [TEMPORARY] } };
const FILES = {
  "model.safetensors": "weights",
  "config.json": "{}",
  "README.md": "card",
};

/** A folder whose manifest, or whose record of a download, says what it holds. */
async function holding(by: "manifest" | "record"): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  const files: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(FILES)) {
    await folder.write(name, text);
    const checksum = new Checksum(text.length);
    checksum.update(new TextEncoder().encode(text));
    const { size, sha256, gitOid } = checksum.finish();
    // hubs give small files the one, large ones the other
    files[name] = name === "config.json" ? { size, gitOid } : { size, sha256 };
  }
  if (by === "manifest") {
    await writeManifest(folder.path, { run: "r", step: 1 });
  } else {
    const record = { repo: "owner/name", files };
    await folder.write(".tiebreak.json", JSON.stringify(record));
  }
  return folder;
}

/** What is told of a folder's texts. */
async function toldOf({ path }: TemporaryFolder): Promise<string[]> {
  const told: string[] = [];
  using _notes = listenToNotes((line) => void told.push(line));
  await tellChangedTexts(path);
  return told;
}

for (const by of ["manifest", "record"] as const) {
  test(
    `checkWrittenWeights() refuses other weights than the ${by} has`,
    OPTIONS,
    async () => {
      await using folder = await holding(by);
      await checkWrittenWeights(folder.path);
      for (const text of ["Weights", "weight", ""]) {
        await folder.write("model.safetensors", text);
        const { message } = await assertRejects(
          () => checkWrittenWeights(folder.path),
          TypeError,
          '"model.safetensors" has ',
        );
        const advice = by === "record" ? "download owner/name" : "from a copy";
        assert(message.includes(advice), message);
      }
    },
  );
  test(
    `tellChangedTexts() tells other texts than the ${by} has, but no card`,
    OPTIONS,
    async () => {
      await using folder = await holding(by);
      assertEquals(await toldOf(folder), []);
      await folder.write("README.md", "another");
      await folder.write("model.safetensors", "another");
      assertEquals(await toldOf(folder), []);
      for (const text of ["[]", "{} "]) {
        await folder.write("config.json", text);
        const [line, ...more] = await toldOf(folder);
        assert(line?.includes(folder.file("config.json")), line);
        assertEquals(more, []);
      }
      await Deno.remove(folder.file("config.json"));
      assert((await toldOf(folder))[0]?.includes("is missing"));
    },
  );
}

test(
  "a download that has not come to its end says nothing of its files",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const files = { "model.safetensors": { size: 9 } };
    const record = { repo: "owner/name", complete: false, files };
    await folder.write(".tiebreak.json", JSON.stringify(record));
    await folder.write("model.safetensors", "x");
    await checkWrittenWeights(folder.path);
  },
);

test(
  "tellChangedDownload() tells rows that are not those of their download",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await Deno.mkdir(folder.file("dpo"));
    const path = await folder.write("dpo/train.jsonl", "{}\n");
    const files = {
      "dpo/train.jsonl": { size: 3, sha256: await hashFile(path) },
    };
    const record = { repo: "owner/name", files };
    await folder.write(".tiebreak.json", JSON.stringify(record));
    const told: string[] = [];
    using _notes = listenToNotes((line) => void told.push(line));
    await tellChangedDownload(path, await hashFile(path));
    assertEquals(told, []);
    await folder.write("dpo/train.jsonl", "[]\n");
    await tellChangedDownload(path, await hashFile(path));
    assert(told[0]?.includes(`"${path}" was changed or damaged`), told[0]);
  },
);
