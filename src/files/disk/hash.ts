/**
 * Hashes bytes that come in pieces, by Node's crypto module. The Web Crypto API can only hash data
 * that is completely in memory.
 */
import { createHash } from "node:crypto";

/** A hash to which bytes are added. It cannot be used after `digest()`. */
export interface Hash {
  update(piece: string | Uint8Array | Uint32Array): Hash;
  /** Another hash of the bytes so far, to which others can be added. */
  copy(): Hash;
  /** The hash of all bytes so far, as text. */
  digest(encoding: "hex" | "base64"): string;
}

/** Starts a hash without any bytes. */
export function startHash(algorithm: "sha256" | "sha1"): Hash {
  return createHash(algorithm);
}
