/**
 * The stage of the tests of downloadFile(): a hub with one file and a folder to download it to.
 */
import { assertEquals } from "@std/assert";
import {
  downloadFile,
  type DownloadOptions,
  type DownloadTarget,
} from "../../../src/files/hub/download.ts";
import {
  TEMPORARY,
  type TemporaryFolder,
  temporaryFolder,
} from "../../temporary_folder.ts";
import {
  COMMIT,
  type FakeFile,
  type FakeHub,
  sha256,
  startFakeHub,
} from "./fake_hub.ts";

export const OPTIONS = {
  permissions: { net: ["127.0.0.1"], read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

export const DATA = Uint8Array.from({ length: 1000 }, (_, i) => i * 7 & 255);
export const OTHER = DATA.toReversed();

/** A hub with one file, its folder, and the waits that were asked for. */
export interface Scene extends AsyncDisposable {
  readonly hub: FakeHub;
  readonly folder: TemporaryFolder;
  readonly waits: number[];
  download(
    target?: Partial<DownloadTarget>,
    options?: Partial<DownloadOptions>,
  ): ReturnType<typeof downloadFile>;
}

export async function scene(file: Partial<FakeFile> = {}): Promise<Scene> {
  const hub = startFakeHub({ files: { "w.bin": { data: DATA, ...file } } });
  const folder = await temporaryFolder();
  const waits: number[] = [];
  return {
    hub,
    folder,
    waits,
    download: (target, options) =>
      downloadFile({
        url: `${hub.endpoint}/owner/name/resolve/${COMMIT}/w.bin`,
        path: folder.file("w.bin"),
        size: DATA.length,
        sha256: sha256(DATA),
        ...target,
      }, {
        access: { endpoint: hub.endpoint, privateHeaders: {} },
        retries: 3,
        delay: (milliseconds) => {
          waits.push(milliseconds);
          return Promise.resolve();
        },
        random: () => 0.5,
        ...options,
      }),
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

export const namesIn = ({ folder }: Scene) =>
  [...Deno.readDirSync(folder.path)].map(({ name }) => name).sort();
export const rangesOf = ({ hub }: Scene) =>
  hub.requests.map(({ headers }) => headers.get("range"));

/** Asserts that the file is there, right, and alone. */
export async function assertWhole(scene: Scene, data = DATA): Promise<void> {
  assertEquals(
    await Deno.readFile(scene.folder.file("w.bin")),
    data as Uint8Array<ArrayBuffer>,
  );
  assertEquals(namesIn(scene), ["w.bin"]);
}
