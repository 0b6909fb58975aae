/**
 * Sends the bytes of a file to a hub's storage as a stream of known length, with retries. Knows no
 * API of a hub.
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import { cappedText, reason, shown } from "./request.ts";
import { HubError, retrying } from "./retry.ts";
import { type Answer, checked, type SendOptions } from "./upload_request.ts";

/** A file, or a part of one, to send. */
export interface PutRequest {
  readonly address: string;
  /** Bytes. */
  readonly size: number;
  /** The bytes; called anew for each try. */
  readonly open: () => AsyncIterable<Uint8Array>;
  /** Whether the token goes along, which only a host of the hub may see. */
  readonly withToken: boolean;
}

/**
 * Sends bytes by PUT, again from their start after faults that may pass.
 *
 * @param onBytes called with the bytes that a try has sent
 * @throws {HubError} if the storage refuses them, or after all tries
 */
export function putBytes(
  put: PutRequest,
  options: SendOptions,
  onBytes: (sent: number) => void = () => {},
): Promise<Answer> {
  const url = addressOf(put);
  return retrying(async () => {
    options.signal?.throwIfAborted();
    onBytes(0);
    try {
      const answer = await putOnce(url, put, { ...options, onBytes });
      return checked(answer, url, options.access);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof HubError || !isNetworkFault(error)) throw error;
      throw new HubError(`Cannot upload to "${shown(url)}": ${reason(error)}`, {
        retry: true,
      });
    }
  }, options);
}

/** The address of a storage. @throws {HubError} if the hub gave none */
function addressOf({ address }: PutRequest): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") return url;
  throw new HubError(
    `Cannot upload to "${
      address.slice(0, 200)
    }": the hub gave it as the address of its storage`,
    { retry: false },
  );
}

/** Whether an error comes from the connection, and not from the file or a permission. */
function isNetworkFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error instanceof IdleError || "code" in error ||
    /connection|socket|closed|reset/i.test(error.message);
}

class IdleError extends Error {}

/**
 * One try. Node's client is used because `fetch()` sends a stream without its length, which storage
 * hosts refuse.
 */
async function putOnce(
  url: URL,
  { size, open, withToken }: PutRequest,
  { access, signal, idle = 60_000, onBytes }:
    & SendOptions
    & { readonly onBytes: (sent: number) => void },
): Promise<Answer> {
  const { request } = url.protocol === "https:"
    ? await import("node:https")
    : await import("node:http");
  const call: ClientRequest = request(url, {
    method: "PUT",
    headers: {
      "content-length": String(size),
      connection: "close",
      ...(withToken && access.privateHeaders),
    },
    ...(signal && { signal }),
  });
  const clock = idleClock(idle, (error) => call.destroy(error));
  try {
    return await new Promise<Answer>((resolve, reject) => {
      call.on("error", reject);
      call.on("response", (response) => {
        readAnswer(response).then(resolve, reject);
      });
      writeAll(call, open(), (sent) => {
        clock.touch();
        onBytes(sent);
      }).catch((error) => {
        reject(error);
        call.destroy();
      });
    });
  } finally {
    clock.stop();
    call.destroy();
  }
}

/** Writes pieces one after the other, each when the one before has left. */
async function writeAll(
  call: ClientRequest,
  pieces: AsyncIterable<Uint8Array>,
  onSent: (sent: number) => void,
): Promise<void> {
  let sent = 0;
  for await (const piece of pieces) {
    await new Promise<void>((resolve, reject) => {
      call.write(piece, (error) => error ? reject(error) : resolve());
    });
    sent += piece.length;
    onSent(sent);
  }
  call.end();
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers.set(name, [value].flat().join(", "));
  }
  const body = ReadableStream.from(response as AsyncIterable<Uint8Array>);
  const text = await cappedText(new Response(body));
  return { status: response.statusCode ?? 0, headers, text };
}

/** Calls `expired` when `touch` was not called for the given time. */
function idleClock(milliseconds: number, expired: (error: Error) => void) {
  const fire = () =>
    expired(new IdleError(`no byte left for ${milliseconds / 1000} seconds`));
  let timer = setTimeout(fire, milliseconds);
  return {
    touch() {
      clearTimeout(timer);
      timer = setTimeout(fire, milliseconds);
    },
    stop: () => clearTimeout(timer),
  };
}
