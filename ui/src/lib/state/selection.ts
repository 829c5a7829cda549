/** Which rows of a list are chosen, as keyboard and mouse do it everywhere. Rows are known by their numbers. */
export interface Selection {
  readonly chosen: ReadonlySet<number>;
  /** Where the keyboard is. */
  readonly cursor: number | undefined;
  /** Where a stretch begins that Shift draws. */
  readonly anchor: number | undefined;
}

export const NOTHING: Selection = { chosen: new Set(), cursor: undefined, anchor: undefined };

/** The numbers of a stretch of the list, both ends included. */
function stretch(ids: readonly number[], from: number, to: number): readonly number[] {
  const [a, b] = [ids.indexOf(from), ids.indexOf(to)];
  if (a < 0 || b < 0) return [to];
  return ids.slice(Math.min(a, b), Math.max(a, b) + 1);
}

/** One row more, or one less. */
export function toggle(selection: Selection, id: number): Selection {
  const chosen = new Set(selection.chosen);
  if (!chosen.delete(id)) chosen.add(id);
  return { chosen, cursor: id, anchor: id };
}

/** All rows from where the stretch began to this one, and those that were chosen elsewhere. */
export function extend(selection: Selection, id: number, ids: readonly number[]): Selection {
  const anchor = selection.anchor ?? selection.cursor ?? id;
  const chosen = new Set(selection.chosen);
  // The stretch as it was drawn before is drawn anew.
  if (selection.cursor !== undefined && selection.anchor !== undefined)
    for (const old of stretch(ids, anchor, selection.cursor)) chosen.delete(old);
  for (const row of stretch(ids, anchor, id)) chosen.add(row);
  return { chosen, cursor: id, anchor };
}

export function all(selection: Selection, ids: readonly number[]): Selection {
  return { ...selection, chosen: new Set(ids) };
}

export function none(selection: Selection): Selection {
  return { ...selection, chosen: new Set(), anchor: undefined };
}

/** The keyboard goes `steps` rows on, with Shift drawing a stretch. Ends are where the list ends. */
export function move(selection: Selection, steps: number, ids: readonly number[], drawing: boolean): Selection {
  if (ids.length === 0) return selection;
  const at = selection.cursor === undefined ? -1 : ids.indexOf(selection.cursor);
  const to = at < 0 ? (steps < 0 ? ids.length - 1 : 0) : Math.min(ids.length - 1, Math.max(0, at + steps));
  const id = ids[to] ?? 0;
  return drawing ? extend(selection, id, ids) : { ...selection, cursor: id, anchor: id };
}

/** Without rows that are gone. */
export function within(selection: Selection, ids: readonly number[]): Selection {
  if (selection.chosen.size === 0) return selection;
  const there = new Set(ids);
  const chosen = new Set([...selection.chosen].filter((id) => there.has(id)));
  return chosen.size === selection.chosen.size ? selection : { ...selection, chosen };
}
