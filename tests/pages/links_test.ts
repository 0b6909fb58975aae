/**
 * Every link between the pages leads to a file, and to a heading in it; every file that a page
 * names exists.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { anchorsOf, linksOf, pages, pageText, prose, ROOT } from "./pages.ts";
import { everySource } from "../sources.ts";
import { test } from "../test_case.ts";

const reading = {
  permissions: { read: [ROOT] },
  sanitizeOps: true,
  sanitizeResources: true,
};
const pure = { ...reading, permissions: "none" } as const;

/** A file's text, "" for a folder; undefined if it is not there. */
type ReadPath = (path: string) => string | undefined;

function readPath(path: string): string | undefined {
  try {
    const { isFile } = Deno.statSync(join(ROOT, path));
    return isFile && path.endsWith(".md") ? pageText(path) : "";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Where a relative link leads: a path from the root, and the anchor behind it. */
function targetOf(
  page: string,
  link: string,
): { path: string; anchor: string } {
  const { pathname, hash } = new URL(link, `file:///${page}`);
  const path = decodeURIComponent(pathname.slice(1)).replace(/\/$/, "");
  return { path, anchor: decodeURIComponent(hash.slice(1)) };
}

const isRelative = (link: string) => !/^[a-z]+:/.test(link);

/** `page: link` for each relative link that leads nowhere. */
function brokenLinks(page: string, text: string, read: ReadPath): string[] {
  return linksOf(text).filter(isRelative).filter((link) => {
    const { path, anchor } = targetOf(page, link);
    const target = path === page ? text : read(path);
    if (target === undefined) return true;
    return anchor !== "" && !anchorsOf(target).has(anchor);
  }).map((link) => `${page}: ${link}`);
}

/** Files of ours that are named in a page as code. */
function namedFiles(text: string): string[] {
  const code = prose(text).matchAll(/`([^`\n]+)`/g);
  const file =
    /^(src|kernels|tests|tasks|types|templates|recipes|docs|data\/tiny)\/[\w./-]+\.\w+$/;
  return [...code].map(([, words = ""]) => words)
    .filter((words) => file.test(words));
}

/** Names of source files that a page gives without their folders. */
function bareNames(text: string): string[] {
  const code = prose(text).matchAll(/`([a-z0-9_]+\.(?:ts|wgsl))`/g);
  return [...code].map(([, name = ""]) => name);
}

test(
  "brokenLinks() finds files and headings that are not there",
  pure,
  () => {
    const files: Readonly<Record<string, string>> = {
      "docs/a.md": "# A page: of `a()`!\n\n## Twice\n\n## Twice\n",
      "docs": "",
    };
    const broken = (text: string) =>
      brokenLinks("docs/log/b.md", text, (path) => files[path]);
    const good = "[a](../a.md) [b](../a.md#a-page-of-a) [c](../a.md#twice-1)";
    assertEquals(
      broken(`# B\n\n${good} [d](#b) [e](../) [f](https://a.b/c)`),
      [],
    );
    assertEquals(broken("`[x](y.md)`\n\n```ts\na[0](y.md)\n```\n"), []);
    assertEquals(broken("[a](a.md) [b](../a.md#three) [c](#d)"), [
      "docs/log/b.md: a.md",
      "docs/log/b.md: ../a.md#three",
      "docs/log/b.md: #d",
    ]);
  },
);

test("links between the pages lead to files and headings", reading, () => {
  const all = pages();
  assert(all.length > 20, `found ${all.length} pages`);
  const broken = all.flatMap((page) =>
    brokenLinks(page, pageText(page), readPath)
  );
  assertEquals(broken, []);
});

test("every page below docs/ is linked from another page", reading, () => {
  const linked = new Set(
    pages().flatMap((page) =>
      linksOf(pageText(page)).filter(isRelative)
        .map((link) => targetOf(page, link).path)
        .filter((path) => path !== page)
    ),
  );
  const lost = pages().filter((page) =>
    page.startsWith("docs/") && !linked.has(page)
  );
  assertEquals(lost, []);
});

test("files that the pages name exist", reading, () => {
  // the log tells of files as they were, the change log of versions
  const current = pages().filter((page) =>
    !/^docs\/log\/\d|^CHANGELOG/.test(page)
  );
  const names = new Set(
    everySource().map(({ path }) => path.split("/").at(-1)),
  );
  const missing = current.flatMap((page) =>
    [
      ...namedFiles(pageText(page)).filter((path) =>
        readPath(path) === undefined
      ),
      ...bareNames(pageText(page)).filter((name) => !names.has(name)),
    ].map((path) => `${page}: ${path}`)
  );
  assertEquals(missing, []);
});
