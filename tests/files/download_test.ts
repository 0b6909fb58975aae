import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  downloadFile,
  type DownloadOptions,
  type DownloadTarget,
} from "../../src/files/download.ts";
import { HubError } from "../../src/files/retry.ts";
import {
  TEMPORARY,
  type TemporaryFolder,
  temporaryFolder,
} from "../temporary_folder.ts";
import {
  COMMIT,
  type FakeFile,
  type FakeHub,
  sha256,
  startFakeHub,
} from "./fake_hub.ts";

const OPTIONS = {
  permissions: { net: ["127.0.0.1"], read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

const DATA = Uint8Array.from({ length: 1000 }, (_, i) => i * 7 & 255);
const OTHER = DATA.toReversed();

/** A hub with one file, its folder, and the waits that were asked for. */
interface Scene extends AsyncDisposable {
  readonly hub: FakeHub;
  readonly folder: TemporaryFolder;
  readonly waits: number[];
  download(
    target?: Partial<DownloadTarget>,
    options?: Partial<DownloadOptions>,
  ): ReturnType<typeof downloadFile>;
}

async function scene(file: Partial<FakeFile> = {}): Promise<Scene> {
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

const namesIn = ({ folder }: Scene) =>
  [...Deno.readDirSync(folder.path)].map(({ name }) => name).sort();
const rangesOf = ({ hub }: Scene) =>
  hub.requests.map(({ headers }) => headers.get("range"));

/** Asserts that the file is there, right, and alone. */
async function assertWhole(scene: Scene, data = DATA): Promise<void> {
  assertEquals(
    await Deno.readFile(scene.folder.file("w.bin")),
    data as Uint8Array<ArrayBuffer>,
  );
  assertEquals(namesIn(scene), ["w.bin"]);
}

Deno.test(
  "downloadFile() downloads, tells its progress and its hash",
  OPTIONS,
  async () => {
    await using s = await scene();
    const steps: [number, number | undefined][] = [];
    const result = await s.download({}, {
      onProgress: (done, total) => steps.push([done, total]),
    });
    assertEquals(result.sha256, sha256(DATA));
    assertEquals([result.size, result.kept], [1000, false]);
    assertEquals([steps[0], steps.at(-1)], [[0, 1000], [1000, 1000]]);
    await assertWhole(s);
  },
);

Deno.test(
  "downloadFile() keeps a file that is there, whole and right",
  OPTIONS,
  async () => {
    await using s = await scene();
    await s.folder.write("w.bin", DATA);
    assertEquals((await s.download()).kept, true);
    assertEquals(s.hub.requests.length, 0);
  },
);

Deno.test(
  "downloadFile() replaces a file that is there with the wrong bytes",
  OPTIONS,
  async () => {
    await using s = await scene();
    await s.folder.write("w.bin", OTHER);
    assertEquals((await s.download()).kept, false);
    await assertWhole(s);
  },
);

Deno.test(
  "downloadFile() resumes by Range and If-Range after each cut",
  OPTIONS,
  async () => {
    await using s = await scene({ cuts: [300, 250] });
    await s.download();
    await assertWhole(s);
    assertEquals(rangesOf(s), [null, "bytes=300-", "bytes=550-"]); // 300, then 300 + 250
    assert(s.hub.requests[1]!.headers.get("if-range")?.startsWith('"'));
  },
);

Deno.test(
  "downloadFile() resumes what an earlier run left",
  OPTIONS,
  async () => {
    await using s = await scene({ cuts: [400] });
    await assertRejects(
      () => s.download({}, { retries: 0 }),
      HubError,
      "cut after 400",
    );
    assertEquals(namesIn(s), ["w.bin.part", "w.bin.part.etag"]);
    await s.download();
    await assertWhole(s);
    assertEquals(rangesOf(s), [null, "bytes=400-"]);
  },
);

Deno.test(
  "downloadFile() counts tries in a row only: cuts that get further may be many",
  OPTIONS,
  async () => {
    await using s = await scene({ cuts: Array(9).fill(100) });
    await s.download({}, { retries: 1 });
    await assertWhole(s);
    assertEquals(s.waits.length, 9);
  },
);

Deno.test(
  "downloadFile() starts over in the same try when the server ignores Range",
  OPTIONS,
  async () => {
    await using s = await scene({ cuts: [300], ignoresRange: true });
    await s.download();
    await assertWhole(s);
    assertEquals(s.waits.length, 1); // for the cut only
  },
);

Deno.test(
  "downloadFile() starts over when the file changed between tries",
  OPTIONS,
  async () => {
    for (const ignoresIfRange of [false, true]) {
      await using s = await scene({
        cuts: [300],
        served: [OTHER, DATA],
        ignoresIfRange,
      });
      // without a hash, which would find it out at the end
      await downloadFile({
        url: `${s.hub.endpoint}/owner/name/resolve/${COMMIT}/w.bin`,
        path: s.folder.file("w.bin"),
        size: 1000,
      }, {
        access: { endpoint: s.hub.endpoint, privateHeaders: {} },
        delay: () => Promise.resolve(),
      });
      await assertWhole(s);
      // a server that goes on regardless is found out by its new tag
      assertEquals(rangesOf(s), [
        null,
        "bytes=300-",
        ...(ignoresIfRange ? [null] : []),
      ]);
    }
  },
);

Deno.test(
  "downloadFile() starts over without a hash or a tag to trust",
  OPTIONS,
  async () => {
    await using s = await scene();
    await s.folder.write("w.bin.part", OTHER.slice(0, 300));
    await downloadFile({
      url: `${s.hub.endpoint}/owner/name/resolve/${COMMIT}/w.bin`,
      path: s.folder.file("w.bin"),
      size: 1000,
    }, { access: { endpoint: s.hub.endpoint, privateHeaders: {} } });
    await assertWhole(s);
    assertEquals(rangesOf(s), [null]);
  },
);

Deno.test(
  "downloadFile() takes 416 for a part that is whole, else starts over",
  OPTIONS,
  async () => {
    for (
      const [part, requests] of [[DATA, 1], [new Uint8Array(1001), 2]] as const
    ) {
      await using s = await scene();
      await s.folder.write("w.bin.part", part);
      await downloadFile({
        url: `${s.hub.endpoint}/owner/name/resolve/${COMMIT}/w.bin`,
        path: s.folder.file("w.bin"),
        sha256: sha256(DATA),
      }, {
        access: { endpoint: s.hub.endpoint, privateHeaders: {} },
        delay: () => Promise.resolve(),
      });
      await assertWhole(s);
      assertEquals(s.hub.requests.length, requests);
    }
  },
);

Deno.test(
  "downloadFile() throws away a wrong hash, tries again, then says so",
  OPTIONS,
  async () => {
    await using once = await scene({ served: [OTHER, DATA] });
    await once.download();
    await assertWhole(once);
    await using always = await scene({ served: [OTHER] });
    const error = await assertRejects(() => always.download(), HubError);
    assertStringIncludes(
      error.message,
      `found sha256 ${sha256(OTHER)}, wanted ${
        sha256(DATA)
      } (tried 4 times in a row)`,
    );
    assertEquals(namesIn(always), ["w.bin.part"]);
    assertEquals((await Deno.stat(always.folder.file("w.bin.part"))).size, 0);
  },
);

Deno.test(
  "downloadFile() checks the git object id of small files",
  OPTIONS,
  async () => {
    await using s = await scene({ data: new TextEncoder().encode("hello\n") });
    // `git hash-object` of "hello\n"
    const gitOid = "ce013625030ba8dba906f756967f9e9ca394464a";
    const target = {
      size: 6,
      sha256: sha256(new TextEncoder().encode("hello\n")),
      gitOid,
    };
    assertEquals((await s.download(target)).gitOid, gitOid);
    await Deno.remove(s.folder.file("w.bin"));
    await assertRejects(
      () => s.download({ ...target, gitOid: "0".repeat(40) }),
      HubError,
      `found git object ${gitOid}`,
    );
  },
);

Deno.test(
  "downloadFile() names both sizes when server and listing differ",
  OPTIONS,
  async () => {
    for (const size of [900, 1100]) {
      await using s = await scene();
      await assertRejects(
        () => s.download({ size }),
        HubError,
        `its server offers 1000 bytes, the hub lists ${size}`,
      );
      await using chunked = await scene({ chunked: true });
      const wanted = size < 1000
        ? "found more than 900 bytes"
        : "found 1000 bytes, wanted 1100";
      await assertRejects(() => chunked.download({ size }), HubError, wanted);
    }
  },
);

Deno.test(
  "downloadFile() waits longer from try to try, with jitter",
  OPTIONS,
  async () => {
    await using s = await scene({ statuses: [500, 503, 429] });
    await s.download();
    // 500 ms doubled from try to try, times 0.5 + 0.5 / 2
    assertEquals(s.waits, [375, 750, 1500]);
  },
);

Deno.test(
  "downloadFile() does not try again what is refused, and says what to do",
  OPTIONS,
  async () => {
    for (
      const [status, advice] of [[401, "HF_TOKEN"], [403, "accept its terms"], [
        404,
        "no such repository",
      ], [400, "status 400"]] as const
    ) {
      await using s = await scene({ statuses: [status, status] });
      await assertRejects(() => s.download(), HubError, advice);
      assertEquals(s.hub.requests.length, 1);
    }
  },
);

Deno.test(
  "downloadFile() takes a silent connection for a cut one",
  OPTIONS,
  async () => {
    await using s = await scene({ stalls: true });
    await s.download({}, { idle: 60 });
    await assertWhole(s);
    assertEquals(rangesOf(s), [null, "bytes=3-"]);
  },
);

Deno.test(
  "downloadFile() stops at once when it is aborted, keeping what is there",
  OPTIONS,
  async () => {
    await using s = await scene({ stalls: true });
    const abort = new AbortController();
    const onProgress = (done: number) => {
      if (done > 0) abort.abort(new Error("enough"));
    };
    await assertRejects(
      () => s.download({}, { signal: abort.signal, onProgress }),
      Error,
      "enough",
    );
    assertEquals(namesIn(s), ["w.bin.part", "w.bin.part.etag"]);
    assertEquals(s.waits, []);
  },
);

Deno.test(
  "downloadFile() tries again when nobody answers",
  OPTIONS,
  async () => {
    await using s = await scene();
    const url = "http://127.0.0.1:1/w.bin";
    const error = await assertRejects(() => s.download({ url }), HubError);
    assertStringIncludes(
      error.message,
      'Cannot reach "http://127.0.0.1:1/w.bin"',
    );
    assertEquals(s.waits.length, 3);
  },
);

Deno.test(
  "downloadFile() sends the token to the hub only, not where it redirects to",
  OPTIONS,
  async () => {
    await using s = await scene({ redirected: true, cuts: [300] });
    const access = {
      endpoint: s.hub.endpoint,
      privateHeaders: { authorization: "Bearer secret" },
    };
    await s.download({}, { access });
    await assertWhole(s);
    const seen = s.hub.requests.map((
      { host, headers },
    ) => [host, headers.get("authorization"), headers.get("range")]);
    assertEquals(seen, [
      ["hub", "Bearer secret", null],
      ["storage", null, null],
      ["hub", "Bearer secret", "bytes=300-"],
      ["storage", null, "bytes=300-"],
    ]);
  },
);
