/** Uploads to a hub that does everything wrong: each ends soon, in one line, without the token. */
import { assertEquals } from "@std/assert";
import { listenToNotes } from "../../../src/base/notes.ts";
import { hasUnseen } from "../../../src/base/printable.ts";
import { uploadRepo } from "../../../src/files/hub/upload_repo.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";
import {
  type Answer,
  BROKEN,
  json,
  reply,
  startHostileHub,
} from "./hostile_hub.ts";
import { OPTIONS, SOURCES } from "./repo_scene.ts";

const TOKEN = "hf_SECRETSECRETSECRET";
const TOGETHER = 8;

/** What an upload asks for, in its order. */
const STEPS = ["create", "list", "batch", "put", "commit"] as const;
type Step = typeof STEPS[number];

function stepOf(path: string): Step | "revision" | "preupload" {
  if (path.includes("/revision/")) return "revision";
  if (/\/tree\/|\/repo\/files\?/.test(path)) return "list";
  if (path.includes("/preupload/")) return "preupload";
  if (path.includes("/objects/batch")) return "batch";
  if (path.startsWith("/put")) return "put";
  return path.includes("/commit/") ? "commit" : "create";
}

/** How a hub answers that does all as it should. */
const USUAL: Readonly<Record<string, Record<string, Answer>>> = {
  huggingface: {
    create: json({ url: "" }),
    revision: json({ sha: "0123456789abcdef" }),
    list: json([]),
    preupload: json({
      files: [{ path: "model.safetensors", uploadMode: "lfs" }],
    }),
    batch: (send, { own }) => {
      const actions = { upload: { href: `${own}/put` } };
      return json({ objects: [{ oid: OID, size: 9, actions }] })(
        send,
        { own } as Parameters<Answer>[1],
      );
    },
    put: (send) => send(reply(200)),
    commit: json({ commitUrl: "u", commitOid: "o", hookOutput: "" }),
  },
  modelscope: {
    create: json({ Code: 200, Data: {} }),
    list: json({ Code: 200, Data: { Files: [] } }),
    batch: (send, { own }) => {
      const actions = { upload: { href: `${own}/put` } };
      return json({ Code: 200, Data: { objects: [{ actions }] } })(
        send,
        { own } as Parameters<Answer>[1],
      );
    },
    put: json({ Code: 200 }),
    commit: json({ Code: 200, Data: {} }),
  },
};
/** sha256 of nine zeros. */
const OID = "3e7077fd2f66d689e0cee6a7cf5b37bf2dca7c979af356d0a31cbc5c85605c7d";

/** Answers of another form than any hub's. */
const SHAPES: Readonly<Record<string, Answer>> = {
  ...Object.fromEntries(
    [null, 5, "x", [], [null], {}, { objects: [null] }, { files: 5 }].map((
      value,
    ) => [`the JSON ${JSON.stringify(value)}`, json(value)]),
  ),
  "an address that is none": json({
    objects: [{ oid: OID, size: 9, actions: { upload: { href: "::" } } }],
    Data: { objects: [{ actions: { upload: { href: "::" } } }] },
  }),
  "an address of a file": json({
    objects: [{
      oid: OID,
      size: 9,
      actions: { upload: { href: "file:///x" } },
    }],
    Data: { objects: [{ actions: { upload: { href: "file:///x" } } }] },
  }),
  "words for the terminal, with the token": (send, { headers }) => {
    const said = `\u001b[2J\u202e${headers.get("authorization")}`;
    return send(reply(400, JSON.stringify({ error: said, Message: said })));
  },
  "a refusal with status 200 and the token": (send, { headers }) =>
    json({ Success: false, Message: `\u001b[2J${headers.get("cookie")}` })(
      send,
      { headers } as Parameters<Answer>[1],
    ),
};

interface UploadCase {
  readonly source: typeof SOURCES[number];
  readonly step: Step;
  readonly name: string;
  readonly answer: Answer;
}

const CASES: readonly UploadCase[] = SOURCES.flatMap((source) =>
  STEPS.flatMap((step) =>
    Object.entries({ ...BROKEN, ...SHAPES }).map(([name, answer]) => ({
      source,
      step,
      name,
      answer,
    }))
  )
);

async function faultsOf(
  { source, step, name, answer }: UploadCase,
): Promise<string[]> {
  await using hub = startHostileHub((path) => {
    const found = stepOf(path);
    return found === step ? answer : USUAL[source]![found] ?? json({});
  });
  await using folder = await temporaryFolder();
  const path = "model.safetensors";
  const local = await folder.write(path, new Uint8Array(9));
  const began = performance.now();
  const end = await uploadRepo(
    { source, name: "owner/name" },
    [{ path, local, size: 9 }],
    {
      endpoint: hub.endpoint,
      token: TOKEN,
      isPrivate: false,
      message: "Upload",
      idle: 200,
      delay: () => Promise.resolve(),
    },
  ).then(() => "whole", (error: unknown) => String(error));
  const seconds = (performance.now() - began) / 1000;
  const leaks = hub.seen.filter(({ host, headers }) =>
    host === "other" && (headers.has("cookie") || headers.has("authorization"))
  );
  const isOurs =
    /^whole$|^(HubError|TypeError): Cannot (reach|upload to|download|list|read the answer of) "/;
  const checks: Record<string, boolean> = {
    [`ends with "${end}"`]: isOurs.test(end),
    [`${seconds} s`]: seconds < 10,
    "more than one line": !hasUnseen(end) && end.length < 2100,
    "the token is shown": !end.includes(TOKEN),
    "the token went elsewhere": leaks.length === 0,
  };
  return Object.entries(checks).filter(([, isRight]) => !isRight)
    .map(([what]) => `${source}, ${step}: ${name}: ${what}`);
}

async function check(cases: readonly UploadCase[]): Promise<void> {
  const notes: string[] = [];
  using _notes = listenToNotes((note) => notes.push(note));
  const faults: string[] = [];
  const queue = cases.values();
  await Promise.all(Array.from({ length: TOGETHER }, async () => {
    for (const one of queue) faults.push(...await faultsOf(one));
  }));
  assertEquals(faults, []);
  assertEquals(notes.filter((note) => note.includes(TOKEN)), []);
}

test(
  "uploadRepo() to a hostile hub ends soon, in one line, without the token: one case in seven",
  OPTIONS,
  () => check(CASES.filter((_, i) => i % 7 === 0)),
);

test(
  "uploadRepo() to a hostile hub ends soon, in one line, without the token",
  { ...OPTIONS, long: true },
  () => check(CASES),
);
