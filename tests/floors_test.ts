/**
 * The rules of the house that a program can hold: who may import whom, where GPU types, the console and the
 * process may be named, how files are named and how long they are.
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { lossNames } from "../src/training/loss/losses.ts";
import { methodNames } from "../src/training/method/methods.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));

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
  "src/generation": ["src/model", "src/text", "src/base"],
  // a sink takes down what a run tells
  "src/report": ["src/training", "src/preference", "src/files", "src/base"],
  // a command puts floors together for its user; a task reads its options and prints
  "src/commands": [
    ...["src/training", "src/generation", "src/report", "src/scoring"],
    ...["src/downloads", "src/model", "src/preference", "src/text"],
    ...["src/files", "src/base", "kernels"],
  ],
  "tasks": ["src/commands", "src/report", "src/base"],
};

/** A file of the project: its path from the root, with slashes, and its text. */
interface Source {
  readonly path: string;
  readonly text: string;
}

const isTested = (path: string) => path.startsWith("tests/");
const isProgram = (path: string) =>
  path.startsWith("tasks/") || /^data\/.*\/(main|publish)\.ts$/.test(path);

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

/** Text without comments, so that a rule may be spoken of. */
function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

function* sourcesIn(folder: string): Generator<Source> {
  for (const entry of Deno.readDirSync(`${ROOT}${folder}`)) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    const skipped = /^(\.|node_modules$|output$|model_hub$|fixtures$)/;
    if (skipped.test(entry.name)) continue;
    if (entry.isDirectory) yield* sourcesIn(path);
    else if (/\.(ts|wgsl)$/.test(entry.name)) {
      yield { path, text: Deno.readTextFileSync(`${ROOT}${path}`) };
    }
  }
}

const everySource = [...sourcesIn("")];
const scripts = everySource.filter(({ path }) => path.endsWith(".ts"));
const ours = scripts.filter(({ path }) =>
  floorOf(path) !== undefined || path === "mod.ts"
);

/** `path: what` for each file in which the pattern occurs outside comments. */
function occurrences(sources: readonly Source[], pattern: RegExp): string[] {
  return sources.flatMap(({ path, text }) => {
    const found = codeOf(text).match(pattern);
    return found === null ? [] : [`${path}: ${found[0]}`];
  });
}

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

Deno.test("forbiddenImports() tells ways down from ways up", pure, () => {
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

Deno.test(
  `imports go down the floors in all ${ours.length} files`,
  pure,
  () => {
    assertEquals(ours.flatMap(forbiddenImports), []);
  },
);

Deno.test("only kernels/ and its tests name GPU types", pure, () => {
  const outside = scripts.filter(({ path }) =>
    !/^(tests\/)?kernels\//.test(path) && path !== "tests/floors_test.ts"
  );
  assertEquals(occurrences(outside, /\bGPU[A-Z]\w*|navigator\.gpu/), []);
});

Deno.test("only tasks/ speak to the console and the process", pure, () => {
  const outside = scripts.filter(({ path }) =>
    !isProgram(path) && !isTested(path)
  );
  assertEquals(
    occurrences(outside, /\bconsole\.|\bDeno\.(args|exit|addSignalListener)\b/),
    [],
  );
});

Deno.test(
  "no source says any, hides an error or refers to one machine's folders",
  pure,
  () => {
    const banned =
      /\bas any\b|: any\b|<any>|@ts-ignore|@ts-nocheck|deno-lint-ignore-file|"\/(root|work|home)\//;
    const others = scripts.filter(({ path }) =>
      path !== "tests/floors_test.ts"
    );
    assertEquals(occurrences(others, banned), []);
  },
);

Deno.test("no file is longer than 500 lines", pure, () => {
  const long = everySource.map(({ path, text }) => ({
    path,
    lines: text.split("\n").length - 1,
  }))
    .filter(({ lines }) => lines > 500);
  assertEquals(long, []);
});

Deno.test(
  "every file is named in snake_case after the one thing inside",
  pure,
  () => {
    const vague = /^(utils?|helpers?|common|index|manager|misc)$/;
    const wrong = everySource.map(({ path }) => path).filter((path) => {
      const name = (path.split("/").at(-1) ?? "").replace(/(\.d)?\.\w+$/, "");
      return vague.test(name) || !/^[a-z0-9_]+$/.test(name);
    });
    assertEquals(wrong, []);
  },
);

Deno.test(
  "every file of src/ and kernels/ begins by saying what it does",
  pure,
  () => {
    const silent = everySource.filter(({ path, text }) =>
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

Deno.test("namesAsked() tells a question for a name from a row", pure, () => {
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

Deno.test("only their tables ask for a method or a loss by name", pure, () => {
  const tables = [
    "src/training/loss/losses.ts",
    "src/training/method/methods.ts",
  ];
  // other tools' words are compared where their recipes are read
  const asking = ours.filter(({ path }) =>
    !tables.includes(path) && !path.startsWith("src/training/importing/") &&
    /^(src\/(training|scoring|report|commands)|tasks)\/|^mod\.ts$/.test(path)
  );
  assertEquals(namesAsked(asking, [...methodNames, ...lossNames]), []);
});

Deno.test("the tree has sources to hold to its rules", pure, () => {
  assert(ours.length > 20, `found ${ours.length} files`);
});
