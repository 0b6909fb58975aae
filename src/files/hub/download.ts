/**
 * Downloads one file. It resumes an interrupted download, checks the bytes as they arrive, and
 * renames the file when it is complete.
 */
import {
  difference,
  type Expected,
  type Measured,
  measureFile,
} from "./checksum.ts";
import { watchConnection } from "./connection_watch.ts";
import { type HubAccess, hubFetch, reason, shown } from "./request.ts";
import { PartFile } from "./part_file.ts";
import { HubError, retrying, type RetryOptions } from "./retry.ts";

/** A file to download. */
export interface DownloadTarget extends Expected {
  /** Address of the file. */
  readonly url: string;
  /** Path of the downloaded file. */
  readonly path: string;
}

/** How files are downloaded; `signal` stops it, and the bytes so far are kept for the next time. */
export interface DownloadOptions extends RetryOptions {
  /** The hub, with the token that may be sent only to it. */
  readonly access: HubAccess;
  /** Called as bytes arrive; with fewer bytes than before if a file starts again. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
  /**
   * Called if a file lies at the path that is not the one that is wanted; throws if it may not be
   * replaced.
   */
  readonly onReplace?: () => Promise<void>;
  /** Milliseconds without a byte after which a connection counts as broken; default 60,000. */
  readonly idle?: number;
}

/** The result of a download. */
export interface Downloaded extends Measured {
  /** Path of the file. */
  readonly path: string;
  /** Whether the file existed before, complete and correct. */
  readonly kept: boolean;
}

/**
 * Downloads a file, unless it exists already with the expected size and hash.
 *
 * @throws {HubError} if the hub refuses the file, or if it is wrong or incomplete after all tries
 */
export async function downloadFile(
  target: DownloadTarget,
  options: DownloadOptions,
): Promise<Downloaded> {
  const { path, size } = target;
  const there = await measureFile(path, size);
  const known = target.size ?? target.sha256 ?? target.gitOid;
  if (
    there !== undefined && known !== undefined &&
    difference(there, target) === undefined
  ) {
    options.onProgress?.(there.size, there.size);
    return { path, kept: true, ...there };
  }
  if (there !== undefined) await options.onReplace?.();
  let furthest = 0;
  const measured = await retrying(
    async () => {
      using part = await PartFile.open(path, size);
      try {
        if (part.bytes === 0 || part.bytes !== size) {
          await fetchInto(part, target, options);
        }
      } finally {
        furthest = Math.max(furthest, part.bytes);
      }
      return await finish(part, target);
    },
    options,
    () => furthest,
  );
  return { path, kept: false, ...measured };
}

/** Checks a complete part and renames it; a wrong one is removed. */
async function finish(
  part: PartFile,
  target: DownloadTarget,
): Promise<Measured> {
  const measured = part.measure();
  const fault = difference(measured, target);
  if (fault === undefined) {
    await part.finish();
    return measured;
  }
  await part.restart();
  throw again(target, fault, WRONG_TRIES);
}

/** Most tries of a file that came whole and wrong: what is wrong twice stays wrong. */
const WRONG_TRIES = 2;
/** Most tries of a connection that is too slow. */
const SLOW_TRIES = 3;
/** Bytes a second below which a connection counts as broken. */
const FLOOR = 1000;

function again(
  { url }: DownloadTarget,
  fault: string,
  tries = Infinity,
): HubError {
  const address = shown(new URL(url)) + new URL(url).search;
  return new HubError(`Cannot download "${address}": ${fault}`, {
    retry: true,
    tries,
  });
}

/**
 * Requests the missing bytes of a part and appends them. Errors of the network are marked to be
 * tried again.
 */
async function fetchInto(
  part: PartFile,
  target: DownloadTarget,
  options: DownloadOptions,
): Promise<void> {
  if (!canResume(part, target)) await part.restart();
  using watch = watchConnection({
    idle: options.idle ?? 60_000,
    floor: FLOOR,
  });
  const signals = [watch.signal, ...(options.signal ? [options.signal] : [])];
  try {
    const response = await hubFetch(target.url, options.access, {
      headers: { "accept-encoding": "identity", ...rangeHeaders(part) },
      signal: AbortSignal.any(signals),
    });
    const total = await begin(part, response, target);
    if (total === "whole") return;
    const wanted = total ?? target.size;
    await stream(part, response, { ...options, wanted, touch: watch.touch });
    await checkLength(part, target, wanted);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (watch.signal.aborted) {
      throw again(
        target,
        `cut after ${part.bytes} bytes, ${reason(watch.signal.reason)}`,
        watch.isSlow ? SLOW_TRIES : undefined,
      );
    }
    if (!(error instanceof TypeError)) throw error;
    throw again(target, `cut after ${part.bytes} bytes, ${reason(error)}`);
  }
}

async function checkLength(
  part: PartFile,
  target: DownloadTarget,
  wanted: number | undefined,
): Promise<void> {
  if (wanted === undefined || part.bytes === wanted) return;
  if (part.bytes < wanted) {
    throw again(target, `cut after ${part.bytes} of ${wanted} bytes`);
  }
  await part.restart();
  throw again(target, `found more than ${wanted} bytes`, WRONG_TRIES);
}

/**
 * Whether a part may be continued: its version is known, or a hash will show at the end whether it
 * is correct.
 */
function canResume(part: PartFile, target: DownloadTarget): boolean {
  if (part.bytes === 0) return true;
  if (target.size !== undefined && part.bytes > target.size) return false;
  return isStrong(part.etag) || target.sha256 !== undefined;
}

const isStrong = (etag: string | undefined) =>
  etag !== undefined && !etag.startsWith("W/");

function rangeHeaders(part: PartFile): Record<string, string> {
  if (part.bytes === 0) return {};
  const range = { range: `bytes=${part.bytes}-` };
  return isStrong(part.etag) ? { ...range, "if-range": part.etag! } : range;
}

/**
 * Reads the head of the response and prepares the part for its bytes.
 *
 * @returns the size of the whole file if the server gives it; "whole" if no bytes are missing
 */
async function begin(
  part: PartFile,
  response: Response,
  target: DownloadTarget,
): Promise<number | undefined | "whole"> {
  const etag = response.headers.get("etag") ?? undefined;
  const range = contentRange(response);
  const fail = async (fault: string, tries?: number) => {
    await response.body?.cancel();
    await part.restart();
    return again(target, fault, tries);
  };
  if (response.status === 416) {
    if (range?.total !== part.bytes) throw await fail("the range is gone");
    await response.body?.cancel();
    return "whole";
  }
  if (response.status === 206) {
    const changed = part.etag !== undefined && etag !== part.etag;
    if (range?.begin !== part.bytes || changed) {
      throw await fail("it changed since the last try");
    }
  } else await part.restart(etag); // the file is new, or the server ignored the range
  const length = Number(response.headers.get("content-length") ?? NaN);
  const total = response.status === 206
    ? range?.total
    : Number.isFinite(length)
    ? length
    : undefined;
  if (total !== undefined && total !== (target.size ?? total)) {
    throw await fail(
      `its server offers ${total} bytes, the hub lists ${target.size}`,
      WRONG_TRIES,
    );
  }
  return total;
}

/** `bytes 5-9/10` or `bytes *\/10`. */
function contentRange(
  response: Response,
): { begin?: number; total?: number } | undefined {
  const match = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(
    response.headers.get("content-range") ?? "",
  );
  if (match === null) return undefined;
  const [, begin, total] = match;
  return {
    ...(begin !== undefined && { begin: Number(begin) }),
    ...(total !== "*" && { total: Number(total) }),
  };
}

interface StreamOptions extends DownloadOptions {
  readonly wanted: number | undefined;
  readonly touch: (bytes: number) => void;
}

/** Appends the body, at most one piece beyond its expected end. */
async function stream(
  part: PartFile,
  response: Response,
  { wanted, touch, onProgress }: StreamOptions,
): Promise<void> {
  onProgress?.(part.bytes, wanted);
  for await (const bytes of response.body ?? []) {
    touch(bytes.length);
    await part.append(bytes);
    onProgress?.(part.bytes, wanted);
    if (part.bytes > (wanted ?? Infinity)) return;
  }
}
