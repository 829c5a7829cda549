/** Puts text where Paste finds it. Rejects where the system does not let a page do that. */
export async function copyText(text: string): Promise<void> {
  // Not there in every web view, whatever its types say.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (clipboard) {
    try {
      return await clipboard.writeText(text);
    } catch {
      // Refused, to a window without the focus for example: the older way may still do.
    }
  }
  const field = document.createElement('textarea');
  field.value = text;
  field.style.position = 'fixed';
  field.style.opacity = '0';
  const before = document.activeElement;
  document.body.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  if (!copied) throw new Error('The system did not take it for the clipboard.');
}
