/** What a hub can do wrong: a table of cases, each with what must become of it. */
import { createHash } from "node:crypto";
import {
  type Answer,
  BROKEN,
  endless,
  type HostileRequest,
  json,
  pause,
  reply,
  zipBomb,
} from "./hostile_hub.ts";

/** A case. */
export interface HostileCase {
  readonly name: string;
  readonly source: "huggingface" | "modelscope";
  /** Answers by the kind of address; what is not named is answered as it should be. */
  readonly answers: Partial<Record<Route, Answer>>;
  /** Patterns of files; default: what a model needs. */
  readonly files?: readonly string[];
  /** What the message says, or that the download comes to its end. */
  readonly ends: RegExp | "whole";
}

/** Kinds of addresses: Hugging Face's commit, a listing, and the weights. */
export type Route = "commit" | "list" | "weights";

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";
export const WEIGHTS = Uint8Array.from(
  { length: 50_000 },
  (_, i) => i * 31 + 7 & 255,
);
const CONFIG = new TextEncoder().encode('{"model_type":"llama"}');
const hash = (name: string, ...parts: (string | Uint8Array)[]) => {
  const digest = createHash(name);
  for (const part of parts) digest.update(part);
  return digest.digest("hex");
};

/** A file in the words of neither hub. */
interface Listed {
  path: unknown;
  size: unknown;
  sha256: unknown;
}

const listed = (path: unknown, data = CONFIG as Uint8Array): Listed => ({
  path,
  size: data.length,
  sha256: hash("sha256", data),
});
const USUAL = () => [
  listed("config.json"),
  listed("model.safetensors", WEIGHTS),
];

/** A listing in the words of a hub. */
function listing(
  source: HostileCase["source"],
  entries: readonly unknown[],
): unknown {
  const own = (entry: unknown) => {
    const isObject = typeof entry === "object" && entry !== null;
    if (!isObject || Array.isArray(entry)) return entry;
    const { path, size, sha256 } = entry as Listed;
    return source === "huggingface"
      ? { type: "file", path, size, lfs: { oid: sha256, size } }
      : { Type: "blob", Path: path, Size: size, Sha256: sha256 };
  };
  const files = entries.map(own);
  return source === "huggingface"
    ? files
    : { Code: 200, Success: true, Data: { Files: files } };
}

/** How a hub answers that does all as it should. */
export function usualAnswer(
  source: HostileCase["source"],
  route: Route | "other",
): Answer {
  if (route === "commit") return json({ sha: COMMIT });
  if (route === "list") return json(listing(source, USUAL()));
  return ranged(route === "weights" ? WEIGHTS : CONFIG);
}

/** Which kind of address a path is. */
export function routeOf(path: string): Route | "other" {
  if (path.includes("/revision/")) return "commit";
  if (/\/tree\/|\/repo\/(files|tree)\?/.test(path)) return "list";
  return path.includes("model.safetensors") ? "weights" : "other";
}

/** Serves bytes, and a range of them if it is asked for. */
function ranged(data: Uint8Array, etag = '"v1"'): Answer {
  return (send, { headers }) => {
    const [, from] = /^bytes=(\d+)-$/.exec(headers.get("range") ?? "") ?? [];
    if (from === undefined) return send(reply(200, data, { etag }));
    const range = `bytes ${from}-${data.length - 1}/${data.length}`;
    return send(
      reply(206, data.slice(Number(from)), { etag, "content-range": range }),
    );
  };
}

const SOURCES = ["huggingface", "modelscope"] as const;

/** Answers that are broken, at each kind of address. */
function brokenCases(): HostileCase[] {
  const routes = [
    ["huggingface", "commit"],
    ["huggingface", "list"],
    ["modelscope", "list"],
    ["huggingface", "weights"],
  ] as const;
  return routes.flatMap(([source, route]) =>
    Object.entries(BROKEN).map(([name, answer]) => ({
      name: `${source}, ${route}: ${name}`,
      source,
      answers: { [route]: answer },
      // the other host has the right weights, and nothing else
      ends: route === "weights" && name === "a redirect to another host"
        ? "whole" as const
        : /^Cannot (reach|download|list|read the answer of) "/,
    }))
  );
}

const TOKEN_NAME = "hf_SECRETSECRETSECRET.json";
const LONG = `${"a".repeat(300)}.safetensors`;

/** Entries that are added to a listing, or replace its weights, with what is said of them. */
const ENTRIES: Readonly<Record<string, readonly [unknown[], RegExp]>> = {
  "an entry that is null": [[null], /lists null, expected files/],
  "an entry that is a number": [[5], /lists a number/],
  "an entry that is a list": [[[1]], /lists an array/],
  "a path that is missing": [[listed(undefined)], /a file has no path/],
  "a path that is a number": [[listed(7)], /has no path, found a number/],
  "a path that is empty": [[listed("")], /leave its folder/],
  "a path that climbs": [[listed("../../x.safetensors")], /leave its folder/],
  "an absolute path": [[listed("/x.safetensors")], /leave its folder/],
  "a path of Windows": [[listed("..\\x.safetensors")], /leave its folder/],
  "a name with a zero": [[listed("a\0b.safetensors")], /cannot be shown/],
  "a name that turns around": [[listed("\u202egnp.json")], /cannot be shown/],
  "a name that clears the screen": [
    [listed("\u001b[2J.json")],
    /cannot be shown/,
  ],
  "a name with half a character": [[listed("a\ud800.json")], /cannot be shown/],
  "a name of 300 characters": [[listed(LONG)], /longer than 245 bytes/],
  "a path of 2,000 characters": [
    [listed(`${"a/".repeat(1000)}x.json`)],
    /paths longer than 1000 bytes/,
  ],
  "a name that repeats the token": [[listed(TOKEN_NAME)], /repeats the token/],
  "a file that comes twice": [[listed("model.safetensors")], /come twice/],
  "two names that differ in case": [
    [listed("MODEL.safetensors", WEIGHTS)],
    /cannot lie beside/,
  ],
  "a model of 2,000 files": [
    Array.from({ length: 2000 }, (_, i) => listed(`m-${i}.safetensors`)),
    /a model of 2002 files, expected at most 1000/,
  ],
  "more files than any repository": [
    Array.from({ length: 100_000 }, (_, i) => ({ path: `${i}`, size: 1 })),
    /more than 100000 files|longer than 16.8 MB/,
  ],
  "a size that is missing": [
    [{ ...listed("a.json"), size: undefined }],
    /"a.json" has no size/,
  ],
  "a size below zero": [[{ ...listed("a.json"), size: -5 }], /found -5/],
  "a size of 2^60": [[{ ...listed("a.json"), size: 2 ** 60 }], /has no size/],
  "a size that is a fraction": [
    [{ ...listed("a.json"), size: 1.5 }],
    /found 1.5/,
  ],
  "a size that is a text": [[{ ...listed("a.json"), size: "9" }], /no size/],
  "a hash that is a number": [
    [{ ...listed("a.json"), sha256: 5 }],
    /hash of another form/,
  ],
  "a hash that is too short": [
    [{ ...listed("a.json"), sha256: "abc" }],
    /hash of another form/,
  ],
  "a hash that is a path": [
    [{ ...listed("a.json"), sha256: `../${"a".repeat(61)}` }],
    /hash of another form/,
  ],
};

function listingCases(): HostileCase[] {
  return SOURCES.flatMap((source) =>
    Object.entries(ENTRIES).map(([name, [more, ends]]) => ({
      name: `${source}: ${name}`,
      source,
      answers: { list: json(listing(source, [...USUAL(), ...more])) },
      ends,
    }))
  );
}

/** Names that only a pattern of the user's chooses. */
function chosenCases(): HostileCase[] {
  const names = [".tiebreak.json", ".lock", "CONFIG.json"];
  const parts = ["config.json.part", "config.json.part.etag"];
  return [...names, ...parts, "model.safetensors/config.json"]
    .map((path) => ({
      name: `a file ${path}`,
      source: "huggingface",
      files: ["*", path],
      answers: {
        list: json(listing("huggingface", [...USUAL(), listed(path)])),
      },
      ends: /cannot lie beside/,
    }));
}

/** Listings as a whole. */
function shapeCases(): HostileCase[] {
  const values = {
    "an object": { a: 1 },
    null: null,
    "a number": 5,
    "a text": "x",
    "an empty list": [],
  };
  return SOURCES.flatMap((source) =>
    Object.entries(values).map(([name, value]) => ({
      name: `${source}: a listing that is ${name}`,
      source,
      answers: { list: json(value) },
      ends: /^Cannot (list|download) "owner\/name": /,
    }))
  );
}

/** Listings of several pages. */
function pageCases(): HostileCase[] {
  const page = (request: HostileRequest, step: number) => {
    const cursor = Number(/cursor=(\d+)/.exec(request.path)?.[1] ?? 0) + step;
    const next = `${request.own}/api/models/owner/name/tree/x?cursor=${cursor}`;
    return { link: `<${next}>; rel="next"` };
  };
  const pages = (step: number, count: number): Answer => (send, request) =>
    json(
      listing(
        "huggingface",
        Array.from({ length: count }, (_, i) => listed(`${request.path}${i}`)),
      ),
      page(request, step),
    )(send, request);
  return [
    {
      name: "pages that lead to themselves",
      source: "huggingface",
      answers: { list: pages(0, 0) },
      ends: /its pages lead to no end/,
    },
    {
      name: "full pages that lead to themselves",
      source: "huggingface",
      answers: { list: pages(0, 10) },
      ends: /its pages lead to no end/,
    },
    {
      name: "small pages without end",
      source: "huggingface",
      answers: { list: pages(1, 1) },
      ends: /more than 500 pages/,
    },
    {
      name: "pages without end",
      source: "huggingface",
      answers: { list: pages(1, 1000) },
      ends: /more than 100000 files/,
    },
    {
      name: "a next page on another host",
      source: "huggingface",
      answers: {
        list: (send, { other }) =>
          send(
            reply(200, "[{}]", { link: `<${other}/tree/>; rel="next"` }),
          ),
      },
      ends: /it is no JSON/,
    },
  ];
}

/** Other answers than a listing's own. */
function answerCases(): HostileCase[] {
  return [
    {
      name: "a commit that is a path",
      source: "huggingface",
      answers: { commit: json({ sha: "../../x" }) },
      ends: /names no commit/,
    },
    {
      name: "a refusal of ModelScope that repeats the token",
      source: "modelscope",
      answers: {
        list: (send, request) =>
          json({
            Success: false,
            Message: `no, ${request.headers.get("cookie")}\u001b[2J`,
          })(send, request),
      },
      ends: /no, m_session_id=TOKEN\\u\{1b\}\[2J/,
    },
  ];
}

/** Serves other bytes than those that are listed, once or for ever. */
const wrong = (data: Uint8Array, headers = {}): Answer => (send) =>
  send(reply(200, data, headers));
const once = (first: Answer): Answer => (send, request) =>
  (request.attempt === 0 ? first : ranged(WEIGHTS))(send, request);
const half: Answer = (send) =>
  send(
    reply(200, WEIGHTS.slice(0, 25_000), {
      etag: '"v1"',
      "content-length": "50000",
    }),
  );
const other = WEIGHTS.map((byte) => byte ^ 1);
const partOf = (range: string, data: Uint8Array): Answer => (send) =>
  send(reply(206, data, { etag: '"v1"', "content-range": range }));
const redirect =
  (to: (request: HostileRequest) => string): Answer => (send, request) =>
    send(reply(302, "", { location: to(request) }));

/** What can become of the weights. */
const FILES: Readonly<Record<string, readonly [Answer, HostileCase["ends"]]>> =
  {
    "cut once": [once(half), "whole"],
    "cut always after the same bytes": [
      (send) =>
        send(reply(200, WEIGHTS.slice(0, 9), { "content-length": "50000" })),
      /cut after 9 bytes.* \(tried 5 times in a row\)/,
    ],
    "a range that is ignored": [
      once(half),
      "whole",
    ],
    "a range that begins elsewhere": [
      (send, request) =>
        (request.attempt === 0
          ? half
          : request.attempt === 1
          ? partOf("bytes 0-49999/50000", WEIGHTS)
          : ranged(WEIGHTS))(send, request),
      "whole",
    ],
    "a range with the wrong bytes": [
      (send, request) =>
        (request.attempt === 0
          ? half
          : request.attempt === 1
          ? partOf("bytes 25000-49999/50000", other.slice(25_000))
          : ranged(WEIGHTS))(send, request),
      "whole",
    ],
    "another version after a cut": [
      (send, request) =>
        request.attempt === 0
          ? half(send, request)
          : send(reply(200, WEIGHTS, { etag: '"v2"' })),
      "whole",
    ],
    "the wrong bytes once": [once(wrong(other)), "whole"],
    "the wrong bytes always": [
      wrong(other),
      /found sha256 .* \(tried 2 times\)/,
    ],
    "too many bytes": [
      wrong(new Uint8Array(51_000)),
      /offers 51000 bytes, the hub lists 50000 \(tried 2 times\)/,
    ],
    "too many bytes, unannounced": [
      wrong(new Uint8Array(51_000), { "content-length": "" }),
      /found more than 50000 bytes \(tried 2 times\)/,
    ],
    "too few bytes": [wrong(new Uint8Array(9)), /offers 9 bytes/],
    "bytes without end": [
      (send) =>
        endless(send, "HTTP/1.1 200 OK\r\n\r\n", new Uint8Array(65_536)),
      /found more than 50000 bytes \(tried 2 times\)/,
    ],
    "a zip bomb without a length": [
      (send) =>
        send(
          reply(200, zipBomb(), {
            "content-encoding": "gzip",
            "content-length": "",
          }),
        ),
      /found more than 50000 bytes/,
    ],
    "a pointer of LFS": [
      wrong(
        new TextEncoder().encode("version https://git-lfs.github.com/spec"),
      ),
      /the hub lists 50000/,
    ],
    "bytes that come one by one": [
      async (send) => {
        await send(reply(200, "", { "content-length": "50000" }));
        for (
          let i = 0;
          i < 50_000 && await send(WEIGHTS.slice(i, i + 1));
          i++
        ) {
          await pause(40);
        }
      },
      /only \d+ bytes came in .* \(tried 3 times\)/,
    ],
    "a storage host that redirects on": [
      redirect(({ other }) => `${other}/blob?sig=SIGNATURE`),
      "whole",
    ],
    "a storage host of another name": [
      redirect(({ other }) => other.replace("127.0.0.1", "localhost") + "/b"),
      "whole",
    ],
    "a redirect that holds the hub's name": [
      redirect(({ own, other }) => other.replace("//", `//${own.slice(7)}@`)),
      "whole",
    ],
    "a redirect that repeats the token": [
      redirect(({ other, headers }) =>
        `${other}/b?t=${encodeURIComponent(headers.get("authorization")!)}`
      ),
      "whole",
    ],
    "a range that is not there": [
      (send, request) =>
        request.attempt === 0
          ? half(send, request)
          : request.attempt === 1
          ? send(reply(416, "", { "content-range": "bytes */7" }))
          : ranged(WEIGHTS)(send, request),
      "whole",
    ],
    "busy once": [
      once((send) => send(reply(429, "", { "retry-after": "2" }))),
      "whole",
    ],
    "broken once": [once((send) => send(reply(503))), "whole"],
  };

function fileCases(): HostileCase[] {
  return Object.entries(FILES).map(([name, [answer, ends]]) => ({
    name: `the weights: ${name}`,
    source: "huggingface",
    answers: { weights: answer },
    ends,
  }));
}

/** All cases. */
export const HOSTILE_CASES: readonly HostileCase[] = [
  ...brokenCases(),
  ...listingCases(),
  ...chosenCases(),
  ...shapeCases(),
  ...pageCases(),
  ...answerCases(),
  ...fileCases(),
];
