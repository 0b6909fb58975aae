/** Lists repositories of Hugging Face, or of a mirror with the same API. */
import { isJsonObject } from "../disk/json_file.ts";
import { startListing } from "./listing.ts";
import { HubError } from "./retry.ts";
import {
  encodePath,
  type Repo,
  type RepoAccess,
  type RepoFile,
  type RepoListing,
} from "./repo.ts";
import { checkEndpoint, type HubAccess, hubJson, shown } from "./request.ts";

/** The hub's own address. */
export const HUGGINGFACE = "https://huggingface.co";

/** How the hub is reached. */
export function huggingFaceAccess(
  { endpoint = HUGGINGFACE, token }: RepoAccess,
): HubAccess {
  return {
    endpoint: checkEndpoint(endpoint),
    privateHeaders: token ? { authorization: `Bearer ${token.trim()}` } : {},
  };
}

/**
 * Lists all files of a repository, at the commit of the revision.
 *
 * @throws {HubError} if the repository does not exist or may not be read
 */
export async function listHuggingFace(
  repo: Repo,
  options: RepoAccess,
): Promise<RepoListing> {
  const access = huggingFaceAccess(options);
  const { revision = "main" } = repo;
  const commit = await resolveCommit(repo, revision, access, options);
  const prefix = repo.kind === "dataset" ? "datasets/" : "";
  const root = `${access.endpoint}/${prefix}${repo.name}/resolve/${commit}/`;
  const files: RepoFile[] = [];
  const listing = startListing(repo.name, access);
  const asked = new Set<string>();
  // loaded here: only a download needs it
  const { listFiles } = await import("@huggingface/hub");
  for await (
    const entry of listFiles({
      repo: { type: repo.kind, name: repo.name },
      revision: commit,
      recursive: true,
      hubUrl: access.endpoint,
      fetch: async (url) => {
        const address = String(url instanceof Request ? url.url : url);
        const { value, headers } = await hubJson(address, access, options);
        const entries = listing.page(value);
        const link = headers.get("link");
        if (asked.has(address) || (entries.length === 0 && link !== null)) {
          throw new HubError(
            `Cannot list "${repo.name}": its pages lead to no end`,
            { retry: false },
          );
        }
        asked.add(address);
        return Response.json(entries, {
          headers: link === null ? {} : { link },
        });
      },
    })
  ) {
    if (entry.type !== "file") continue;
    const { path, size, oid, lfs } = entry;
    const file = listing.file({
      path,
      size: lfs?.size ?? size,
      ...lfs ? { sha256: lfs.oid } : { gitOid: oid },
    });
    files.push({ ...file, url: root + encodePath(file.path) });
  }
  return { access, revision, commit, files };
}

/** Finds the commit of a revision, so that all files are of one version. */
async function resolveCommit(
  repo: Repo,
  revision: string,
  access: HubAccess,
  options: RepoAccess,
): Promise<string> {
  const address = `${access.endpoint}/api/${repo.kind}s/${repo.name}/revision/${
    encodeURIComponent(revision)
  }`;
  const { value: info } = await hubJson(address, access, options);
  const commit = isJsonObject(info) ? info["sha"] : undefined;
  if (typeof commit === "string" && /^[0-9a-f]{7,64}$/.test(commit)) {
    return commit;
  }
  throw new HubError(
    `Cannot list "${repo.name}": "${shown(new URL(address))}" names no commit`,
    { retry: false },
  );
}
