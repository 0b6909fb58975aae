/**
 * Writes what a shell needs to complete a command line: the tasks, their options, and the words of
 * options that take one of several. Knows no task and no option by name.
 */
import { firstClause } from "./options_help.ts";
import { optionsOf, type Schema } from "./schema.ts";

/** The shells that are served. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** A shell by its name. */
export type Shell = typeof SHELLS[number];

/** A task as a shell completes it. */
export interface CompletedTask {
  readonly name: string;
  /** One sentence on what it does. */
  readonly summary: string;
  readonly schema: Pick<Schema, "groups">;
}

/** An option as a shell completes it. */
interface CompletedOption {
  /** With its dashes. */
  readonly name: string;
  readonly help: string;
  /** Whether it may stand without a value. */
  readonly bare: boolean;
  /** The words that it takes; empty if it takes others. */
  readonly words: readonly string[];
}

const ALWAYS: readonly CompletedOption[] = [
  { name: "--help", help: "Show the usual options", bare: true, words: [] },
  { name: "--version", help: "Show the version", bare: true, words: [] },
  { name: "--debug", help: "Show an error's stack", bare: true, words: [] },
];

function completedOptions({ schema }: CompletedTask): CompletedOption[] {
  const own = [...optionsOf(schema)].map(([name, option]) => ({
    name: `--${name}`,
    help: firstClause(option.help),
    bare: option.bare,
    words: option.words ?? (option.bare ? ["true", "false"] : []),
  }));
  return [...own, ...ALWAYS];
}

/** The script that a shell reads to complete `program`. */
export function completionScript(
  shell: Shell,
  program: string,
  tasks: readonly CompletedTask[],
): string {
  return WRITERS[shell](program, tasks).join("\n") + "\n";
}

const WRITERS: Readonly<
  Record<Shell, (program: string, tasks: readonly CompletedTask[]) => string[]>
> = { bash: bashLines, zsh: zshLines, fish: fishLines };

function bashLines(
  program: string,
  tasks: readonly CompletedTask[],
): string[] {
  const names = (list: readonly { readonly name: string }[]) =>
    list.map(({ name }) => name).join(" ");
  const values = tasks.flatMap((task) =>
    completedOptions(task).filter(({ words }) => words.length > 0).map((
      { name, words },
    ) => `    "${task.name} ${name}") list="${words.join(" ")}" ;;`)
  );
  return [
    `_${program}() {`,
    "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}",
    "  local task=${COMP_WORDS[1]} option= list=",
    "  # bash makes three words of --key=value",
    '  if [[ $word == "=" ]]; then option=$before word=',
    '  elif [[ $before == "=" ]]; then option=${COMP_WORDS[COMP_CWORD-2]}',
    "  elif [[ $before == --* && $word != --* ]]; then option=$before; fi",
    `  if ((COMP_CWORD == 1)); then list="${names(tasks)} --version --help"`,
    "  elif [[ -n $option ]]; then",
    '    case "$task $option" in',
    ...values,
    "    esac",
    "  elif [[ $word == -* ]]; then",
    '    case "$task" in',
    ...tasks.map((task) =>
      `    ${task.name}) list="${names(completedOptions(task))}" ;;`
    ),
    "    esac",
    "  fi",
    '  COMPREPLY=($(compgen -W "$list" -- "$word"))',
    "}",
    // without a word of its own it offers the names of files
    `complete -o default -F _${program} ${program}`,
  ];
}

function zshLines(program: string, tasks: readonly CompletedTask[]): string[] {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const plain = (text: string) => text.replace(/[\\[\]:]/g, "\\$&");
  const spec = ({ name, help, bare, words }: CompletedOption) => {
    const shown = `${name}${bare ? "" : "="}[${plain(help)}]`;
    if (bare) return quoted(shown);
    return quoted(
      words.length > 0
        ? `${shown}:value:(${words.join(" ")})`
        : `${shown}:value:_files`,
    );
  };
  return [
    `#compdef ${program}`,
    `_${program}() {`,
    "  local -a tasks",
    "  tasks=(",
    ...tasks.map(({ name, summary }) =>
      `    ${quoted(`${name}:${plain(summary)}`)}`
    ),
    "  )",
    "  if ((CURRENT == 2)); then _describe task tasks; return; fi",
    "  shift words; ((CURRENT--))",
    "  case $words[1] in",
    ...tasks.flatMap((task) => [
      `  ${task.name})`,
      "    _arguments \\",
      ...completedOptions(task).map((option) => `      ${spec(option)} \\`),
      "      '*:file:_files' ;;",
    ]),
    "  esac",
    "}",
    `compdef _${program} ${program}`,
  ];
}

function fishLines(program: string, tasks: readonly CompletedTask[]): string[] {
  const quoted = (text: string) => `'${text.replace(/[\\']/g, "\\$&")}'`;
  const first = `complete -c ${program} -n __fish_use_subcommand -f`;
  return [
    ...tasks.map(({ name, summary }) =>
      `${first} -a ${name} -d ${quoted(summary)}`
    ),
    ...tasks.flatMap((task) => {
      const after = quoted(`__fish_seen_subcommand_from ${task.name}`);
      return completedOptions(task).map(({ name, help, bare, words }) => {
        const takes = words.length > 0 && !bare
          ? ` -x -a ${quoted(words.join(" "))}`
          : bare
          ? ""
          : " -r";
        const option = `-l ${name.slice(2)}${takes} -d ${quoted(help)}`;
        return `complete -c ${program} -n ${after} ${option}`;
      });
    }),
  ];
}
