/** Uploads, against a hub that speaks the APIs of Hugging Face and of ModelScope. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { HubError } from "../../../src/files/hub/retry.ts";
import type { UploadOptions } from "../../../src/files/hub/upload.ts";
import { uploadRepo } from "../../../src/files/hub/upload_repo.ts";
import {
  type TemporaryFolder,
  temporaryFolder,
} from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";
import {
  type FakeUploadHub,
  startFakeUploadHub,
  TOKEN,
} from "./fake_upload_hub.ts";
import { OPTIONS, SOURCES } from "./repo_scene.ts";

const WEIGHTS = Uint8Array.from({ length: 300_001 }, (_, i) => i * 7 & 255);
const CARD = new TextEncoder().encode("# a card");
const CONTENT = { "README.md": CARD, "model.safetensors": WEIGHTS };

interface Upload extends Partial<UploadOptions> {
  readonly source: typeof SOURCES[number];
}

/** Uploads the two files of `CONTENT`. */
async function upload(
  hub: FakeUploadHub,
  folder: TemporaryFolder,
  { source, ...options }: Upload,
) {
  const files = await Promise.all(
    Object.entries(CONTENT).map(async ([path, bytes]) => ({
      path,
      local: await folder.write(path, bytes),
      size: bytes.length,
    })),
  );
  return await uploadRepo({ source, name: "owner/name" }, files, {
    endpoint: hub.endpoint,
    token: TOKEN,
    isPrivate: false,
    message: "Upload",
    retries: 2,
    delay: () => Promise.resolve(),
    ...options,
  });
}

/** Asserts that the repository holds what was uploaded, and that no request was faulty. */
function assertWhole(hub: FakeUploadHub): void {
  assertEquals(Object.fromEntries(hub.files), CONTENT);
  assertEquals(hub.faults, []);
}

const putsOf = (hub: FakeUploadHub) =>
  hub.seen.filter((line) => line.startsWith("PUT")).length;
const commitsOf = (hub: FakeUploadHub) =>
  hub.seen.filter((line) => line.includes("/commit/")).length;

test(
  "uploadRepo() makes the repository and sends what it has not, once",
  OPTIONS,
  async () => {
    for (const source of SOURCES) {
      await using hub = startFakeUploadHub();
      await using folder = await temporaryFolder();
      const moves: [number, number][] = [];
      const onProgress = (done: number, total: number) =>
        void moves.push([done, total]);
      const first = await upload(hub, folder, { source, onProgress });
      assertEquals([...first.sent], Object.keys(CONTENT));
      assertWhole(hub);
      assertEquals([putsOf(hub), commitsOf(hub)], [1, 1]);
      const total = CARD.length + WEIGHTS.length;
      assertEquals(moves.at(-1), [total, total]);
      assert(moves.some(([done]) => done > 0 && done < total - CARD.length));

      const second = await upload(hub, folder, { source });
      assertEquals([...second.kept], Object.keys(CONTENT));
      assertEquals([putsOf(hub), commitsOf(hub)], [1, 1]);

      hub.files.set("README.md", new Uint8Array(1));
      const third = await upload(hub, folder, { source });
      assertEquals([...third.sent], ["README.md"]);
      assertWhole(hub);
      assertEquals(putsOf(hub), 1);
    }
  },
);

test("uploadRepo() asks each hub in its own words", OPTIONS, async () => {
  const made = {
    huggingface: { type: "model", organization: "owner", name: "name" },
    modelscope: { Path: "owner", Name: "name" },
  };
  const seen = {
    huggingface: { open: {}, hidden: { visibility: "private" } },
    modelscope: { open: { Visibility: 5 }, hidden: { Visibility: 1 } },
  };
  for (const source of SOURCES) {
    for (const isPrivate of [false, true]) {
      await using hub = startFakeUploadHub();
      await using folder = await temporaryFolder();
      await upload(hub, folder, { source, isPrivate });
      const { open, hidden } = seen[source];
      assertEquals(hub.made, [{
        ...made[source],
        ...isPrivate ? hidden : open,
      }]);
    }
    await using there = startFakeUploadHub({ exists: true });
    await using folder = await temporaryFolder();
    await upload(there, folder, { source });
    assertEquals(there.made, []);
    assertWhole(there);
  }
});

test(
  "uploadRepo() takes a token that may write to one repository of Hugging Face only",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const source = "huggingface";
    await using there = startFakeUploadHub({ onlyThis: true, exists: true });
    await upload(there, folder, { source });
    assertWhole(there);
    await using none = startFakeUploadHub({ onlyThis: true });
    await assertRejects(
      () => upload(none, folder, { source }),
      HubError,
      "status 403, the token may not write there",
    );
  },
);

test(
  "uploadRepo() sends a large file in the parts that the hub wants",
  OPTIONS,
  async () => {
    // 300,001 bytes in parts of 100,000 are 4, the last with 1 byte
    await using hub = startFakeUploadHub({
      partSize: 100_000,
      putStatuses: [500],
    });
    await using folder = await temporaryFolder();
    let done = 0;
    const onProgress = (bytes: number) => void (done = bytes);
    await upload(hub, folder, { source: "huggingface", onProgress });
    assertWhole(hub);
    assertEquals(putsOf(hub), 5); // one of them is tried again
    assertEquals(done, CARD.length + WEIGHTS.length);
  },
);

test(
  "uploadRepo() tries again after a cut and a busy storage",
  OPTIONS,
  async () => {
    for (const source of SOURCES) {
      await using hub = startFakeUploadHub({
        cutPuts: 1,
        putStatuses: [500, 503],
      });
      await using folder = await temporaryFolder();
      await upload(hub, folder, { source });
      assertWhole(hub);
      assertEquals(putsOf(hub), 3);
    }
  },
);

test(
  "uploadRepo() goes on after an interruption: what was sent is not sent again",
  OPTIONS,
  async () => {
    for (const source of SOURCES) {
      await using hub = startFakeUploadHub({ commitStatuses: [400] });
      await using folder = await temporaryFolder();
      await assertRejects(
        () => upload(hub, folder, { source }),
        HubError,
        "status 400, no commit now",
      );
      assertEquals([hub.files.size, putsOf(hub)], [0, 1]);
      await upload(hub, folder, { source });
      assertWhole(hub);
      assertEquals(putsOf(hub), 1);
    }
  },
);

test(
  "uploadRepo() stops at its signal, and does not try again",
  OPTIONS,
  async () => {
    for (const source of SOURCES) {
      await using hub = startFakeUploadHub();
      await using folder = await temporaryFolder();
      const stop = new AbortController();
      const onProgress = (done: number) => {
        if (done > CARD.length) stop.abort(new Error("enough"));
      };
      const { signal } = stop;
      await assertRejects(
        () => upload(hub, folder, { source, signal, onProgress }),
        Error,
        "enough",
      );
      assertEquals([hub.files.size, commitsOf(hub)], [0, 0]);
    }
  },
);

test("uploadRepo() says in one line why a hub refuses", OPTIONS, async () => {
  for (const source of SOURCES) {
    await using folder = await temporaryFolder();
    await using hub = startFakeUploadHub();
    const refused = await assertRejects(
      () => upload(hub, folder, { source, token: "hf_other" }),
      HubError,
      "status 401, the token is not valid there",
    );
    assertEquals(refused.message.includes("hf_other"), false);
    await using full = startFakeUploadHub({ putStatuses: [413] });
    await assertRejects(
      () => upload(full, folder, { source }),
      HubError,
      "the file is larger than the hub takes; not now",
    );
  }
});

test(
  "uploadRepo() ends a connection on which nothing moves",
  OPTIONS,
  async () => {
    for (const source of SOURCES) {
      const { promise: stall, resolve } = Promise.withResolvers<void>();
      await using hub = startFakeUploadHub({ stall });
      await using folder = await temporaryFolder();
      await assertRejects(
        () => upload(hub, folder, { source, idle: 50, retries: 1 }),
        HubError,
        "no byte left for 0.05 seconds (tried 2 times in a row)",
      );
      resolve();
    }
  },
);
