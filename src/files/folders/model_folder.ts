/**
 * Opens a model's folder in Hugging Face layout: its JSON files, its chat template and its weights.
 * Knows the names of files, but not their contents.
 */
import { dirname, join } from "@std/path";
import { type JsonObject, readJsonObjectIfThere } from "../disk/json_file.ts";
import type { TensorReader } from "../safetensors/safetensors.ts";
import { fileNames, openWeights } from "../safetensors/weights.ts";
import { MODEL_FILE } from "../file_names.ts";
import { disk, NotFound } from "../disk.ts";
import { type ChatTemplates, readChatTemplates } from "./chat_templates.ts";
import {
  configOfFloats,
  unpackedWeights,
} from "../stored_codes/unpacked_weights.ts";
import { adapterAsModel } from "./adapter_as_model.ts";
import { configByHead } from "./own_head.ts";
import { configByNames } from "./own_names.ts";
import { checkWrittenWeights, tellChangedTexts } from "./written_files.ts";

/** The files of a tokenizer and its chat templates in a folder. */
export interface TokenizerFiles extends ChatTemplates {
  /** The folder. */
  readonly path: string;
  /** `tokenizer.json` */
  readonly tokenizer?: JsonObject;
  /** `tokenizer_config.json` */
  readonly tokenizerConfig?: JsonObject;
  /** `special_tokens_map.json` */
  readonly specialTokensMap?: JsonObject;
}

/** The files of a model's folder except its weights. */
export interface ModelFiles extends TokenizerFiles {
  /**
   * `config.json`; it ties no head to the embedding that differs from it in the weights, tells how
   * these name a text model that is a part of the model, and says nothing of a quantization whose
   * weights are served as floats.
   */
  readonly config: JsonObject;
  /** `generation_config.json` */
  readonly generationConfig?: JsonObject;
}

/** A model's folder with weights. */
export interface ModelFolder extends ModelFiles {
  /** The model's tensors. */
  readonly weights: TensorReader;
}

/**
 * Reads a model's folder without its weights; a `config.json` alone is enough.
 *
 * @throws NotFound if folder or `config.json` are missing, SyntaxError for broken JSON.
 */
export async function openModelFiles(path: string): Promise<ModelFiles> {
  const files = await openTokenizerFiles(path);
  const generationConfig = await generationConfigOf(path);
  return {
    ...files,
    config: await configByNames(
      path,
      await configByHead(path, configOfFloats(await requireConfig(path))),
    ),
    ...(generationConfig && { generationConfig }),
  };
}

/** The parsed generation_config.json of a folder; undefined if it has none. */
export async function generationConfigOf(
  path: string,
): Promise<JsonObject | undefined> {
  return await readJsonObjectIfThere(join(path, MODEL_FILE.generationConfig));
}

/**
 * Reads the tokenizer and the template of a folder that may hold nothing else.
 *
 * @throws NotFound if the folder is missing, SyntaxError for broken JSON.
 */
export async function openTokenizerFiles(
  path: string,
): Promise<TokenizerFiles> {
  await checkFolder(path, "model");
  await tellChangedTexts(path);
  const optional = (name: string) => readJsonObjectIfThere(join(path, name));
  const tokenizer = await optional(MODEL_FILE.tokenizer);
  const tokenizerConfig = await optional(MODEL_FILE.tokenizerConfig);
  const specialTokensMap = await optional(MODEL_FILE.specialTokensMap);
  return {
    path,
    ...(tokenizer && { tokenizer }),
    ...(tokenizerConfig && { tokenizerConfig }),
    ...(specialTokensMap && { specialTokensMap }),
    ...await readChatTemplates(path, tokenizerConfig),
  };
}

/** The path of a config.json that was named by its own path or by its folder's, and that folder. */
export async function modelConfigPath(
  fileOrFolder: string,
): Promise<{ readonly path: string; readonly folder: string }> {
  if (fileOrFolder.endsWith(".json")) {
    return { path: fileOrFolder, folder: dirname(fileOrFolder) };
  }
  await checkFolder(fileOrFolder, "model");
  return { path: join(fileOrFolder, MODEL_FILE.config), folder: fileOrFolder };
}

/**
 * Opens a model's folder: reads its JSON files, checks the headers of its weights.
 *
 * @throws as `openModelFiles()`, and where the weights are missing, pickled, damaged or not those
 * that were written there.
 */
export async function openModelFolder(path: string): Promise<ModelFolder> {
  const files = await openModelFiles(path);
  const weights = await openModelWeights(path);
  if (weights !== undefined) {
    await checkWrittenWeights(path);
    return { ...files, weights };
  }
  const found = await adapterAsModel(path) ??
    'it has neither "model.safetensors" nor "model.safetensors.index.json"';
  throw new NotFound(`Cannot load model "${path}": ${found}`);
}

/**
 * The weights of a model's folder as floats, whatever codes it keeps; undefined if it has none.
 *
 * @throws as `openWeights()`, and TypeError for a quantized checkpoint that is not served
 */
export async function openModelWeights(
  path: string,
): Promise<TensorReader | undefined> {
  const weights = await openWeights(path);
  const config = await readJsonObjectIfThere(join(path, MODEL_FILE.config));
  return weights && config ? await unpackedWeights(weights, config) : weights;
}

async function requireConfig(path: string): Promise<JsonObject> {
  const file = join(path, MODEL_FILE.config);
  const config = await readJsonObjectIfThere(file);
  if (config !== undefined) return config;
  const adapter = await adapterAsModel(path);
  throw new NotFound(
    adapter === undefined
      ? `Cannot read "${file}": no such file`
      : `Cannot load model "${path}": ${adapter}`,
  );
}

/**
 * The parsed `tokenizer.json` of a model's folder.
 *
 * @throws NotFound telling what the folder has instead.
 */
export async function requireTokenizer(
  files: TokenizerFiles,
): Promise<JsonObject> {
  if (files.tokenizer !== undefined) return files.tokenizer;
  const others = (await fileNames(files.path)).filter((name) =>
    ["vocab.json", "merges.txt", "vocab.txt"].includes(name) ||
    name.endsWith(".model")
  );
  const found = others.length === 0
    ? ""
    : `, found only "${others.join('", "')}" of the older layout`;
  throw new NotFound(
    `Cannot read the tokenizer of "${files.path}": "tokenizer.json" is missing${found}; take it from a newer revision of the model`,
  );
}

/** Fails with one line unless `path` is a folder. */
export async function checkFolder(path: string, what: string): Promise<void> {
  const info = await disk().stat(path).catch((error) => {
    if (!(error instanceof NotFound)) throw error;
    throw new NotFound(
      `Cannot load ${what} "${path}": no such folder`,
    );
  });
  if (info.isDirectory) return;
  throw new TypeError(
    `Cannot load ${what} "${path}": found a file, expected a folder`,
  );
}
