/** The pages for people: which there are, and what stands in them. Judges nothing. */
import { join } from "@std/path";
import { ROOT } from "../sources.ts";

export { ROOT } from "../sources.ts";

/** Folders with pages beside docs/; what is downloaded or made in them is no page. */
const FOLDERS = [
  "",
  "templates",
  "data",
  "data/tiny",
  "model_hub",
  "model_hub/tiny",
  "output",
];

/** The pages right in a folder. */
function pagesIn(folder: string): string[] {
  return [...Deno.readDirSync(join(ROOT, folder))]
    .filter(({ isFile, name }) => isFile && name.endsWith(".md"))
    .map(({ name }) => folder === "" ? name : `${folder}/${name}`);
}

/** A folder and all folders below it. */
function foldersFrom(folder: string): string[] {
  const below = [...Deno.readDirSync(join(ROOT, folder))]
    .filter(({ isDirectory }) => isDirectory)
    .flatMap(({ name }) => foldersFrom(`${folder}/${name}`));
  return [folder, ...below];
}

/** The pages' paths from the root, with slashes. */
export function pages(): string[] {
  return [...FOLDERS, ...foldersFrom("docs")].flatMap(pagesIn).sort();
}

/** The text of a page. */
export function pageText(page: string): string {
  return Deno.readTextFileSync(join(ROOT, page));
}

/** The texts of the code blocks of a language in a page. */
export function codeBlocks(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].flatMap(
    ([, name, block = ""]) => name === language ? [block] : [],
  );
}

/** The words of each command of a page, quotes taken off. */
export function commandsOf(text: string): string[][] {
  return codeBlocks(text, "sh")
    .flatMap((block) => block.trim().split(/\n| && /))
    .map((line) =>
      (line.match(/(?:[^\s"]|"[^"]*")+/g) ?? []).map((word) =>
        word.replaceAll('"', "")
      )
    );
}

/** A page without its code blocks. */
export function prose(text: string): string {
  return text.replace(/^```[^]*?^```$/gm, "");
}

/** A link of a page: what stands in its round brackets. */
export function linksOf(text: string): string[] {
  const plain = prose(text).replace(/`[^`\n]*`/g, "");
  return [...plain.matchAll(/\]\(([^()\s]+)\)/g)].map(([, to = ""]) => to);
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of prose(text).matchAll(/^#{1,6} +(.+)$/gm)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
    const plain = words.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, "")
      .trim().replaceAll(" ", "-");
    let anchor = plain;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${plain}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}
