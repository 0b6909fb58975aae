/**
 * A hub on 127.0.0.1 that speaks HTTP byte by byte, so that it can break every rule of it. A case
 * says how each address is answered. A second server is another host, which must never see a token.
 */
import { gzipSync } from "node:zlib";

/** A request as the hub reads it. */
export interface HostileRequest {
  readonly path: string;
  /** Names in small letters. */
  readonly headers: ReadonlyMap<string, string>;
  /** How often this path was asked for before. */
  readonly attempt: number;
  /** Addresses of the hub and of the other host. */
  readonly own: string;
  readonly other: string;
}

/** Sends bytes; false once the connection is gone. */
export type Send = (data: string | Uint8Array) => Promise<boolean>;

/** Answers a request. The connection is closed afterwards. */
export type Answer = (
  send: Send,
  request: HostileRequest,
) => Promise<unknown> | void;

/** A request and the host that saw it. */
export interface Seen extends HostileRequest {
  readonly host: "hub" | "other";
}

/** A running hub. */
export interface HostileHub extends AsyncDisposable {
  readonly endpoint: string;
  readonly seen: Seen[];
}

/** What the other host gives for every address. */
export const ELSEWHERE: Uint8Array = new TextEncoder().encode("elsewhere");

const encode = (text: string) => new TextEncoder().encode(text);

/** Starts a hub; `answer` chooses by the path. */
export function startHostileHub(
  answer: (path: string) => Answer,
  elsewhere: Uint8Array = ELSEWHERE,
): HostileHub {
  const listen = { hostname: "127.0.0.1", port: 0 };
  const [hub, other] = [Deno.listen(listen), Deno.listen(listen)];
  const addresses = {
    own: `http://127.0.0.1:${hub.addr.port}`,
    other: `http://127.0.0.1:${other.addr.port}`,
  };
  const seen: Seen[] = [];
  const tries = new Map<string, number>();
  const open = new Set<Deno.Conn>();
  const serve = async (
    listener: Deno.Listener,
    host: Seen["host"],
    choose: (path: string) => Answer,
  ) => {
    const running: Promise<void>[] = [];
    for await (const connection of listener) {
      open.add(connection);
      running.push(
        one(connection, host, choose).finally(() => {
          open.delete(connection);
          try {
            connection.close();
          } catch { /* it was closed with the hub */ }
        }),
      );
    }
    await Promise.all(running);
  };
  const one = async (
    connection: Deno.Conn,
    host: Seen["host"],
    choose: (path: string) => Answer,
  ) => {
    const head = await readHead(connection);
    if (head === undefined) return;
    const attempt = tries.get(host + head.path) ?? 0;
    tries.set(host + head.path, attempt + 1);
    const request = { ...head, attempt, ...addresses };
    seen.push({ ...request, host });
    await choose(head.path)(sender(connection), request);
  };
  const loops = [
    serve(hub, "hub", answer),
    serve(other, "other", () => (send) => send(reply(200, elsewhere))),
  ];
  return {
    endpoint: addresses.own,
    seen,
    async [Symbol.asyncDispose]() {
      hub.close();
      other.close();
      for (const connection of open) connection.close();
      await Promise.all(loops);
    },
  };
}

function sender(connection: Deno.Conn): Send {
  return async (data) => {
    const bytes = typeof data === "string" ? encode(data) : data;
    try {
      for (let sent = 0; sent < bytes.length;) {
        sent += await connection.write(bytes.subarray(sent));
      }
      return true;
    } catch {
      return false; // the client has gone
    }
  };
}

async function readHead(
  connection: Deno.Conn,
): Promise<Pick<HostileRequest, "path" | "headers"> | undefined> {
  const buffer = new Uint8Array(2 ** 16);
  let text = "";
  while (!text.includes("\r\n\r\n")) {
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) return undefined;
    text += new TextDecoder("latin1").decode(buffer.subarray(0, count));
  }
  const [first = "", ...lines] = text.split("\r\n\r\n")[0]!.split("\r\n");
  const headers = new Map(lines.map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
  }));
  return { path: first.split(" ")[1] ?? "", headers };
}

type Headers = Readonly<Record<string, string>>;

/** The bytes of an answer; a header of "" is left out. */
export function reply(
  status: number | string,
  body: string | Uint8Array = "",
  headers: Headers = {},
): Uint8Array {
  const bytes = typeof body === "string" ? encode(body) : body;
  const all: Headers = {
    "content-length": String(bytes.length),
    connection: "close",
    ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}: ${value}\r\n`);
  const words = typeof status === "number" ? `${status} X` : status;
  const head = encode(`HTTP/1.1 ${words}\r\n${lines.join("")}\r\n`);
  const whole = new Uint8Array(head.length + bytes.length);
  whole.set(head);
  whole.set(bytes, head.length);
  return whole;
}

/** An answer of JSON. */
export const json = (value: unknown, headers: Headers = {}): Answer => (send) =>
  send(reply(200, JSON.stringify(value), headers));

/** Waits. */
export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Sends the head of an answer, and then the same bytes for ever. */
export async function endless(
  send: Send,
  head: string,
  piece: string | Uint8Array,
  wait = 0,
): Promise<void> {
  const bytes = typeof piece === "string" ? encode(piece) : piece;
  if (!await send(head)) return;
  while (await send(bytes)) await pause(wait);
}

/** Nothing comes until the client goes. */
export const silent: Answer = async (send) => {
  // a byte is never sent: only the client's going ends this
  for (let i = 0; i < 400 && await send(""); i++) await pause(50);
};

/** Far more zeros than any answer has, in few bytes. */
let bomb: Uint8Array | undefined;
/** Gives them; they are made once. */
export const zipBomb = (): Uint8Array =>
  bomb ??= gzipSync(new Uint8Array(200_000_000));

/** Ways to answer any address that are all wrong, by name. */
export const BROKEN: Readonly<Record<string, Answer>> = {
  silent,
  "headers one by one": (send) =>
    endless(send, "HTTP/1.1 200 OK\r\n", "x-a: b\r\n", 40),
  "a body byte by byte": (send) =>
    endless(send, "HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n[", " ", 60),
  "no answer at all": () => {},
  "a cut head": (send) => send("HTTP/1.1 200 OK\r\ncontent-le"),
  "a cut body": (send) => send(reply(200, "[", { "content-length": "900" })),
  "bytes that are no HTTP": (send) => send("\x00\x01\x02 hello\r\n\r\n"),
  "a header of 2 MB": (send) =>
    send(`HTTP/1.1 200 OK\r\nx-a: ${"a".repeat(2e6)}\r\n\r\n`),
  "a body without end": (send) =>
    endless(send, "HTTP/1.1 200 OK\r\n\r\n[", " ".repeat(65_536)),
  "a zip bomb": (send) =>
    send(reply(200, zipBomb(), { "content-encoding": "gzip" })),
  "a redirect to itself": (send, { path }) =>
    send(reply(302, "", { location: path })),
  "a redirect to a file": (send) =>
    send(reply(302, "", { location: "file:///etc/passwd" })),
  "a redirect to another host": (send, { other }) =>
    send(reply(302, "", { location: `${other}/x?sig=1` })),
  "a redirect to nowhere": (send) =>
    send(reply(302, "", { location: "http://[::x" })),
  "a page of HTML": (send) =>
    send(reply(200, "<html>log in</html>", { "content-type": "text/html" })),
  "an empty body": (send) => send(reply(200)),
  "status 400": (send) => send(reply(400, "no")),
  "status 401": (send) => send(reply(401, "<html>gate</html>")),
  "status 403": (send) => send(reply(403)),
  "status 404": (send) => send(reply(404)),
  "status 410": (send) => send(reply(410)),
  "status 429": (send) => send(reply(429, "", { "retry-after": "3600" })),
  "status 500": (send) => send(reply(500)),
  "status 503": (send) =>
    send(reply(503, "", { "retry-after": "99999999999" })),
  "a status that repeats the token": (send, { headers }) =>
    send(reply(`418 ${headers.get("authorization")}`)),
};
