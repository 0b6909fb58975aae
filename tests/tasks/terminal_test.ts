/** `deno task predict` under a pseudo-terminal, which Python makes: editing, commands, Ctrl-C. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { test } from "../test_case.ts";
import type { TemporaryFolder } from "../temporary_folder.ts";
import { CONFIG, OPTIONS, project, writeJson } from "./small_project.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** Types each of the texts once the text before it has shown; prints the screen and exit code. */
const TYPIST = `
import json, os, pty, select, sys, time
command, script = json.loads(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
screen = b""
for awaited, text in script:
    seen = b""
    end = time.time() + 60
    while awaited.encode() not in seen and time.time() < end:
        if select.select([fd], [], [], 0.1)[0]:
            try:
                piece = os.read(fd, 65536)
            except OSError:
                break
            seen += piece
    screen += seen
    if text:
        os.write(fd, text.encode())
print(json.dumps([screen.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])]))
`;

async function hasPython(): Promise<boolean> {
  try {
    const args = ["-c", "import pty"];
    return (await new Deno.Command("python3", { args }).output()).success;
  } catch {
    return false;
  }
}

/** What is awaited on the screen, and what is then typed. */
type Script = readonly (readonly [awaited: string, typed: string])[];

/** Plays a script to `predict` in a project: the screen at its end, and the exit code. */
async function play(
  folder: TemporaryFolder,
  script: Script,
  words: readonly string[] = [],
): Promise<{ screen: string; code: number }> {
  const command = [
    "deno",
    "run",
    "-q",
    "--no-prompt",
    `--config=${ROOT}deno.json`,
    "--allow-read",
    `--allow-write=${folder.file("output")}`,
    "--allow-env=DENO_WEBGPU_BACKEND,XDG_RUNTIME_DIR,LP_NATIVE_VECTOR_WIDTH,LP_NUM_THREADS,MESA_SHADER_CACHE_DIR,NO_COLOR",
    `${ROOT}tasks/predict.ts`,
    "--model_name_or_path=model",
    ...words,
  ];
  const { stdout, stderr } = await new Deno.Command("python3", {
    args: ["-c", TYPIST, JSON.stringify([command, script])],
    cwd: folder.path,
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert(text !== "", new TextDecoder().decode(stderr));
  const [screen, code] = JSON.parse(text);
  return { screen, code };
}

/** A test that needs Python for its pseudo-terminal. */
function terminalTest(
  name: string,
  body: (folder: TemporaryFolder) => Promise<void>,
): void {
  test({
    name,
    ...OPTIONS,
    permissions: { ...OPTIONS.permissions, run: ["deno", "python3"] },
    async fn(context) {
      const isThere = await hasPython();
      await context.step({
        name: isThere ? "with python3" : "skipped: python3 is not there",
        ignore: !isThere,
        fn: async () => {
          await using folder = await project();
          await body(folder);
        },
      });
    },
  });
}

terminalTest(
  "predict on a terminal edits lines, obeys commands and ends at Ctrl-C twice",
  async (folder) => {
    const { screen, code } = await play(folder, [
      ["> ", "/system 你好吗\x7f\x7f"],
      ["/system 你\x1b", "\r"],
      ["> ", "/save output/talk.jsonl\r"],
      ["saved output/talk.jsonl", "\x1b[A\x1b[A"],
      ["/system 你\x1b", "\x15\x03"],
      ["Ctrl-C again ends", "\x03"],
    ]);
    assertEquals(code, 130, screen);
    const saved = await Deno.readTextFile(folder.file("output/talk.jsonl"));
    assertEquals(JSON.parse(saved), {
      name: "base",
      messages: [{ role: "system", content: "你" }],
    });
  },
);

/** The number of a letter in the tokenizer of the small project. */
const Y = "y".charCodeAt(0) - "a".charCodeAt(0);
/** Tokens of an answer, some seconds of them. */
const LENGTH = 150;

terminalTest(
  "predict on a terminal ends an answer at Ctrl-C, forgets by /reset, and helps",
  async (folder) => {
    // the only token that is left, so that no answer ends by itself
    const others = Array.from({ length: CONFIG.vocab_size }, (_, id) => id)
      .filter((id) => id !== Y);
    await writeJson(folder, "model/generation_config.json", {
      suppress_tokens: others,
    });
    const { screen, code } = await play(folder, [
      ["> ", "/help\r"],
      ["twice the program", "/sav output/ended.jsonl\r"],
      ["there is no command /sav, /help lists them", "Hi\r"],
      ["yyy", "\x03"],
      ["the question is forgotten", "/save output/ended.jsonl\r"],
      ["saved output/ended.jsonl", "Go on\r"],
      ["y".repeat(LENGTH), "/save output/whole.jsonl\r"],
      ["saved output/whole.jsonl", "/reset\r"],
      ["> ", "/save output/reset.jsonl\r"],
      ["saved output/reset.jsonl", "/exit\r"],
    ], [`--max_new_tokens=${LENGTH}`]);
    assertEquals(code, 0, screen);
    const turns = async (name: string) =>
      JSON.parse(await Deno.readTextFile(folder.file(`output/${name}.jsonl`)))
        .messages;
    assertEquals(await turns("ended"), []);
    assertEquals(await turns("whole"), [
      { role: "user", content: "Go on" },
      { role: "assistant", content: "y".repeat(LENGTH) },
    ]);
    assertEquals(await turns("reset"), []);
    assertMatch(screen, /\/reset +forgets what was said/);
  },
);
