import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { HubError } from "../../../src/files/hub/retry.ts";
import {
  assertWhole,
  DATA,
  namesIn,
  OPTIONS,
  OTHER,
  scene,
} from "./download_scene.ts";
import { sha256 } from "./fake_hub.ts";
import { test } from "../../test_case.ts";

test(
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

test(
  "downloadFile() keeps a file that is there, whole and right",
  OPTIONS,
  async () => {
    await using s = await scene();
    await s.folder.write("w.bin", DATA);
    assertEquals((await s.download()).kept, true);
    assertEquals(s.hub.requests.length, 0);
  },
);

test(
  "downloadFile() replaces a file that is there with the wrong bytes",
  OPTIONS,
  async () => {
    await using s = await scene();
    await s.folder.write("w.bin", OTHER);
    assertEquals((await s.download()).kept, false);
    await assertWhole(s);
  },
);

test(
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
      `found sha256 ${sha256(OTHER)}, expected ${sha256(DATA)} (tried 2 times)`,
    );
    assertEquals(always.hub.requests.length, 2);
    assertEquals(namesIn(always), ["w.bin.part"]);
    assertEquals((await Deno.stat(always.folder.file("w.bin.part"))).size, 0);
  },
);

test(
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

test(
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
        : "found 1000 bytes, expected 1100";
      await assertRejects(() => chunked.download({ size }), HubError, wanted);
    }
  },
);

test(
  "downloadFile() waits longer from try to try, with jitter",
  OPTIONS,
  async () => {
    await using s = await scene({ statuses: [500, 503, 429] });
    await s.download();
    // 500 ms doubled from try to try, times 0.5 + 0.5 / 2
    assertEquals(s.waits, [375, 750, 1500]);
  },
);

test(
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

test(
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

test(
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
