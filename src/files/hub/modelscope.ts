/** Lists repositories of ModelScope, by its own API. */
import { worded } from "../../base/shown.ts";
import { isJsonObject, type JsonObject } from "../disk/json_file.ts";
import { type Listing, startListing } from "./listing.ts";
import { HubError } from "./retry.ts";
import type { Repo, RepoAccess, RepoFile, RepoListing } from "./repo.ts";
import {
  checkEndpoint,
  type HubAccess,
  hubJson,
  withoutToken,
} from "./request.ts";

/** The hub's own address. */
export const MODELSCOPE = "https://modelscope.cn";

const PAGE_SIZE = 100;

/** How the hub is reached: its older addresses read the token from a cookie. */
export function modelScopeAccess(
  { endpoint = MODELSCOPE, token }: RepoAccess,
): HubAccess {
  return {
    endpoint: checkEndpoint(endpoint),
    privateHeaders: token
      ? {
        authorization: `Bearer ${token.trim()}`,
        cookie: `m_session_id=${token.trim()}`,
      }
      : {},
  };
}

/**
 * Lists all files of a repository. The hub gives no commit, so each file has the version that the
 * revision has at the time of its download.
 *
 * @throws {HubError} if the repository does not exist or may not be read
 */
export async function listModelScope(
  repo: Repo,
  options: RepoAccess,
): Promise<RepoListing> {
  const access = modelScopeAccess(options);
  const { revision = "master" } = repo;
  const root = `${access.endpoint}/api/v1/${repo.kind}s/${repo.name}/repo`;
  const listing = startListing(repo.name, access);
  const entries = repo.kind === "model"
    ? await entriesOf(
      `${root}/files?${query({ Revision: revision, Recursive: "True" })}`,
    )
    : await pagesOf(`${root}/tree`);
  return { access, revision, files: entries.flatMap(toFile) };

  async function entriesOf(address: string): Promise<JsonObject[]> {
    const { value } = await hubJson(address, access, options);
    return readEntries(value, { repo: repo.name, listing, access });
  }

  async function pagesOf(address: string): Promise<JsonObject[]> {
    const all: JsonObject[] = [];
    for (let page = 1;; page++) {
      const entries = await entriesOf(`${address}?${
        query({
          Revision: revision,
          Root: "/",
          Recursive: "True",
          PageNumber: String(page),
          PageSize: String(PAGE_SIZE),
        })
      }`);
      for (const entry of entries) all.push(entry);
      if (entries.length < PAGE_SIZE) return all;
    }
  }

  function toFile(entry: JsonObject): RepoFile[] {
    const { Path: path, Size: size, Sha256: sha256, Type: type } = entry;
    if (type === "tree") return [];
    const file = listing.file({ path, size, sha256 });
    const where = { Revision: revision, FilePath: file.path };
    const source = repo.kind === "dataset" ? { Source: "SDK" } : {};
    return [{ ...file, url: `${root}?${query({ ...source, ...where })}` }];
  }
}

function query(values: Readonly<Record<string, string>>): string {
  return new URLSearchParams(values).toString();
}

/** Reads the entries of an answer. Errors have status 200 too, with their own code in the body. */
function readEntries(
  answer: unknown,
  { repo, listing, access }: {
    readonly repo: string;
    readonly listing: Listing;
    readonly access: HubAccess;
  },
): JsonObject[] {
  const body = isJsonObject(answer) ? answer : {};
  const data = isJsonObject(body["Data"]) ? body["Data"] : {};
  const files = data["Files"];
  const failed = body["Success"] === false ||
    (body["Code"] !== undefined && body["Code"] !== 200);
  if (!failed && Array.isArray(files)) return listing.page(files);
  if (!failed && files === null) return [];
  const said = worded(body["Message"] ?? "the hub names no files");
  throw new HubError(
    `Cannot list "${repo}": ${withoutToken(said, access).slice(0, 200)}`,
    { retry: false },
  );
}
