/**
 * Hashes bytes that come in pieces: by Node's crypto module where there is one, else, as on a page,
 * by a library in JavaScript. The Web Crypto API can only hash data that is completely in memory.
 */
import { sha1 } from "@noble/hashes/legacy";
import { sha256 } from "@noble/hashes/sha2";

/** A hash to which bytes are added. It cannot be used after `digest()`. */
export interface Hash {
  update(piece: string | Uint8Array | Uint32Array): Hash;
  /** Another hash of the bytes so far, to which others can be added. */
  copy(): Hash;
  /** The hash of all bytes so far, as text. */
  digest(encoding: "hex" | "base64"): string;
}

type Algorithm = "sha256" | "sha1";

/** The part of Node's crypto module that is needed. */
interface NodeCrypto {
  createHash(algorithm: Algorithm): Hash;
}

/** Where Node's modules are, without an import that a page could not resolve. */
interface NodeProcess {
  getBuiltinModule?(name: "crypto"): NodeCrypto | undefined;
}

function nodeCrypto(): NodeCrypto | undefined {
  try {
    return (globalThis as { readonly process?: NodeProcess }).process
      ?.getBuiltinModule?.("crypto");
  } catch {
    return undefined; // a process object without its platform
  }
}

const native = nodeCrypto();

/** Starts a hash without any bytes. */
export function startHash(algorithm: Algorithm): Hash {
  return native?.createHash(algorithm) ?? startPlainHash(algorithm);
}

/** The same in JavaScript alone. */
export function startPlainHash(algorithm: Algorithm): Hash {
  return plainHash(algorithm === "sha256" ? sha256.create() : sha1.create());
}

type Inner = ReturnType<typeof sha256.create> | ReturnType<typeof sha1.create>;

function plainHash(inner: Inner): Hash {
  const hash: Hash = {
    update(piece) {
      inner.update(bytesOf(piece));
      return hash;
    },
    copy: () => plainHash(inner.clone()),
    digest(encoding) {
      const bytes = new Uint8Array(inner.digest());
      return encoding === "hex" ? bytes.toHex() : bytes.toBase64();
    },
  };
  return hash;
}

function bytesOf(piece: string | Uint8Array | Uint32Array): Uint8Array {
  if (typeof piece === "string") return new TextEncoder().encode(piece);
  return new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
}
