/**
 * Downloading one file: resumed where an earlier try was cut, checked while it streams, renamed
 * when whole.
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
  /** Where it goes. */
  readonly path: string;
}

/** How to download. */
export interface DownloadOptions extends RetryOptions {
  /** The hub, and what may be sent to it only. */
  readonly access: HubAccess;
  /** Stops the download; what is there stays for the next time. */
  readonly signal?: AbortSignal;
  /** Called as bytes come in, also with fewer than before when a file starts over. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
  /** Milliseconds without a byte after which a connection counts as cut; 60,000 by default. */
  readonly idle?: number;
}

/** What became of a download. */
export interface Downloaded extends Measured {
  /** Where the file is. */
  readonly path: string;
  /** Whether the file was there already, whole and right. */
  readonly kept: boolean;
}

/**
 * Downloads a file, unless it is there already with the size and hash that are expected.
 *
 * @throws HubError if the hub refuses it, or if it stays wrong or cut after all tries.
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

/** Checks a whole part and gives it its name; a wrong one is thrown away. */
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
 * Requests what is missing of a part and appends it; network faults become errors to be tried
 * again.
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

/** Bytes may be continued if their version is known, or if a hash will tell at the end. */
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
 * Reads the response's head and brings the part in line with it.
 *
 * @returns the file's total bytes if the server tells; "whole" if nothing is missing
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
  } else await part.restart(etag); // new, or the server ignored the range
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

/** Appends the body, no further than one piece past its wanted end. */
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

/** A signal that fires when `touch` was not called for so long. */
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
