/**
 * The stage of the tests of downloadRepo(): the files of a model and a call with their defaults.
 */
import {
  downloadRepo,
  type DownloadRepoOptions,
} from "../../../src/files/hub/download_repo.ts";
import type { Repo } from "../../../src/files/hub/repo.ts";
import { TEMPORARY, type TemporaryFolder } from "../../temporary_folder.ts";
import type { FakeFile, FakeHub } from "./fake_hub.ts";

export const OPTIONS = {
  permissions: { net: ["127.0.0.1"], read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

export const bytes = (text: string) => new TextEncoder().encode(text);
export const CONFIG = bytes("{}");
export const WEIGHTS = Uint8Array.from({ length: 5000 }, (_, i) => i & 255);

export const FILES: Record<string, FakeFile> = {
  "config.json": { data: CONFIG },
  "tokenizer.json": { data: bytes('{"a":1}') },
  "model.safetensors": { data: WEIGHTS, lfs: true, redirected: true },
  "pytorch_model.bin": { data: WEIGHTS, lfs: true },
  "original/consolidated.safetensors": { data: WEIGHTS, lfs: true },
  "consolidated.safetensors": { data: WEIGHTS, lfs: true },
  "README.md": { data: bytes("# hi") },
};

export const SOURCES = ["huggingface", "modelscope"] as const;

export function download(
  hub: FakeHub,
  folder: TemporaryFolder,
  { repo, ...options }: DownloadRepoOptions & { repo?: Partial<Repo> } = {},
) {
  return downloadRepo(
    { source: "huggingface", kind: "model", name: "owner/name", ...repo },
    {
      endpoint: hub.endpoint,
      folder: folder.file("repo"),
      retries: 2,
      delay: () => Promise.resolve(),
      ...options,
    },
  );
}
