/**
 * Holds a hub's listing of a repository to its form: pages of entries, no more of them than a
 * repository can have, and files with a path, a size and hashes. Knows no hub.
 */
import { worded } from "../../base/shown.ts";
import { printable } from "../../base/printable.ts";
import { isJsonObject, jsonKind, type JsonObject } from "../disk/json_file.ts";
import type { RepoFile } from "./repo.ts";
import { type HubAccess, withoutToken } from "./request.ts";
import { HubError } from "./retry.ts";

/** Most pages and entries of a listing. */
export const LISTING = { pages: 500, entries: 100_000 };

/** The pages of one repository's listing. */
export interface Listing {
  /**
   * Takes the next page.
   *
   * @throws {HubError} if it is no list of objects, or one too many
   */
  page(entries: unknown): JsonObject[];
  /**
   * A file of it.
   *
   * @throws {HubError} if it has no path, no size, or hashes of another form
   */
  file(entry: ListedFile): Omit<RepoFile, "url">;
}

/** A file as a hub lists it, before anything of it is believed. */
interface ListedFile {
  readonly path: unknown;
  readonly size: unknown;
  readonly sha256?: unknown;
  readonly gitOid?: unknown;
}

/** Starts a listing without pages. */
export function startListing(repo: string, access: HubAccess): Listing {
  let pages = 0;
  let count = 0;
  const fail = (fault: string) =>
    new HubError(`Cannot list "${repo}": ${fault}`, { retry: false });
  return {
    page(entries) {
      if (!Array.isArray(entries)) {
        throw fail(
          `its hub gives ${jsonKind(entries)}, expected a list of files`,
        );
      }
      const other = entries.find((entry) => !isJsonObject(entry));
      if (other !== undefined) {
        throw fail(`its hub lists ${jsonKind(other)}, expected files`);
      }
      if (++pages > LISTING.pages) {
        throw fail(`it has more than ${LISTING.pages} pages`);
      }
      count += entries.length;
      if (count > LISTING.entries) {
        throw fail(`it has more than ${LISTING.entries} files`);
      }
      return entries;
    },
    file({ path, size, sha256, gitOid }) {
      if (typeof path !== "string") {
        const found = path === undefined ? "none" : jsonKind(path);
        throw fail(`a file has no path, found ${found}`);
      }
      if (withoutToken(path, access) !== path) {
        throw fail("the name of a file repeats the token");
      }
      const named = `"${printable(path, 300)}"`;
      if (!Number.isSafeInteger(size) || (size as number) < 0) {
        throw fail(
          `${named} has no size, found ${printable(worded(size), 30)}`,
        );
      }
      return {
        path,
        size: size as number,
        ...hashOf("sha256", sha256, 64, named),
        ...hashOf("gitOid", gitOid, 40, named),
      };
    },
  };

  /** A hash as an entry of an object; nothing if there is none. */
  function hashOf(
    name: "sha256" | "gitOid",
    hash: unknown,
    digits: number,
    named: string,
  ): { readonly sha256?: string; readonly gitOid?: string } {
    if (hash === undefined || hash === null || hash === "") return {};
    if (typeof hash === "string" && hash.length === digits) {
      const lower = hash.toLowerCase();
      if (/^[0-9a-f]+$/.test(lower)) return { [name]: lower };
    }
    throw fail(
      `${named} has a hash of another form, expected ${digits} hexadecimal digits`,
    );
  }
}
