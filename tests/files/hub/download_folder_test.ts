/** What lies in the folder of a download: other programs, the user's own files, and links. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { dirname } from "@std/path";
import { disk, useDisk } from "../../../src/files/disk.ts";
import { PartFile } from "../../../src/files/hub/part_file.ts";
import { MANIFEST } from "../../../src/files/hub/repo_record.ts";
import { HubError } from "../../../src/files/hub/retry.ts";
import {
  type TemporaryFolder,
  temporaryFolder,
} from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";
import { startFakeHub } from "./fake_hub.ts";
import { bytes, CONFIG, download, OPTIONS, WEIGHTS } from "./repo_scene.ts";

const FILES = {
  "config.json": { data: CONFIG },
  "model.safetensors": { data: WEIGHTS, lfs: true },
};
/** Deno makes links only for those who may read and write everywhere. */
const LINKS = {
  ...OPTIONS,
  permissions: { net: ["127.0.0.1"], read: true, write: true },
};
const MINE = bytes('{"mine":true}');

const namesIn = (path: string) =>
  [...Deno.readDirSync(path)].map(({ name }) => name).sort();

/** A folder with the user's own files in `repo/`. */
async function folderWith(
  files: Readonly<Record<string, Uint8Array>>,
): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  await Deno.mkdir(folder.file("repo"));
  for (const [name, data] of Object.entries(files)) {
    await folder.write(`repo/${name}`, data);
  }
  return folder;
}

test(
  "downloadRepo() leaves files that no download brought, unless told",
  OPTIONS,
  async () => {
    await using hub = startFakeHub({ files: FILES });
    await using folder = await folderWith({ "config.json": MINE, notes: MINE });
    await assertRejects(
      () => download(hub, folder),
      TypeError,
      'it holds "config.json" with other content, which no download brought; move it away',
    );
    assertEquals(namesIn(folder.file("repo")), ["config.json", "notes"]);
    assertEquals(await Deno.readFile(folder.file("repo/config.json")), MINE);
    await download(hub, folder, { overwrite: true });
    assertEquals(await Deno.readFile(folder.file("repo/config.json")), CONFIG);
    assertEquals(await Deno.readFile(folder.file("repo/notes")), MINE);
  },
);

test(
  "downloadRepo() keeps the same content, whoever brought it",
  OPTIONS,
  async () => {
    await using hub = startFakeHub({ files: FILES });
    await using folder = await folderWith({ "config.json": CONFIG });
    const { files } = await download(hub, folder);
    assertEquals(files.get("config.json")!.kept, true);
  },
);

test(
  "downloadRepo() leaves a downloaded file that was changed since, unless told",
  OPTIONS,
  async () => {
    await using hub = startFakeHub({ files: FILES });
    await using folder = await temporaryFolder();
    await download(hub, folder);
    await folder.write("repo/config.json", MINE);
    await assertRejects(
      () => download(hub, folder),
      TypeError,
      '"config.json" was changed or damaged since it was downloaded; move it away',
    );
    assertEquals(await Deno.readFile(folder.file("repo/config.json")), MINE);
    await download(hub, folder, { overwrite: true });
    assertEquals(await Deno.readFile(folder.file("repo/config.json")), CONFIG);
  },
);

test(
  "downloadRepo() replaces what a download left that did not come to its end",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const broken = { data: WEIGHTS, lfs: true, statuses: [403] };
    await using cut = startFakeHub({
      files: { "config.json": { data: MINE }, "model.safetensors": broken },
    });
    await assertRejects(() => download(cut, folder, { parallel: 1 }), HubError);
    assertEquals(await Deno.readFile(folder.file("repo/config.json")), MINE);
    await using hub = startFakeHub({ files: FILES });
    await download(hub, folder);
    assertEquals(await Deno.readFile(folder.file("repo/config.json")), CONFIG);
  },
);

test(
  "downloadRepo() knows the files of every download before, whatever patterns chose them",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await using hub = startFakeHub({ files: FILES });
    const only = (name: string) => ({ files: [name] });
    await download(hub, folder, only("config.json"));
    await download(hub, folder, only("model.safetensors"));
    await using after = startFakeHub({
      files: { ...FILES, "config.json": { data: bytes("[]") } },
    });
    await download(after, folder, only("model.safetensors"));
    await download(after, folder, only("config.json"));
    assertEquals(
      await Deno.readTextFile(folder.file("repo/config.json")),
      "[]",
    );
  },
);

test(
  "downloadRepo() leaves a file that was changed after a download was cut",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const broken = { data: WEIGHTS, lfs: true, statuses: [403] };
    await using cut = startFakeHub({
      files: { ...FILES, "model.safetensors": broken },
    });
    await assertRejects(() => download(cut, folder, { parallel: 1 }), HubError);
    await folder.write("repo/config.json", MINE);
    await using hub = startFakeHub({ files: FILES });
    await assertRejects(
      () => download(hub, folder),
      TypeError,
      '"config.json" was changed or damaged',
    );
  },
);

test(
  "downloadRepo() removes no file of an earlier version that was changed",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const extra = { "model-1.safetensors": { data: WEIGHTS } };
    await using before = startFakeHub({ files: { ...FILES, ...extra } });
    await download(before, folder);
    await folder.write("repo/model-1.safetensors", MINE);
    await using after = startFakeHub({ files: FILES });
    await download(after, folder);
    assert(namesIn(folder.file("repo")).includes("model-1.safetensors"));
  },
);

test(
  "downloadRepo() names a file where a folder should be, and the other way round",
  OPTIONS,
  async () => {
    const repo = { kind: "dataset" } as const;
    await using hub = startFakeHub({
      files: { "train/a/b.jsonl": { data: CONFIG } },
      kind: "dataset",
    });
    for (
      const [make, fault] of [
        ["train", '"train" in it is a file, expected a folder'],
        ["train/a", '"train/a" in it is a file, expected a folder'],
        ["train/a/b.jsonl/c", '"train/a/b.jsonl" in it is a folder'],
      ] as const
    ) {
      await using folder = await temporaryFolder();
      const path = folder.file(`repo/${make}`);
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.writeFile(path, MINE);
      await assertRejects(
        () => download(hub, folder, { repo }),
        TypeError,
        fault,
      );
    }
  },
);

test("downloadRepo() is alone in its folder", OPTIONS, async () => {
  await using folder = await temporaryFolder();
  const stalled = { data: WEIGHTS, lfs: true, stalls: true };
  await using slow = startFakeHub({
    files: { ...FILES, "model.safetensors": stalled },
  });
  await using hub = startFakeHub({ files: FILES });
  const stop = new AbortController();
  const began = Promise.withResolvers<void>();
  const first = download(slow, folder, {
    signal: stop.signal,
    onProgress: (done) => done > CONFIG.length && began.resolve(),
  });
  await began.promise;
  await assertRejects(
    () => download(hub, folder),
    Error,
    `Cannot write to "${folder.file("repo")}": process ${Deno.pid}`,
  );
  stop.abort(new Error("enough"));
  await assertRejects(() => first, Error, "enough");
  await download(hub, folder);
  assertEquals(namesIn(folder.file("repo")), [
    MANIFEST,
    "config.json",
    "model.safetensors",
  ]);
});

test(
  "downloadRepo() removes what killed ones left half written",
  OPTIONS,
  async () => {
    const theirs = `.${MANIFEST}.0a1b2c3d.tmp`;
    await using folder = await folderWith({
      [theirs]: MINE,
      ".a.part.etag.0a1b2c3d.tmp": MINE,
      "mine.tmp": MINE,
    });
    await using hub = startFakeHub({ files: FILES });
    await download(hub, folder);
    assertEquals(namesIn(folder.file("repo")), [
      MANIFEST,
      "config.json",
      "mine.tmp",
      "model.safetensors",
    ]);
  },
);

test("PartFile.open() is alone with its part", OPTIONS, async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("w.bin");
  {
    using _first = await PartFile.open(path);
    await assertRejects(
      () => PartFile.open(path),
      Error,
      `Cannot download to "${path}": another program is downloading it`,
    );
  }
  using _second = await PartFile.open(path);
});

test(
  "downloadRepo() believes no disk that holds fewer bytes than were written",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await using hub = startFakeHub({ files: FILES });
    const machine = disk();
    using _disk = useDisk({
      ...machine,
      async open(path, options) {
        const file = await machine.open(path, options);
        if (!path.endsWith("model.safetensors.part")) return file;
        file.size = () => Promise.resolve(1);
        return file;
      },
    });
    await assertRejects(
      () => download(hub, folder),
      HubError,
      "its disk holds 1 of 5000 bytes (tried 2 times)",
    );
    assert(!namesIn(folder.file("repo")).includes("model.safetensors"));
  },
);

test(
  "downloadRepo() replaces links in its folder, and writes through none",
  LINKS,
  async () => {
    await using folder = await folderWith({});
    await using hub = startFakeHub({ files: FILES });
    const links = [
      ...["config.json.part", "config.json.part.etag"],
      ...["model.safetensors.part", MANIFEST, ".lock"],
    ];
    for (const name of links) {
      const elsewhere = await folder.write(`of ${name}`, MINE);
      await Deno.symlink(elsewhere, folder.file(`repo/${name}`));
    }
    const elsewhere = await folder.write("of config.json", MINE);
    await Deno.symlink(elsewhere, folder.file("repo/config.json"));
    await download(hub, folder, { overwrite: true });
    for (const name of [...links, "config.json"]) {
      assertEquals(await Deno.readFile(folder.file(`of ${name}`)), MINE, name);
    }
    for (const name of namesIn(folder.file("repo"))) {
      const { isSymlink } = await Deno.lstat(folder.file(`repo/${name}`));
      assertEquals(isSymlink, false, name);
    }
    assertEquals(await Deno.readFile(folder.file("repo/config.json")), CONFIG);
  },
);

test(
  "downloadRepo() follows a link that is its own folder, and refuses one below",
  LINKS,
  async () => {
    await using folder = await temporaryFolder();
    await using hub = startFakeHub({
      files: { "train/a.jsonl": { data: CONFIG } },
      kind: "dataset",
    });
    const repo = { kind: "dataset" } as const;
    await Deno.mkdir(folder.file("big"));
    await Deno.symlink(folder.file("big"), folder.file("repo"));
    await download(hub, folder, { repo });
    assertEquals(namesIn(folder.file("big")), [MANIFEST, "train"]);
    await Deno.rename(folder.file("big/train"), folder.file("away"));
    await Deno.symlink(folder.file("away"), folder.file("big/train"));
    await assertRejects(
      () => download(hub, folder, { repo }),
      TypeError,
      '"train" in it is a link, through which nothing is written',
    );
  },
);
