/**
 * Exports a model, or an adapter merged into its base, as one GGUF file for llama.cpp. The file is
 * written under another name, read back and compared with the checkpoint, and only then renamed.
 * Knows the order of the work; the format is in src/files/gguf.
 */
import { basename, dirname, resolve } from "@std/path";
import type { Device } from "../../../kernels/device/device.ts";
import {
  makeFolder,
  takeName,
  temporarySibling,
  tidyAway,
  writeFileAtomic,
} from "../../files/disk/atomic.ts";
import { lockOutput } from "../../files/disk/lock.ts";
import { elementCount } from "../../files/safetensors/dtype.ts";
import {
  GGUF_TYPES,
  ggufBytes,
  type GgufType,
  type GgufValue,
} from "../../files/gguf/gguf.ts";
import { toGguf } from "../../files/gguf/gguf_blocks.ts";
import { ggufTokenizer } from "../../files/gguf/gguf_tokenizer.ts";
import { writeGguf } from "../../files/gguf/gguf_writer.ts";
import {
  type ModelFiles,
  type ModelFolder,
  openModelFolder,
} from "../../files/folders/model_folder.ts";
import { isThere, localModelFolder } from "../../files/hub/repo_folder.ts";
import { readModelConfig } from "../config/config.ts";
import type { ExportGgufOptions } from "./export_gguf_options.ts";
import { checkGguf } from "./gguf_check.ts";
import { ggufArchitecture } from "./gguf_architectures.ts";
import { GGUF_FILE_TYPES, type GgufFileType } from "./gguf_file_types.ts";
import { ggufHyperparameters } from "./gguf_names.ts";
import { ggufRope } from "./gguf_rope.ts";
import { type GgufSource, ggufSources } from "./gguf_tensors.ts";
import { mergeAdapter, type MergeHooks } from "../saving/merge.ts";

/** The data from which a Modelfile is made. */
export interface ModelfileSource {
  /** Name of the GGUF file, which lies beside the Modelfile. */
  readonly from: string;
  /** The text files of the model. */
  readonly files: ModelFiles;
  /** Whether Ollama itself puts the BOS token before every text. */
  readonly addsBos: boolean;
}

/** Called as the work proceeds, and the writer of the Modelfile. */
export interface ExportGgufHooks extends MergeHooks {
  /** Called with the bytes of the file that are written, and all of its bytes. */
  readonly onWrite?: (done: number, total: number) => void;
  /** Called with the count of numbers that are compared, and the count of all. */
  readonly onCheck?: (done: number, total: number) => void;
  /** Makes the text of a Modelfile; default: none is written. */
  readonly modelfile?: (source: ModelfileSource) => string;
}

/** What an export wrote. */
export interface GgufReport {
  /** Number of bytes of all tensors. */
  readonly bytes: number;
  /** Number of tensors of each type. */
  readonly types: Readonly<Partial<Record<GgufType, number>>>;
  /** Path of the Modelfile; undefined if none was written. */
  readonly modelfile: string | undefined;
  /** Sentences about properties of the model that the format cannot express. */
  readonly notes: readonly string[];
}

/**
 * Exports a model and checks the file.
 *
 * @param device the device for merging an adapter; undefined if no adapter is named
 * @throws {Error} with one line; `output` is then unchanged
 */
export async function exportGguf(
  device: Device | undefined,
  options: ExportGgufOptions,
  hooks: ExportGgufHooks = {},
): Promise<GgufReport> {
  await using _lock = await lockOutput(options.output);
  await checkOutput(options);
  const base = await localModelFolder(options.model_name_or_path);
  const adapter = options.adapter_name_or_path;
  const { output } = options;
  const name = basename(resolve(adapter ?? base));
  if (adapter === null) return await writeModel(base, name, options, hooks);
  if (!device) {
    throw new TypeError("Cannot merge an adapter: expected a device");
  }
  await makeFolder(dirname(output));
  // under a name that is swept if the program is killed
  const merged = temporarySibling(output);
  try {
    await mergeAdapter(device, {
      model_name_or_path: base,
      adapter_name_or_path: adapter,
      output_dir: merged,
      overwrite_output_dir: false,
    }, hooks);
    return await writeModel(merged, name, options, hooks);
  } finally {
    await tidyAway(merged);
  }
}

async function checkOutput(
  { output, overwrite_output }: ExportGgufOptions,
): Promise<void> {
  if (!output.endsWith(".gguf")) {
    throw new TypeError(
      `Cannot export to "${output}": expected a name that ends in .gguf`,
    );
  }
  if (overwrite_output || !await isThere(output)) return;
  throw new TypeError(
    `Cannot export to "${output}": it is there; choose another output or set overwrite_output`,
  );
}

async function writeModel(
  path: string,
  name: string,
  { output, type }: ExportGgufOptions,
  hooks: ExportGgufHooks,
): Promise<GgufReport> {
  const folder = await openModelFolder(path);
  const wanted = type.toUpperCase() as GgufFileType;
  const { metadata, sources, addsBos, notes } = describe(folder, name, wanted);
  const temporary = temporarySibling(output);
  try {
    await writeFileAtomic(
      temporary,
      (file) => writeGguf(file, metadata, sources, written(sources, hooks)),
    );
    await checkGguf(temporary, metadata, sources, counted(sources, hooks));
    await takeName(temporary, output);
  } finally {
    await tidyAway(temporary);
  }
  const modelfile = output.replace(/\.gguf$/, ".Modelfile");
  const text = hooks.modelfile?.({
    from: basename(output),
    files: folder,
    addsBos,
  });
  if (text !== undefined) await writeFileAtomic(modelfile, text);
  return {
    bytes: bytesOf(sources),
    types: countTypes(sources),
    modelfile: text === undefined ? undefined : modelfile,
    notes,
  };
}

/** The format's version of the layout of block types. */
const QUANTIZATION_VERSION = 2;

function describe(folder: ModelFolder, name: string, type: GgufFileType) {
  const config = readModelConfig(folder.config);
  const architecture = ggufArchitecture(config);
  const rope = ggufRope(config, folder.config, architecture);
  const tokenizer = ggufTokenizer(folder, config.vocab_size);
  const hyperparameters = ggufHyperparameters(config, architecture);
  const general: [string, GgufValue][] = [
    ["architecture", { type: "string", value: architecture.name }],
    ["type", { type: "string", value: "model" }],
    ["name", { type: "string", value: name }],
    ["file_type", { type: "uint32", value: GGUF_FILE_TYPES[type].number }],
    ["quantization_version", { type: "uint32", value: QUANTIZATION_VERSION }],
  ];
  const sources = ggufSources(config, folder.weights, type);
  const { divisors } = rope;
  return {
    sources: divisors ? [frequencies(divisors), ...sources] : sources,
    metadata: new Map<string, GgufValue>([
      ...general.map(([key, value]) => [`general.${key}`, value] as const),
      ...hyperparameters.metadata,
      ...rope.metadata,
      ...tokenizer.metadata,
    ]),
    addsBos: tokenizer.addsBos,
    notes: [...hyperparameters.notes, ...otherTypes(sources)],
  };
}

/** Says which tensors have another type because their rows are no whole blocks. */
function otherTypes(sources: readonly GgufSource[]): string[] {
  const others = Map.groupBy(
    sources.filter(({ type, wanted }) => type !== wanted),
    ({ type, wanted }) =>
      `${type.toLowerCase()} in place of ${wanted.toLowerCase()}`,
  );
  return [...others].map(([what, tensors]) => {
    const names = tensors.map(({ name }) =>
      name.replace(/^blk\.\d+\./, "blk.*.")
    );
    const elements = GGUF_TYPES[tensors[0]!.wanted].elements;
    return `rows that are no multiple of ${elements} numbers are ${what}: ${
      [...new Set(names)].join(", ")
    }`;
  });
}

function frequencies(divisors: Float32Array<ArrayBuffer>): GgufSource {
  return {
    name: "rope_freqs.weight",
    type: "F32",
    wanted: "F32",
    shape: [divisors.length],
    async *pieces() {
      yield await Promise.resolve(divisors);
    },
  };
}

function bytesOf(sources: readonly GgufSource[]): number {
  return sources.reduce(
    (sum, { type, shape }) => sum + ggufBytes(type, elementCount(shape)),
    0,
  );
}

function countTypes(
  sources: readonly GgufSource[],
): Partial<Record<GgufType, number>> {
  const counts: Partial<Record<GgufType, number>> = {};
  for (const { type } of sources) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

/** The bytes of each tensor, with a report of how many are written. */
function written(
  sources: readonly GgufSource[],
  { onWrite, signal }: ExportGgufHooks,
) {
  const byName = new Map(sources.map((source) => [source.name, source]));
  const total = bytesOf(sources);
  let done = 0;
  return async function* ({ name }: { readonly name: string }) {
    const { type, pieces } = byName.get(name)!;
    for await (const piece of pieces()) {
      signal?.throwIfAborted();
      const bytes = toGguf(piece, type);
      yield bytes;
      done += bytes.length;
      onWrite?.(done, total);
    }
  };
}

/** Adds up the compared numbers and reports them. */
function counted(
  sources: readonly GgufSource[],
  { onCheck, signal }: ExportGgufHooks,
) {
  const total = sources.reduce(
    (sum, { shape }) => sum + elementCount(shape),
    0,
  );
  let done = 0;
  return (numbers: number) => {
    signal?.throwIfAborted();
    done += numbers;
    onCheck?.(done, total);
  };
}
