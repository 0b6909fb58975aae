/**
 * Requests to a hub. Redirects are followed by hand, so that the token goes to the hub's own host
 * only and never to the storage host that a file's address leads to.
 */
import { HubError, retrying, type RetryOptions } from "./retry.ts";

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
      throw await refusal(response, url);
    }
    await response.body?.cancel();
    url = nextHop(url, location);
  }
  throw new HubError(
    `Cannot reach "${address}": more than ${MAX_REDIRECTS} redirects`,
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
function shown(url: URL): string {
  return url.origin + url.pathname;
}

function nextHop(from: URL, location: string): URL {
  const url = URL.canParse(location, from) ? new URL(location, from) : from;
  const downgrade = from.protocol === "https:" && url.protocol !== "https:";
  if (url !== from && !downgrade && /^https?:$/.test(url.protocol)) return url;
  throw new HubError(
    `Cannot reach "${shown(from)}": it redirects to "${location}"`,
    { retry: false },
  );
}

const ADVICE: Readonly<Record<number, string>> = {
  401:
    "it is private, gated or not there: check its name, accept its terms on its page and pass a token (HF_TOKEN, --token)",
  403: "the token may not read it: accept its terms on its page first",
  404: "no such repository, revision or file",
};

async function refusal(response: Response, url: URL): Promise<HubError> {
  await response.body?.cancel();
  const { status } = response;
  const retry = status === 408 || status === 429 || status >= 500;
  const seconds = Number(response.headers.get("retry-after") ?? 0);
  const advice = ADVICE[status] ?? response.statusText;
  return new HubError(
    `Cannot download "${shown(url)}": status ${status}, ${advice}`,
    { retry, wait: Number.isFinite(seconds) ? seconds * 1000 : 0 },
  );
}

/**
 * The JSON that an address of a hub gives, with retries.
 *
 * @throws HubError also if it is no JSON.
 */
export function hubJson(
  address: string,
  access: HubAccess,
  retry: RetryOptions,
): Promise<unknown> {
  return retrying(async () => {
    const response = await hubFetch(address, access, {
      headers: { accept: "application/json" },
    });
    try {
      return await response.json();
    } catch (error) {
      throw new HubError(
        `Cannot read the answer of "${address}": ${reason(error)}`,
        { retry: true },
      );
    }
  }, retry);
}
