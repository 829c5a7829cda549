import type { NoticeKind, NoticeRow } from '$lib/contract/types';

export const NOTICE_KINDS: readonly { readonly kind: NoticeKind; readonly label: string; readonly detail: string }[] = [
  { kind: 'done', label: 'Completed', detail: 'A brief came to its end.' },
  { kind: 'failed', label: 'Failed', detail: 'A brief failed, or was stopped at a limit.' },
  { kind: 'question', label: 'Questions', detail: 'An agent wants to know something.' },
  { kind: 'approval', label: 'Leave to act', detail: 'An agent asks before it does something.' },
];

/** What became of a notice, in words; `bad` where the founder should do something about it. */
export function fateOf(notice: NoticeRow): { readonly words: string; readonly bad: boolean } {
  const detail = notice.detail.trim().replace(/\.$/, '');
  switch (notice.delivery) {
    case 'shown':
      return { words: 'Shown', bad: false };
    case 'opened':
      return { words: 'You opened it', bad: false };
    case 'seen':
      return { words: 'Not shown: you were looking at the job', bad: false };
    case 'off':
      return { words: 'Not shown: off in Settings', bad: false };
    case 'quiet':
      return { words: 'Not shown: quiet hours', bad: false };
    case 'grouped':
      return { words: 'Shown together with others', bad: false };
    case 'failed':
      return { words: detail === '' ? 'Could not be shown' : `Could not be shown: ${detail}`, bad: true };
    default:
      return { words: 'Not shown yet', bad: false };
  }
}
