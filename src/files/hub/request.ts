/**
 * Requests to a hub. Redirects are followed by hand, so that the token goes to the hub's own host
 * only and never to the storage host that a file's address leads to.
 */
import { formatBytes } from "../../base/units.ts";
import { watchConnection } from "./connection_watch.ts";
import { askedWait, HubError, retrying, type RetryOptions } from "./retry.ts";

/** How to reach a hub. */
export interface HubAccess {
  /** Address without a slash at its end. */
  readonly endpoint: string;
  /** Sent to the endpoint's origin only: the token. */
  readonly privateHeaders: Readonly<Record<string, string>>;
}

/** What a single request adds. */
export interface HubRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

const MAX_REDIRECTS = 10;

/**
 * The endpoint of a hub, checked.
 *
 * @throws TypeError if it is no http or https address.
 */
export function checkEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") {
    return endpoint.replace(/\/+$/, "");
  }
  throw new TypeError(
    `Cannot use endpoint "${endpoint}": expected an address such as "https://huggingface.co"`,
  );
}

/**
 * Requests an address of a hub.
 *
 * @returns a response with status 200, 206 or 416; its body is to be read or cancelled
 * @throws HubError for any other status and for network faults.
 */
export async function hubFetch(
  address: string,
  access: HubAccess,
  { headers = {}, signal }: HubRequest = {},
): Promise<Response> {
  let url = new URL(address);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const own = url.origin === new URL(access.endpoint).origin;
    const response = await send(url, {
      headers: { ...headers, ...(own && access.privateHeaders) },
      redirect: "manual",
      ...(signal && { signal }),
    });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status > 399 || location === null) {
      if ([200, 206, 416].includes(response.status)) return response;
      throw await refusal(response, url, access);
    }
    await response.body?.cancel();
    url = nextHop(url, withoutToken(location, access));
  }
  throw new HubError(
    `Cannot reach "${
      shown(new URL(address))
    }": more than ${MAX_REDIRECTS} redirects`,
    { retry: false },
  );
}

async function send(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new HubError(`Cannot reach "${shown(url)}": ${reason(error)}`, {
      retry: true,
    });
  }
}

/** The innermost reason of a network fault. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reason(error.cause) : error.message;
}

/** An address without its query: storage hosts put signatures there. */
export function shown(url: URL): string {
  return url.origin + url.pathname;
}

/** A shorter word may stand anywhere by chance, and is no secret. */
const SHORTEST = 8;

/** The token as a hub knows it; undefined if none is sent. */
function tokenOf({ privateHeaders }: HubAccess): string | undefined {
  const token = privateHeaders["authorization"]?.replace(/^Bearer /, "") ?? "";
  return token.length < SHORTEST ? undefined : token;
}

/** Words of a hub, which may repeat the token that it was sent. */
export function withoutToken(words: string, access: HubAccess): string {
  const token = tokenOf(access);
  return token === undefined ? words : words.replaceAll(token, "TOKEN");
}

function nextHop(from: URL, location: string): URL {
  const url = URL.canParse(location, from) ? new URL(location, from) : from;
  // they would be sent as a password
  if (url !== from) url.username = url.password = "";
  const downgrade = from.protocol === "https:" && url.protocol !== "https:";
  if (url !== from && !downgrade && /^https?:$/.test(url.protocol)) return url;
  throw new HubError(
    `Cannot reach "${shown(from)}": it redirects to "${
      location.replace(/[?#].*/s, "")
    }"`,
    { retry: false },
  );
}

const ADVICE: Readonly<Record<number, string>> = {
  401:
    "it is private, gated or not there: check its name, accept its terms on its page and pass a token (HF_TOKEN, --token)",
  403: "the token may not read it: accept its terms on its page first",
  404: "no such repository, revision or file",
};

async function refusal(
  response: Response,
  url: URL,
  access: HubAccess,
): Promise<HubError> {
  await response.body?.cancel();
  const { status } = response;
  const advice = ADVICE[status] ?? withoutToken(response.statusText, access);
  return new HubError(
    `Cannot download "${shown(url)}": status ${status}, ${advice}`,
    {
      retry: status === 408 || status === 429 || status >= 500,
      wait: askedWait(response.headers),
    },
  );
}

/** How patiently the answers of a hub's API are awaited. */
export interface AnswerOptions extends RetryOptions {
  /** Milliseconds without a byte after which a connection counts as broken; default 9,000. */
  readonly idle?: number;
}

/**
 * Limits of an answer of a hub's API: it is small, and comes within seconds. The field's own client
 * (huggingface_hub) gives up after 10 s without a byte; so does this one, after one try, since
 * nothing is lost by asking for a listing again.
 */
export const ANSWER = {
  idle: 9_000, // ms
  total: 60_000, // ms
  floor: 100, // bytes a second
  bytes: 16 * 2 ** 20,
};
/** Tries of an answer that does not come: whoever waits should hear of it within 10 s. */
const SILENT_TRIES = 1;

/** An answer of a hub's API. */
export interface HubAnswer {
  readonly value: unknown;
  readonly headers: Headers;
}

/**
 * The JSON that an address of a hub gives, with retries.
 *
 * @throws {HubError} also if it is no JSON, too long, or does not come
 */
export function hubJson(
  address: string,
  access: HubAccess,
  options: AnswerOptions,
): Promise<HubAnswer> {
  const where = shown(new URL(address));
  return retrying(async () => {
    options.signal?.throwIfAborted();
    using watch = watchConnection({
      idle: Math.min(options.idle ?? ANSWER.idle, ANSWER.idle),
      total: ANSWER.total,
      floor: ANSWER.floor,
    });
    const fail = (fault: string, how: { retry: boolean; tries?: number }) =>
      new HubError(`Cannot read the answer of "${where}": ${fault}`, how);
    const signals = [watch.signal, ...options.signal ? [options.signal] : []];
    try {
      const response = await hubFetch(address, access, {
        headers: { accept: "application/json" },
        signal: AbortSignal.any(signals),
      });
      const text = await cappedText(response, watch.touch);
      return { value: JSON.parse(text), headers: response.headers };
    } catch (error) {
      options.signal?.throwIfAborted();
      if (watch.signal.aborted) {
        const fault = `${reason(watch.signal.reason)}; try again later`;
        throw fail(fault, { retry: true, tries: SILENT_TRIES });
      }
      if (error instanceof HubError) throw error;
      if (error instanceof SyntaxError) {
        throw fail("it is no JSON", { retry: true, tries: 2 });
      }
      if (!(error instanceof TypeError)) throw error;
      throw fail(reason(error), { retry: true });
    }
  }, options);
}

/**
 * The text of an answer of a hub's API.
 *
 * @throws {HubError} if it is longer than any that a hub gives
 */
export async function cappedText(
  response: Response,
  touch: (bytes: number) => void = () => {},
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    touch(piece.length);
    bytes += piece.length;
    if (bytes > ANSWER.bytes) {
      const where = response.url === ""
        ? "the hub"
        : `"${shown(new URL(response.url))}"`;
      throw new HubError(
        `Cannot read the answer of ${where}: it is longer than ${
          formatBytes(ANSWER.bytes)
        }`,
        { retry: false },
      );
    }
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}
