import type { Attachment } from 'svelte/attachments';
import { backend } from '$lib/backend/backend';
import { m } from '$lib/paraglide/messages';
import type { BriefDraft } from '$lib/stores/brief.svelte';

/** Files that are held over the window right now, before they are dropped. */
export class Drops {
  over = $state(0);

  /** What is dropped anywhere on the window goes to this draft. For an effect. */
  into(draft: BriefDraft, dropped: () => void): () => void {
    const ends = [
      backend().on('native.drag', ({ over, files }) => (this.over = over ? Math.max(1, files) : 0)),
      backend().on('native.dropped', ({ paths }) => {
        this.over = 0;
        if (paths.length > 0) draft.attach(paths);
        else
          draft.fault = {
            code: 'request.bad',
            kind: 'user',
            message: m.desk_dropped_none(),
            fix: m.desk_dropped_none_fix(),
            retryable: false,
          };
        dropped();
      }),
    ];
    return () => ends.forEach((end) => end());
  }
}

/** A field into which files can be pasted. Where there is text, that is what is pasted. */
export function pastes(draft: BriefDraft): Attachment<HTMLElement> {
  return (field) => {
    const paste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0 || event.clipboardData?.types.includes('text/plain')) return;
      event.preventDefault();
      void draft.paste(files);
    };
    field.addEventListener('paste', paste);
    return () => field.removeEventListener('paste', paste);
  };
}
