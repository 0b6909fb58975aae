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
import { type HubAccess, hubFetch, reason } from "./request.ts";
import { PartFile } from "./part_file.ts";
import { HubError, retrying, type RetryOptions } from "./retry.ts";

/** A file to download. */
export interface DownloadTarget extends Expected {
  /** Address of the file. */
  readonly url: string;
  /** Path of the downloaded file. */
  readonly path: string;
}

/** How files are downloaded. */
export interface DownloadOptions extends RetryOptions {
  /** The hub, with the token that may be sent only to it. */
  readonly access: HubAccess;
  /** Stops the download; the bytes so far are kept for the next time. */
  readonly signal?: AbortSignal;
  /** Called as bytes arrive; with fewer bytes than before if a file starts again. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
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
  throw again(target, fault);
}

const again = ({ url }: DownloadTarget, fault: string) =>
  new HubError(`Cannot download "${url}": ${fault}`, { retry: true });

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
  const idle = idleAbort(options.idle ?? 60_000);
  const signals = [idle.signal, ...(options.signal ? [options.signal] : [])];
  try {
    const response = await hubFetch(target.url, options.access, {
      headers: { "accept-encoding": "identity", ...rangeHeaders(part) },
      signal: AbortSignal.any(signals),
    });
    const total = await begin(part, response, target);
    if (total === "whole") return;
    const wanted = total ?? target.size;
    await stream(part, response, { ...options, wanted, touch: idle.touch });
    await checkLength(part, target, wanted);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof TypeError || idle.signal.aborted) {
      throw again(target, `cut after ${part.bytes} bytes, ${reason(error)}`);
    }
    throw error;
  } finally {
    idle.stop();
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
  throw again(target, `found more than ${wanted} bytes`);
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
  const fail = async (fault: string) => {
    await response.body?.cancel();
    await part.restart();
    return again(target, fault);
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
  readonly touch: () => void;
}

/** Appends the body, at most one piece beyond its expected end. */
async function stream(
  part: PartFile,
  response: Response,
  { wanted, touch, onProgress }: StreamOptions,
): Promise<void> {
  onProgress?.(part.bytes, wanted);
  for await (const bytes of response.body ?? []) {
    touch();
    await part.append(bytes);
    onProgress?.(part.bytes, wanted);
    if (part.bytes > (wanted ?? Infinity)) return;
  }
}

/** A signal that aborts if `touch` was not called for the given time. */
function idleAbort(milliseconds: number) {
  const controller = new AbortController();
  const fire = () =>
    controller.abort(
      new TypeError(`no byte came for ${milliseconds / 1000} seconds`),
    );
  let timer = setTimeout(fire, milliseconds);
  return {
    signal: controller.signal,
    touch() {
      clearTimeout(timer);
      timer = setTimeout(fire, milliseconds);
    },
    stop: () => clearTimeout(timer),
  };
}
