/**
 * Datasets that a `dataset_info.json` beside the data describes, as in LLaMA-Factory: a source is
 * named by `folder/name`, or by `name` alone if it is in data/. What the description means is known
 * to importing/llama_factory_data.ts.
 */
import { basename, dirname, isGlob, join } from "@std/path";
import { isRecord } from "../../base/composite_option.ts";
import { readJsonObjectIfThere } from "../../files/disk/json_file.ts";
import { isThere } from "../../files/hub/repo_folder.ts";
import { datasetEntry } from "../importing/llama_factory_data.ts";
import { noteLine } from "../importing/translation.ts";
import { mixtureDataset } from "../options/mixture_option.ts";

/** A dataset in the form that `dataset_mixture` has. */
export type DescribedDataset = ReturnType<typeof mixtureDataset.read>;

/** An entry of a dataset_info.json. */
export interface DescribedEntry {
  /** Its name there. */
  readonly name: string;
  /** What is said of it. */
  readonly info: Readonly<Record<string, unknown>>;
  /** Folder of the description. */
  readonly folder: string;
}

/**
 * The entry that describes a dataset; undefined if there is something at that path, or no
 * description names it.
 */
export async function describedEntry(
  id: string,
): Promise<DescribedEntry | undefined> {
  if (isGlob(id) || await isThere(id)) return undefined;
  const folder = dirname(id) === "." ? "data" : dirname(id);
  const infos = await readJsonObjectIfThere(join(folder, "dataset_info.json"));
  const name = basename(id);
  const info = infos?.[name];
  return isRecord(info) ? { name, info, folder } : undefined;
}

/**
 * The description of a dataset as `describedEntry()` finds it.
 *
 * @throws {TypeError} if the description asks for something that is not served
 */
export async function describedDataset(
  id: string,
): Promise<DescribedDataset | undefined> {
  const entry = await describedEntry(id);
  if (entry === undefined) return undefined;
  const { name, info, folder } = entry;
  const { dataset, refusals } = datasetEntry(name, info, folder);
  if (refusals.length > 0) {
    const path = join(folder, "dataset_info.json");
    throw new TypeError(
      `Cannot read dataset "${name}" as "${path}" describes it: ${
        refusals.map(noteLine).join("; ")
      }`,
    );
  }
  return mixtureDataset.read(dataset);
}
