import type { Attachment } from 'svelte/attachments';

/** A textarea as tall as its text, between its own min-height and `max` pixels. */
export function autosize(text: () => string, max: number): Attachment<HTMLTextAreaElement> {
  return (area) => {
    $effect(() => {
      text();
      area.style.height = 'auto';
      area.style.height = `${Math.min(area.scrollHeight, max)}px`;
      area.style.overflowY = area.scrollHeight > max ? 'auto' : 'hidden';
    });
  };
}
