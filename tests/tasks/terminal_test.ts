/** `deno task predict` under a pseudo-terminal, which Python makes: editing, commands, Ctrl-C. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { test } from "../test_case.ts";
import { OPTIONS, project } from "./small_project.ts";

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

test({
  name:
    "predict on a terminal edits lines, obeys commands and ends at Ctrl-C twice",
  ...OPTIONS,
  permissions: { ...OPTIONS.permissions, run: ["deno", "python3"] },
  async fn(context) {
    const isThere = await hasPython();
    await context.step({
      name: isThere ? "with python3" : "skipped: python3 is not there",
      ignore: !isThere,
      fn: async () => {
        await using folder = await project();
        const command = [
          "deno",
          "run",
          "-q",
          "--no-prompt",
          `--config=${ROOT}deno.json`,
          "--allow-read",
          `--allow-write=${folder.file("output")}`,
          "--allow-env=DENO_WEBGPU_BACKEND,XDG_RUNTIME_DIR,LP_NATIVE_VECTOR_WIDTH,LP_NUM_THREADS,NO_COLOR",
          `${ROOT}tasks/predict.ts`,
          "--model_name_or_path=model",
        ];
        const script = [
          ["> ", "/system 你好吗\x7f\x7f"],
          ["/system 你\x1b", "\r"],
          ["> ", "/save output/talk.jsonl\r"],
          ["saved output/talk.jsonl", "\x1b[A\x1b[A"],
          ["/system 你\x1b", "\x15\x03"],
          ["Ctrl-C again ends", "\x03"],
        ];
        const { stdout, stderr } = await new Deno.Command("python3", {
          args: ["-c", TYPIST, JSON.stringify([command, script])],
          cwd: folder.path,
        }).output();
        const text = new TextDecoder().decode(stdout);
        assert(text !== "", new TextDecoder().decode(stderr));
        const [screen, code] = JSON.parse(text);
        assertEquals(code, 130, screen);
        const saved = await Deno.readTextFile(folder.file("output/talk.jsonl"));
        assertEquals(JSON.parse(saved), {
          name: "base",
          messages: [{ role: "system", content: "你" }],
        });
      },
    });
  },
});
