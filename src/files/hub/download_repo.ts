/** Downloads files of a repository, several at a time, and writes a record of them. */
import { join } from "@std/path";
import { type Downloaded, downloadFile } from "./download.ts";
import { selectFiles } from "./file_patterns.ts";
import { listHuggingFace } from "./huggingface.ts";
import { listModelScope } from "./modelscope.ts";
import type { Repo, RepoAccess, RepoFile, RepoListing } from "./repo.ts";
import type { Expected } from "./checksum.ts";
import {
  checkForeignFiles,
  checkRoom,
  checkUnchanged,
  leftContent,
} from "./folder_check.ts";
import { lockFolder } from "../disk/lock.ts";
import { checkDistinctPaths, checkSafePaths } from "./safe_path.ts";
import { checkRepoName, isThere, repoFolder } from "./repo_folder.ts";
import {
  claimFolder,
  MANIFEST,
  readRecord,
  writeRecord,
} from "./repo_record.ts";
import { tell } from "../../base/notes.ts";
import { disk, NotFound } from "../disk.ts";

/** How a repository is downloaded. */
export interface DownloadRepoOptions extends RepoAccess {
  /** The folder to download to; default: `repoFolder()` of the repository. */
  readonly folder?: string;
  /** Globs of the files to download; default: those that the kind of repository needs. */
  readonly files?: readonly string[];
  /** Whether only the tokenizer of a model is downloaded. */
  readonly tokenizerOnly?: boolean;
  /** Whether files that no download brought may be replaced. */
  readonly overwrite?: boolean;
  /** Number of files that are downloaded at the same time; default 3. */
  readonly parallel?: number;
  /** Stops the download; the bytes so far are kept for the next time. */
  readonly signal?: AbortSignal;
  /** Milliseconds without a byte after which a connection counts as broken. */
  readonly idle?: number;
  /**
   * Called with the downloaded bytes of all files, their total, and the file that has just grown.
   */
  readonly onProgress?: (done: number, total: number, file: string) => void;
}

/** A repository that was downloaded. */
export interface DownloadedRepo {
  /** The folder of the files. */
  readonly folder: string;
  /** The name of the requested revision. */
  readonly revision: string;
  /** The commit of the revision, if the hub gives it. */
  readonly commit?: string;
  /** The files, by path in the folder. */
  readonly files: ReadonlyMap<string, Downloaded>;
}

/** Lists all files of a repository by the API of its hub. */
export function listRepo(
  repo: Repo,
  access: RepoAccess = {},
): Promise<RepoListing> {
  return repo.source === "huggingface"
    ? listHuggingFace(repo, access)
    : listModelScope(repo, access);
}

/**
 * Downloads the selected files of a repository. Files that exist already, complete and correct, are
 * kept.
 *
 * @throws {HubError} if the hub refuses, {TypeError} for names that leave the folder, for pickles,
 *   or if no file matches
 */
export async function downloadRepo(
  repo: Repo,
  options: DownloadRepoOptions = {},
): Promise<DownloadedRepo> {
  checkRepoName(repo.name);
  const folder = options.folder ?? await repoFolder(repo.kind, repo.name);
  await checkSameRepo(folder, repo);
  const listing = await listRepo(repo, options);
  const paths = listing.files.map(({ path }) => path);
  const files = wantedFiles(repo, listing, options);
  await using _lock = await lockFolder(folder, isWrittenWhole);
  await checkSameRepo(folder, repo);
  const record = await readRecord(folder);
  const place = { repo: repo.name, folder, record };
  const coming = files.map(({ path }) => path);
  await checkRoom(coming, place);
  if (!options.overwrite) await checkForeignFiles(files, place);
  tellUnhashed(repo, files);
  await claimFolder(folder, repo, files);
  const done = await downloadAll(files, listing, {
    ...options,
    folder,
    onReplace: async (path) => {
      if (!options.overwrite) await checkUnchanged(path, place);
    },
  });
  const others = [...record?.files ?? []].filter(([path]) => !done.has(path));
  const listed = new Set(paths);
  const [here, gone] = [true, false].map((isListed) =>
    others.filter(([path]) => listed.has(path) === isListed)
  );
  await removeStale(folder, gone!);
  await writeRecord(folder, repo, {
    ...listing,
    files: done,
    earlier: await stillThere(folder, here!),
  });
  const { revision, commit } = listing;
  return { folder, revision, ...(commit && { commit }), files: done };
}

/** Whether a download writes a file of this name under another one first. */
const isWrittenWhole = (name: string) =>
  name === MANIFEST || name.endsWith(".part.etag");

/** Most files of a model, unless patterns choose them. */
const MODEL_FILES = 1000;

/** The files to download, all names checked. */
function wantedFiles(
  { name: repo, kind }: Repo,
  listing: RepoListing,
  { files: patterns, tokenizerOnly = false }: DownloadRepoOptions,
): RepoFile[] {
  const paths = listing.files.map(({ path }) => path);
  checkSafePaths(repo, paths);
  const selected = selectFiles(paths, {
    repo,
    kind,
    tokenizerOnly,
    ...(patterns && { patterns }),
  });
  if (kind === "model" && !patterns && selected.length > MODEL_FILES) {
    throw new RangeError(
      `Cannot download "${repo}": a model of ${selected.length} files, expected at most ${MODEL_FILES}; choose those that you need by patterns, in files`,
    );
  }
  checkDistinctPaths(repo, selected);
  const wanted = new Set(selected);
  return listing.files.filter(({ path }) => wanted.has(path));
}

/**
 * Fails if the folder holds another repository, since two owners may give a dataset the same name.
 */
async function checkSameRepo(folder: string, repo: Repo): Promise<void> {
  const found = (await readRecord(folder))?.repo ?? repo.name;
  if (found === repo.name) return;
  throw new TypeError(
    `Cannot download "${repo.name}" to "${folder}": it holds "${found}", move that away first`,
  );
}

/** Tells of files whose bytes cannot be checked. */
function tellUnhashed(repo: Repo, files: readonly RepoFile[]): void {
  const unhashed = files.filter(({ sha256, gitOid }) =>
    sha256 === undefined && gitOid === undefined
  );
  const [first] = unhashed;
  if (first === undefined) return;
  const more = unhashed.length > 1 ? ` and ${unhashed.length - 1} more` : "";
  tell(
    `the hub lists no hash of "${first.path}"${more} of "${repo.name}", so that only sizes are checked`,
  );
}

/** Downloads files at the same time; the first error stops all of them. */
async function downloadAll(
  files: readonly RepoFile[],
  listing: RepoListing,
  { folder, onReplace, ...options }: DownloadRepoOptions & {
    readonly folder: string;
    readonly onReplace: (path: string) => Promise<void>;
  },
): Promise<Map<string, Downloaded>> {
  const stop = new AbortController();
  const signals = options.signal
    ? [stop.signal, options.signal]
    : [stop.signal];
  const signal = AbortSignal.any(signals);
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const counts = new Map<string, number>();
  let done = 0;
  const results = new Map<string, Downloaded>();
  const queue = files.values(); // all workers share this iterator, so each takes the next file
  const work = async () => {
    for (const file of queue) {
      signal.throwIfAborted();
      const target = { ...file, path: join(folder, file.path) };
      const onProgress = (bytes: number) => {
        done += bytes - (counts.get(file.path) ?? 0);
        counts.set(file.path, bytes);
        options.onProgress?.(done, total, file.path);
      };
      const { access } = listing;
      const result = await downloadFile(target, {
        ...options,
        access,
        signal,
        onProgress,
        onReplace: () => onReplace(file.path),
      });
      results.set(file.path, result);
    }
  };
  const workers = Array.from(
    { length: options.parallel ?? 3 },
    () =>
      work().catch((error) => {
        if (!stop.signal.aborted) stop.abort(error);
      }),
  );
  await Promise.all(workers);
  signal.throwIfAborted();
  return new Map(files.map(({ path }) => [path, results.get(path)!]));
}

/** Paths with the contents that downloads left, or were leaving. */
type Left = readonly (readonly [string, readonly Expected[]])[];

/** The files of earlier downloads that are there, each with the content that was left. */
async function stillThere(
  folder: string,
  files: Left,
): Promise<(readonly [string, Expected])[]> {
  const there: (readonly [string, Expected])[] = [];
  for (const [path, left] of files) {
    const local = join(folder, path);
    const [only, ...others] = left;
    // a large file is read only if it may be one of two
    const content = others.length === 0 && await isThere(local)
      ? only
      : await leftContent(local, left);
    if (content !== undefined) there.push([path, content]);
  }
  return there;
}

/**
 * Removes files of an earlier revision, which the repository no longer has, unless somebody changed
 * them.
 */
async function removeStale(folder: string, files: Left): Promise<void> {
  checkSafePaths(folder, files.map(([path]) => path));
  for (const [path, left] of files) {
    const local = join(folder, path);
    if (!await leftContent(local, left)) continue;
    await disk().remove(local).catch((error) => {
      if (!(error instanceof NotFound)) throw error;
    });
  }
}
