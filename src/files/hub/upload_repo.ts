/** Uploads files to a repository; what is there already, by its hash, is not sent again. */
import { type Measured, measureFile } from "./checksum.ts";
import type { RepoFile } from "./repo.ts";
import { checkRepoName } from "./repo_folder.ts";
import type {
  LocalFile,
  MeasuredFile,
  UploadOptions,
  UploadTarget,
} from "./upload.ts";
import { uploadHuggingFace } from "./upload_huggingface.ts";
import { uploadModelScope } from "./upload_modelscope.ts";

/** What was uploaded. */
export interface Uploaded {
  /** Address of the repository's page. */
  readonly page: string;
  /** Paths of the files that the repository did not have. */
  readonly sent: readonly string[];
  /** Paths of the files that it had, with the same content. */
  readonly kept: readonly string[];
}

/**
 * Uploads files to a repository, which is made if it is not there, as one commit.
 *
 * @throws {HubError} if the hub refuses, or after all tries
 */
export async function uploadRepo(
  target: UploadTarget,
  files: readonly LocalFile[],
  options: UploadOptions,
): Promise<Uploaded> {
  checkRepoName(target.name);
  const hub = target.source === "huggingface"
    ? uploadHuggingFace(target, options)
    : uploadModelScope(target, options);
  await hub.create();
  const there = new Map((await hub.list()).map((file) => [file.path, file]));
  const counts = new Map<string, number>();
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const onBytes = (file: string, sent: number) => {
    counts.set(file, sent);
    const done = counts.values().reduce((sum, count) => sum + count, 0);
    options.onProgress?.(done, total, file);
  };
  const missing: MeasuredFile[] = [];
  for (const file of files) {
    options.signal?.throwIfAborted();
    const measured = await measureFile(file.local, file.size);
    if (measured === undefined || measured.size !== file.size) {
      throw new TypeError(
        `Cannot upload "${file.local}": it changed meanwhile`,
      );
    }
    if (isSame(measured, there.get(file.path))) {
      counts.set(file.path, file.size);
    } else missing.push({ ...file, ...measured });
  }
  const [first] = missing;
  if (first !== undefined) onBytes(first.path, 0);
  if (missing.length > 0) await hub.commit(missing, onBytes);
  for (const { path, size } of missing) onBytes(path, size);
  const sent = missing.map(({ path }) => path);
  return {
    page: hub.page,
    sent,
    kept: files.map(({ path }) => path).filter((path) => !sent.includes(path)),
  };
}

/** Whether a file of a repository has this content, by the hash that its hub lists. */
function isSame(local: Measured, there: RepoFile | undefined): boolean {
  if (there === undefined || there.size !== local.size) return false;
  if (there.sha256 !== undefined) return there.sha256 === local.sha256;
  return there.gitOid !== undefined && there.gitOid === local.gitOid;
}
