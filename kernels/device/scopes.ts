/**
 * Who owns what, as a stack: a resource belongs to the scope that was innermost when it was made,
 * and goes back when that scope closes. Knows nothing of what a resource is.
 */

/** The stack of open scopes. */
export interface Scopes<R> {
  open(): { keep(resource: R): void; close(): void };
  /** Gives `resource` to the innermost scope; to nobody if none is open. */
  own(resource: R): void;
  /** Gives `resource` back before its scope closes. */
  release(resource: R): void;
}

/** Creates an empty stack that calls `giveBack` once for each resource whose time is over. */
export function createScopes<R>(giveBack: (resource: R) => void): Scopes<R> {
  const stack: Set<R>[] = [];
  const owner = new Map<R, Set<R>>();

  function move(resource: R, to: Set<R> | undefined): void {
    owner.get(resource)?.delete(resource);
    to?.add(resource);
    if (to) owner.set(resource, to);
    else owner.delete(resource);
  }

  function release(resource: R): void {
    move(resource, undefined);
    giveBack(resource);
  }

  return {
    open() {
      const owned = new Set<R>();
      stack.push(owned);
      return {
        keep: (resource) => {
          if (!owned.has(resource)) return;
          move(resource, stack[stack.indexOf(owned) - 1]);
        },
        close: () => {
          if (stack.pop() !== owned) {
            throw new Error(
              "Cannot close a scope: an inner scope is still open",
            );
          }
          for (const resource of owned) release(resource);
        },
      };
    },
    own: (resource) => move(resource, stack.at(-1)),
    release,
  };
}
