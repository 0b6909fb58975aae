/**
 * Chains of kills: a run is killed, goes on from its last checkpoint, is killed again, until it
 * ends; its end is compared with the one of the run that nobody killed. Seeded; knows no recipe.
 */
import { Random } from "../../src/base/random.ts";
import {
  type Ended,
  endOf,
  type Kill,
  killScene,
  RECIPES,
  runOf,
  trainUntil,
} from "./kill_scene.ts";

/** What became of one chain. */
export interface Chain {
  readonly recipe: string;
  readonly by: "call" | "clock";
  readonly kills: readonly Kill[];
  /** What differs from the unbroken run, or how a start failed; empty if it is as it should be. */
  readonly faults: readonly string[];
}

/** A run that nobody killed. */
interface Unbroken {
  readonly end: Record<string, string>;
  /** Calls of the disk in all. */
  readonly calls: number;
  /** Milliseconds from its start to its end. */
  readonly time: number;
}

async function unbroken(recipe: string): Promise<Unbroken> {
  await using folder = await killScene(recipe);
  const { code, lines, time } = await trainUntil(folder, undefined);
  if (code !== 0) throw new Error(lines.join("\n"));
  const end = await endOf(runOf(folder));
  return { end, calls: Number(lines.at(-1)), time };
}

const count = (chains: readonly Chain[]) =>
  chains.reduce((sum, { kills }) => sum + kills.length, 0);

/**
 * Kills so often, in chains that take turns in recipe, as often in one way as in the other.
 *
 * @param onChain hears of each chain as it ends
 */
export async function killChains(
  { seed, kills }: { readonly seed: number; readonly kills: number },
  onChain: (chain: Chain) => void = () => {},
): Promise<Chain[]> {
  const random = new Random(seed);
  const chains: Chain[] = [];
  const known = new Map<string, Unbroken>();
  const names = Object.keys(RECIPES);
  const done = { call: [] as Chain[], clock: [] as Chain[] };
  for (let left = kills; left > 0; left = kills - count(chains)) {
    const by = count(done.call) <= count(done.clock) ? "call" : "clock";
    const recipe = names[done[by].length % names.length]!;
    const wanted = known.get(recipe) ?? await unbroken(recipe);
    known.set(recipe, wanted);
    const chain = await oneChain({ recipe, by, wanted, most: left, random });
    done[by].push(chain);
    chains.push(chain);
    onChain(chain);
  }
  return chains;
}

async function oneChain({ recipe, by, wanted, most, random }: {
  readonly recipe: string;
  readonly by: Chain["by"];
  readonly wanted: Unbroken;
  readonly most: number;
  readonly random: Random;
}): Promise<Chain> {
  await using folder = await killScene(recipe);
  const kills: Kill[] = [];
  let ended: Ended;
  do {
    const kill = kills.length === most ? undefined : draw(by, wanted, random);
    ended = await trainUntil(folder, kill);
    if (ended.killed && kill) kills.push(kill);
  } while (ended.killed);
  const faults = ended.code === 0
    ? differences(await endOf(runOf(folder)), wanted.end)
    : [`exit code ${ended.code}: ${ended.lines.join(" | ")}`];
  return { recipe, by, kills, faults };
}

function draw(by: Chain["by"], { calls, time }: Unbroken, random: Random) {
  if (by === "clock") return { after: Math.round(time * random.float()) };
  const when = (["before", "half", "after"] as const)[random.below(3)]!;
  return { at: 1 + random.below(calls), when };
}

function differences(
  found: Record<string, string>,
  wanted: Record<string, string>,
): string[] {
  const names = new Set([...Object.keys(found), ...Object.keys(wanted)]);
  return [...names].sort().filter((name) => found[name] !== wanted[name]).map(
    (name) =>
      found[name] === undefined
        ? `${name} is missing`
        : wanted[name] === undefined
        ? `${name} is left over`
        : `${name} has other bytes`,
  );
}

/** A chain in one line. */
export function chainLine({ recipe, by, kills, faults }: Chain): string {
  const places = kills.map((kill) =>
    "after" in kill ? `${kill.after} ms` : `${kill.when} ${kill.at}`
  );
  const end = faults.length === 0 ? "end equal" : faults.join("; ");
  return `${recipe}, by ${by}: ${places.join(", ") || "no kill"}: ${end}`;
}

/** All chains in one line. */
export function chainsLine(chains: readonly Chain[], seed: number): string {
  const byCall = count(chains.filter(({ by }) => by === "call"));
  const right = chains.filter(({ faults }) => faults.length === 0);
  return `seed ${seed}: ${count(chains)} kills (${byCall} at a call, ${
    count(chains) - byCall
  } by the clock), ${chains.length} chains, ${right.length} ends equal`;
}
