/**
 * Reads a GGUF file back and compares it with its sources: all metadata, the name, type and shape
 * of every tensor, and every number within the rounding error of its type.
 */
import {
  ggufBytes,
  type GgufMetadata,
  type GgufValue,
} from "../../files/gguf/gguf.ts";
import { firstBeyondBound, fromGguf } from "../../files/gguf/gguf_blocks.ts";
import { type Gguf, openGguf } from "../../files/gguf/gguf_reader.ts";
import type { GgufSource } from "./gguf_tensors.ts";

/**
 * Compares a file with its sources.
 *
 * @param onPiece called with the count of the compared numbers
 * @throws {RangeError} naming everything that differs
 */
export async function checkGguf(
  path: string,
  metadata: GgufMetadata,
  sources: readonly GgufSource[],
  onPiece: (numbers: number) => void = () => {},
): Promise<void> {
  const file = await openGguf(path);
  const problems = [
    ...metadataProblems(file, metadata),
    ...tensorProblems(file, sources),
  ];
  if (problems.length === 0) {
    for (const source of sources) {
      const problem = await numbersProblem(file, source, onPiece);
      if (problem !== undefined) problems.push(problem);
    }
  }
  if (problems.length === 0) return;
  throw new RangeError(
    `Cannot export as GGUF: read back, ${problems.slice(0, 8).join("; ")}`,
  );
}

function metadataProblems(file: Gguf, wanted: GgufMetadata): string[] {
  const names = new Set([...wanted.keys(), ...file.metadata.keys()]);
  return [...names].filter((name) => {
    const value = wanted.get(name);
    const found = JSON.stringify(file.metadata.get(name));
    return !value || JSON.stringify(asStored(value)) !== found;
  }).map((name) => `"${name}" is not what was written`);
}

function asStored(value: GgufValue): unknown {
  const plain = "list" in value ? value.list : value.value;
  if (value.type !== "float32") return plain;
  return "list" in value
    ? value.list.map(Math.fround)
    : Math.fround(value.value);
}

function tensorProblems(file: Gguf, sources: readonly GgufSource[]): string[] {
  const problems = sources.filter(({ name, type, shape }) => {
    const found = file.tensors.get(name);
    return found?.type !== type || found.shape.join() !== shape.join();
  }).map(({ name, type, shape }) =>
    `tensor "${name}" is not ${type} [${shape.join(", ")}]`
  );
  return file.tensors.size === sources.length ? problems : [
    ...problems,
    `it has ${file.tensors.size} tensors, expected ${sources.length}`,
  ];
}

async function numbersProblem(
  file: Gguf,
  { name, type, pieces }: GgufSource,
  onPiece: (numbers: number) => void,
): Promise<string | undefined> {
  let done = 0;
  for await (const piece of pieces()) {
    const bytes = ggufBytes(type, piece.length);
    const stored = await file.read(name, ggufBytes(type, done), bytes);
    const restored = fromGguf(stored, type);
    const at = firstBeyondBound(piece, restored, type);
    if (at !== undefined) {
      return `tensor "${name}" has ${restored[at]} at ${
        done + at
      } where the model has ${piece[at]}, more apart than ${type} explains`;
    }
    done += piece.length;
    onPiece(piece.length);
  }
  return undefined;
}
