/**
 * Small requests that change something on a hub, with retries. The token goes to the hub's own host
 * only; a redirect is not followed.
 */
import { type Watch, watchConnection } from "./connection_watch.ts";
import {
  cappedText,
  type HubAccess,
  reason,
  shown,
  withoutToken,
} from "./request.ts";
import { askedWait, HubError, retrying, type RetryOptions } from "./retry.ts";

/** How a request is sent. */
export interface SendOptions extends RetryOptions {
  /** The hub, with the token that may be sent only to it. */
  readonly access: HubAccess;
  /** Stops the request. */
  readonly signal?: AbortSignal;
  /** Milliseconds without a byte after which a connection counts as broken; default 60,000. */
  readonly idle?: number;
}

/** A request with a small body. */
export interface SmallRequest {
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Statuses beside 200 to 299 that the caller understands. */
  readonly accept?: readonly number[];
}

/** Least bytes a second of an answer, once it has begun. */
const FLOOR = 100;
/** Most tries of an answer that does not come. */
const SILENT_TRIES = 2;
/** How long a hub may take for an answer to a small request; a commit of many files takes long. */
const ANSWER_TIME = 300_000; // ms
/** How many times as long as a connection may be idle: the hub works before it answers. */
const LONGER = 5;

/** An answer of a hub whose body has been read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Whether the token may go to an address: the endpoint's own origin, and no other. */
function isOwn(url: URL, { endpoint }: HubAccess): boolean {
  return url.origin === new URL(endpoint).origin;
}

/**
 * Sends a small request, again after faults that may pass.
 *
 * @throws {HubError} for a status that is not expected, with the hub's own words
 */
export function sendSmall(
  address: string,
  request: SmallRequest,
  options: SendOptions,
): Promise<Answer> {
  const { access, signal, idle = 60_000 } = options;
  const url = new URL(address);
  return retrying(async () => {
    signal?.throwIfAborted();
    using watch = watchConnection({
      idle: LONGER * idle,
      total: ANSWER_TIME,
      floor: FLOOR,
    });
    const limits = [watch.signal, ...(signal ? [signal] : [])];
    let answer: Answer;
    try {
      const response = await fetch(url, {
        method: request.method,
        headers: {
          accept: "application/json",
          ...request.headers,
          ...(isOwn(url, access) && access.privateHeaders),
        },
        redirect: "manual",
        signal: AbortSignal.any(limits),
        ...(request.body !== undefined && { body: request.body }),
      });
      const { status, headers } = response;
      answer = {
        status,
        headers,
        text: await cappedText(response, watch.touch),
      };
    } catch (error) {
      signal?.throwIfAborted();
      throw unreachable(url, error, watch);
    }
    return checked(answer, url, access, request.accept);
  }, options);
}

/** A network fault as a HubError that may be tried again; other errors stay. */
function unreachable(url: URL, error: unknown, { signal }: Watch): unknown {
  if (!signal.aborted && !(error instanceof TypeError)) return error;
  const why = reason(signal.aborted ? signal.reason : error);
  return new HubError(`Cannot reach "${shown(url)}": ${why}`, {
    retry: true,
    ...signal.aborted && { tries: SILENT_TRIES },
  });
}

const ADVICE: Readonly<Record<number, string>> = {
  401: "the token is not valid there",
  403:
    "the token may not write there: it needs the right to write, and the owner must be yours",
  404: "no such repository or branch",
  413: "the file is larger than the hub takes",
};

/** An answer with an expected status. @throws HubError else */
export function checked(
  answer: Answer,
  url: URL,
  access: HubAccess,
  accept: readonly number[] = [],
): Answer {
  const { status, headers } = answer;
  if ((status >= 200 && status < 300) || accept.includes(status)) return answer;
  const said = withoutToken(saidBy(answer) ?? "", access);
  const words = [ADVICE[status], said].filter((one) => one);
  throw new HubError(
    `Cannot upload to "${shown(url)}": status ${status}${
      words.length > 0 ? `, ${words.join("; ")}` : ""
    }`,
    {
      retry: status === 408 || status === 429 || status >= 500,
      wait: askedWait(headers),
    },
  );
}

/** The hub's own words about a fault, at most 200 characters of its JSON. */
function saidBy({ text }: Answer): string | undefined {
  try {
    const { error, message, Message } = JSON.parse(text);
    const said: unknown = error ?? message ?? Message;
    return typeof said === "string" ? said.slice(0, 200) : undefined;
  } catch {
    return undefined;
  }
}
