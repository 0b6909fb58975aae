/** Which downloads are still to be made. Reads folders and their records; opens no connection. */
import { join } from "@std/path";
import { NotFound } from "../files/disk.ts";
import {
  isThere,
  localDatasetPath,
  localModelFolder,
} from "../files/hub/repo_folder.ts";
import { readRecord } from "../files/hub/repo_record.ts";
import type { DownloadJob } from "./download_jobs.ts";

/** The jobs whose repository is not here, not whole, or here in another version. */
export async function missingJobs(
  jobs: readonly DownloadJob[],
): Promise<DownloadJob[]> {
  const whole = await Promise.all(jobs.map(isWhole));
  return jobs.filter((_, i) => !whole[i]);
}

async function isWhole(job: DownloadJob): Promise<boolean> {
  const folder = await folderOf(job);
  if (folder === undefined) return false;
  const { name, revision } = job.repo;
  const record = await readRecord(folder);
  // a folder without a record is the user's own, who knows what should be in it
  if (record === undefined) return revision === undefined;
  const isOther = record.repo !== name || !record.complete ||
    (revision !== undefined && !record.versions.includes(revision));
  if (isOther) return false;
  const files = record.files.keys()
    .map((file) => isThere(join(folder, file)));
  return (await Promise.all(files)).every((one) => one);
}

/** Where a repository lies; undefined if it is not here. */
async function folderOf(
  { repo, folder }: DownloadJob,
): Promise<string | undefined> {
  if (folder !== undefined) {
    return await isThere(folder) ? folder : undefined;
  }
  try {
    return repo.kind === "model"
      ? await localModelFolder(repo.name)
      : await localDatasetPath(repo.name);
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}
