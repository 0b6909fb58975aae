/**
 * Hashes of bytes that come in pieces. Web Crypto hashes only what is whole in memory, so this is
 * Node's: the web has no twin of it.
 */
import { createHash } from "node:crypto";

/** A hash that grows; it cannot be used after its digest. */
export interface Hash {
  update(piece: string | Uint8Array | Uint32Array): Hash;
  /** All that was given, as text. */
  digest(encoding: "hex" | "base64"): string;
}

/** Starts a hash of nothing. */
export function startHash(algorithm: "sha256" | "sha1"): Hash {
  return createHash(algorithm);
}
