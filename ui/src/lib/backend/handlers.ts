import type { AnyNotes, NoteName } from './backend';

type Handler = (params: never) => void;

/** Who wants to hear of which note. */
export class NoteHandlers {
  readonly #handlers = new Map<string, Set<Handler>>();

  on<N extends NoteName>(note: N, handler: (params: AnyNotes[N]) => void): () => void {
    const set = this.#handlers.get(note) ?? new Set<Handler>();
    this.#handlers.set(note, set);
    set.add(handler as Handler);
    return () => set.delete(handler as Handler);
  }

  /** A handler that throws does not keep the note from the others. */
  deliver(note: string, params: unknown): void {
    for (const handler of [...(this.#handlers.get(note) ?? [])]) {
      try {
        handler(params as never);
      } catch (thrown) {
        queueMicrotask(() => {
          throw thrown;
        });
      }
    }
  }
}
