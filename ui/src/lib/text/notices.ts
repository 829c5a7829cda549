import type { NoticeKind, NoticeRow } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';

export const NOTICE_KINDS: readonly { readonly kind: NoticeKind; readonly label: string; readonly detail: string }[] = [
  { kind: 'done', label: m.jobs_notice_done(), detail: m.jobs_notice_done_detail() },
  { kind: 'failed', label: m.jobs_notice_failed(), detail: m.jobs_notice_failed_detail() },
  { kind: 'question', label: m.jobs_notice_question(), detail: m.jobs_notice_question_detail() },
  { kind: 'approval', label: m.jobs_notice_approval(), detail: m.jobs_notice_approval_detail() },
];

/** What became of a notice, in words; `bad` where the founder should do something about it. */
export function fateOf(notice: NoticeRow): { readonly words: string; readonly bad: boolean } {
  const detail = notice.detail.trim().replace(/\.$/, '');
  switch (notice.delivery) {
    case 'shown':
      return { words: m.jobs_fate_shown(), bad: false };
    case 'opened':
      return { words: m.jobs_fate_opened(), bad: false };
    case 'seen':
      return { words: m.jobs_fate_seen(), bad: false };
    case 'off':
      return { words: m.jobs_fate_off(), bad: false };
    case 'quiet':
      return { words: m.jobs_fate_quiet(), bad: false };
    case 'grouped':
      return { words: m.jobs_fate_grouped(), bad: false };
    case 'failed':
      return { words: detail === '' ? m.jobs_fate_failed() : m.jobs_fate_failed_why({ why: detail }), bad: true };
    default:
      return { words: m.jobs_fate_not_yet(), bad: false };
  }
}
