import { assert, assertEquals, assertRejects } from "@std/assert";
import { downloadFile } from "../../../src/files/hub/download.ts";
import { HubError } from "../../../src/files/hub/retry.ts";
import {
  assertWhole,
  DATA,
  namesIn,
  OPTIONS,
  OTHER,
  rangesOf,
  scene,
} from "./download_scene.ts";
import { COMMIT, sha256 } from "./fake_hub.ts";
import { test } from "../../test_case.ts";

test(
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

test(
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

test(
  "downloadFile() counts tries in a row only: cuts that get further may be many",
  OPTIONS,
  async () => {
    await using s = await scene({ cuts: Array(9).fill(100) });
    await s.download({}, { retries: 1 });
    await assertWhole(s);
    assertEquals(s.waits.length, 9);
  },
);

test(
  "downloadFile() starts over in the same try when the server ignores Range",
  OPTIONS,
  async () => {
    await using s = await scene({ cuts: [300], ignoresRange: true });
    await s.download();
    await assertWhole(s);
    assertEquals(s.waits.length, 1); // for the cut only
  },
);

test(
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

test(
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

test(
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

test(
  "downloadFile() takes a silent connection for a cut one",
  OPTIONS,
  async () => {
    await using s = await scene({ stalls: true });
    await s.download({}, { idle: 60 });
    await assertWhole(s);
    assertEquals(rangesOf(s), [null, "bytes=3-"]);
  },
);

test(
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
