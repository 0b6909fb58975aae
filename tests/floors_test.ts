/**
 * The rules of the tree that a program can hold: who may import whom, floor by floor and room by
 * room, that nothing imports in a circle, how many files a folder has, and who may speak to Deno.
 */
import { assert, assertEquals } from "@std/assert";
import { lossNames } from "../src/training/loss/losses.ts";
import { methodNames } from "../src/training/method/methods.ts";
import {
  everySource,
  occurrences,
  ROOT,
  scripts,
  type Source,
} from "./sources.ts";
import { test } from "./test_case.ts";

/** Folder to the folders that it may import from, beside itself and packages. */
const FLOORS: Readonly<Record<string, readonly string[]>> = {
  "src/base": [],
  "kernels": ["src/base"],
  "src/files": ["src/base"],
  "src/text": ["src/base"],
  "src/parallel": ["src/base"],
  "src/autograd": ["kernels", "src/base"],
  "src/preference": ["src/text", "src/files", "src/base"],
  // tensors and packed weights are made where checkpoints are read
  "src/model": ["src/autograd", "src/files", "src/base", "kernels"],
  "src/training": [
    ...["src/model", "src/preference", "src/autograd", "src/parallel"],
    ...["src/files", "src/base", "kernels"],
  ],
  "src/scoring": [
    ...["src/training", "src/model", "src/preference", "src/files"],
    ...["src/base", "kernels"],
  ],
  "src/downloads": ["src/training", "src/files", "src/base"],
  "src/uploads": ["src/training", "src/files", "src/base"],
  "src/generation": ["src/model", "src/text", "src/base"],
  // a sink takes down what a run tells
  "src/report": ["src/training", "src/preference", "src/files", "src/base"],
  // a command puts floors together for its user; a task reads its options and prints
  "src/commands": [
    ...["src/training", "src/generation", "src/report", "src/scoring"],
    ...[
      "src/downloads",
      "src/uploads",
      "src/model",
      "src/preference",
      "src/text",
    ],
    ...["src/files", "src/base", "kernels"],
  ],
  "tasks": ["src/commands", "src/report", "src/base"],
};

/**
 * The rooms inside the floors, each with the rooms of its floor that it may import from, beside
 * itself. Read from the top of a floor down, it is a table of contents. "." is what lies right in
 * the floor.
 */
const ROOMS: Readonly<
  Record<string, Readonly<Record<string, readonly string[]>>>
> = {
  "kernels": {
    "device": [],
    "launch": ["device"],
    "matrix": ["device", "launch"],
    "matmul/operands": ["device", "launch", "matrix"],
    "matmul/cpu": ["device", "matrix", "matmul/operands"],
    "matmul/gpu": ["device", "matrix", "matmul/operands"],
    "matmul": [
      "device",
      "launch",
      "matrix",
      "matmul/operands",
      "matmul/cpu",
      "matmul/gpu",
    ],
    "attention/pieces": ["device"],
    "attention": ["device", "launch", "attention/pieces"],
    "experts": ["device", "launch", "matmul"],
    "optimizers": ["device", "launch", "matmul"],
    "rows/pieces": ["device"],
    "rows": ["device", "launch", "matmul", "rows/pieces"],
    "activations/pieces": ["device"],
    "activations": ["device", "launch", "rows", "activations/pieces"],
    "norms": ["device", "launch", "rows/pieces"],
    "vocabulary": ["device", "launch", "matrix", "matmul", "rows"],
    "few_rows": [
      "device",
      "launch",
      "matrix",
      "matmul/operands",
      "matmul/cpu",
      "matmul/gpu",
      "matmul",
      "rows",
    ],
    // writes the text of every kernel
    ".": [
      "device",
      "launch",
      "matmul/cpu",
      "matmul/gpu",
      "attention",
      "optimizers",
      "rows",
      "activations",
      "norms",
      "vocabulary",
      "few_rows",
    ],
  },
  "src/files": {
    ".": [],
    "disk": ["."],
    "records": [".", "disk"],
    "safetensors": [".", "disk"],
    "hub": [".", "disk", "records", "safetensors"],
    "stored_codes": [".", "disk", "safetensors"],
    "folders": [".", "disk", "safetensors", "stored_codes", "hub"],
    "gguf": [".", "disk", "safetensors", "folders"],
  },
  "src/text": {
    "jinja": [],
    ".": ["jinja"],
  },
  "src/preference": {
    "formats": [],
    "tokens": ["formats"],
    "loading": ["formats", "tokens"],
  },
  "src/model": {
    "config": [],
    "decoder": ["config"],
    "weights": ["config", "decoder"],
    "adapter": ["config", "decoder", "weights"],
    "opening": ["config", "decoder", "weights", "adapter"],
    "saving": ["config", "decoder", "adapter", "opening"],
    "gguf": ["config", "weights", "saving"],
  },
  "src/training": {
    "loss": [],
    "optimizer": [],
    "method": ["loss"],
    "loop": ["loss", "optimizer", "method"],
    "options": ["loss", "optimizer", "method"],
    "checkpoint": ["optimizer", "loop"],
    "importing": ["options"],
    "setup": ["loss", "method", "loop", "options", "importing"],
    "reference": ["method", "loop", "options", "setup"],
    "plan": [
      "optimizer",
      "method",
      "loop",
      "options",
      "setup",
      "reference",
    ],
    "run": [
      "optimizer",
      "method",
      "loop",
      "options",
      "checkpoint",
      "setup",
      "reference",
      "plan",
    ],
  },
};

function floorOf(path: string): string | undefined {
  return Object.keys(FLOORS).find((floor) => path.startsWith(`${floor}/`));
}

/** The files of ours that a file imports, from the root. */
function importsOf({ path, text }: Source): string[] {
  const specifiers = text.matchAll(
    /\b(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g,
  );
  return [...specifiers].map(([, specifier = ""]) =>
    new URL(specifier, `file:///${path}`).pathname.slice(1)
  );
}

/** `path -> target` for each import that goes up, or sideways to a floor that is not listed. */
function forbiddenImports(source: Source): string[] {
  const floor = floorOf(source.path);
  if (floor === undefined) return [];
  return importsOf(source).filter((target) => {
    const other = floorOf(target) ?? target;
    return other !== floor && !FLOORS[floor]?.includes(other);
  }).map((target) => `${source.path} -> ${target}`);
}

/** The room of a file inside its floor; undefined where the floor has no rooms. */
function roomOf(path: string): string | undefined {
  const floor = floorOf(path);
  if (floor === undefined || ROOMS[floor] === undefined) return undefined;
  return path.slice(floor.length + 1).split("/").slice(0, -1).join("/") || ".";
}

/** `path -> target` for each import from a room of the same floor that its row does not list. */
function importsPastRooms(source: Source): string[] {
  const floor = floorOf(source.path)!;
  const room = roomOf(source.path);
  // a floor's mod.ts is its entry for users, and exports from all rooms
  if (room === undefined || source.path === `${floor}/mod.ts`) return [];
  const row = ROOMS[floor]![room];
  if (row === undefined) return [`${source.path}: its room has no row`];
  return importsOf(source).filter((target) => {
    const other = roomOf(target)!;
    return floorOf(target) === floor && other !== room && !row.includes(other);
  }).map((target) => `${source.path} -> ${target}`);
}

/** What imports what, with each path as `name` has it. */
function arrowsOf(
  sources: readonly Source[],
  name: (path: string) => string,
): Map<string, Set<string>> {
  const arrows = new Map<string, Set<string>>();
  for (const source of sources) {
    const from = name(source.path);
    const to = importsOf(source).map(name).filter((one) => one !== from);
    arrows.set(from, new Set([...arrows.get(from) ?? [], ...to]));
  }
  return arrows;
}

/** A circle of arrows, as a path that ends where it begins; undefined if there is none. */
function circleIn(
  arrows: ReadonlyMap<string, ReadonlySet<string>>,
): string[] | undefined {
  const done = new Set<string>();
  const walk = (at: string, path: readonly string[]): string[] | undefined => {
    const seen = path.indexOf(at);
    if (seen >= 0) return [...path.slice(seen), at];
    if (done.has(at)) return undefined;
    for (const next of arrows.get(at) ?? []) {
      const found = walk(next, [...path, at]);
      if (found) return found;
    }
    done.add(at);
    return undefined;
  };
  for (const start of arrows.keys()) {
    const found = walk(start, []);
    if (found) return found;
  }
  return undefined;
}

const folderOf = (path: string) => path.slice(0, path.lastIndexOf("/"));

/** The scripts of the floors, without tests and tasks. */
const ours = () =>
  scripts().filter(({ path }) =>
    floorOf(path) !== undefined || path === "mod.ts"
  );

const reading = { permissions: { read: [ROOT] } };

test("forbiddenImports() tells ways down from ways up", reading, () => {
  const from = (path: string, target: string) =>
    forbiddenImports({ path, text: `import { x } from "${target}";` }).length;
  assertEquals(from("src/model/a.ts", "../autograd/b.ts"), 0);
  assertEquals(from("src/model/a.ts", "./b.ts"), 0);
  assertEquals(from("src/model/a.ts", "../training/b.ts"), 1);
  assertEquals(from("src/preference/a.ts", "../../kernels/b.ts"), 1);
  assertEquals(from("kernels/a.ts", "../src/autograd/b.ts"), 1);
  assertEquals(from("tasks/train.ts", "../src/commands/train.ts"), 0);
  assertEquals(from("tasks/train.ts", "../src/training/run/run.ts"), 1);
  assertEquals(from("src/training/a.ts", "../commands/train.ts"), 1);
  assertEquals(from("tests/a_test.ts", "../src/base/random.ts"), 0);
});

test(
  "imports go down the floors in all files",
  reading,
  () => {
    assert(ours().length > 20, `found ${ours().length} files`);
    assertEquals(ours().flatMap(forbiddenImports), []);
  },
);

test(
  "importsPastRooms() tells ways down from ways up in a floor",
  reading,
  () => {
    const from = (path: string, target: string) =>
      importsPastRooms({ path, text: `import { x } from "${target}";` });
    assertEquals(from("src/training/run/a.ts", "../loop/b.ts"), []);
    assertEquals(from("src/training/run/a.ts", "./b.ts"), []);
    assertEquals(from("src/training/run/a.ts", "../../model/saving/b.ts"), []);
    assertEquals(from("src/files/disk/a.ts", "../disk.ts"), []);
    assertEquals(from("src/training/loop/a.ts", "../run/b.ts"), [
      "src/training/loop/a.ts -> src/training/run/b.ts",
    ]);
    assertEquals(from("src/files/disk.ts", "./disk/b.ts"), [
      "src/files/disk.ts -> src/files/disk/b.ts",
    ]);
    assertEquals(from("src/training/mod.ts", "./run/b.ts"), []);
    assertEquals(from("src/training/shed/a.ts", "./b.ts"), [
      "src/training/shed/a.ts: its room has no row",
    ]);
  },
);

test("imports go down the rooms of each floor", reading, () => {
  assertEquals(ours().flatMap(importsPastRooms), []);
});

test("circleIn() finds the way back to where it began", reading, () => {
  const arrows = (...list: [string, string[]][]) =>
    new Map(list.map(([from, to]) => [from, new Set(to)]));
  assertEquals(circleIn(arrows(["a", ["b", "c"]], ["b", ["c"]])), undefined);
  assertEquals(
    circleIn(arrows(["a", ["b"]], ["b", ["c"]], ["c", ["b"]])),
    ["b", "c", "b"],
  );
});

test("no files import each other in a circle", reading, () => {
  assertEquals(circleIn(arrowsOf(ours(), (path) => path)), undefined);
});

test("no folders import each other in a circle", reading, () => {
  assertEquals(circleIn(arrowsOf(ours(), folderOf)), undefined);
});

test("no folder has more than 30 files", reading, () => {
  const folders = Map.groupBy(everySource(), ({ path }) => folderOf(path));
  const full = [...folders].filter(([, files]) => files.length > 30);
  assertEquals(full.map(([folder]) => folder), []);
});

/** What may speak to Deno: the disk, the opener of the device, and tasks. */
const DENO_FILES = ["src/files/disk.ts", "kernels/device/open_deno.ts"];
/**
 * What has no twin on the web: hashes of bytes that come in pieces, streams of known length that
 * are sent, compressions of parquet, and the place at which a member of gzip ends.
 */
const NODE_FILES = [
  "src/files/disk/hash.ts",
  "src/files/hub/put_bytes.ts",
  "src/files/records/gzip_members.ts",
  "src/files/records/parquet_pages.ts",
];

test(
  "only the disk, the opener of the device and tasks speak to Deno",
  reading,
  () => {
    const outside = ours().filter(({ path }) =>
      !path.startsWith("tasks/") && !DENO_FILES.includes(path)
    );
    assertEquals(occurrences(outside, /\bDeno\b/), []);
    const other = outside.filter(({ path }) => !NODE_FILES.includes(path));
    assertEquals(occurrences(other, /["']node:\w+/), []);
  },
);

test(
  "every file of src/ and kernels/ begins by saying what it does",
  reading,
  () => {
    const silent = everySource().filter(({ path, text }) =>
      floorOf(path) !== undefined && !/^(\/\*\*|\/\/)/.test(text)
    );
    assertEquals(silent.map(({ path }) => path), []);
  },
);

/** The files that ask which method or loss they have, by comparing its name. */
function namesAsked(
  sources: readonly Source[],
  names: readonly string[],
): string[] {
  const name = `"(?:${names.join("|")})"`;
  const asked = [
    `\\btrainer\\b[!?)]*\\s*[!=]==?\\s*"`,
    `"\\s*[!=]==?\\s*[\\w.]*\\btrainer\\b`,
    `\\bswitch\\s*\\([^)]*\\btrainer\\b`,
    `(?:[!=]==?\\s*|\\bcase\\s+|\\bincludes\\(\\s*)${name}`,
    `${name}\\s*[!=]==?`,
  ];
  return occurrences(sources, new RegExp(asked.join("|")));
}

test("namesAsked() tells a question for a name from a row", reading, () => {
  const asks = (text: string) =>
    namesAsked([{ path: "src/a.ts", text }], ["dpo", "kto"]).length;
  assertEquals(asks('if (trainer === "mine") {'), 1);
  assertEquals(asks('return "mine" !== options.trainer;'), 1);
  assertEquals(asks("switch (options.trainer) {"), 1);
  assertEquals(asks('if (names.includes("kto")) {'), 1);
  assertEquals(asks('name === "dpo" ? 1 : 0'), 1);
  assertEquals(asks('case "dpo":'), 1);
  assertEquals(asks('trainers: ["dpo", "kto"],'), 0);
  assertEquals(asks("methods.includes(options.trainer)"), 0);
  assertEquals(asks("trainer: choice(explained, names)"), 0);
});

test("only their tables ask for a method or a loss by name", reading, () => {
  const tables = [
    "src/training/loss/losses.ts",
    "src/training/method/methods.ts",
  ];
  // other tools' words are compared where their recipes are read
  const asking = ours().filter(({ path }) =>
    !tables.includes(path) && !path.startsWith("src/training/importing/") &&
    /^(src\/(training|scoring|report|commands)|tasks)\/|^mod\.ts$/.test(path)
  );
  assertEquals(namesAsked(asking, [...methodNames, ...lossNames]), []);
});
