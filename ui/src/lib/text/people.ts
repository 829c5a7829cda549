/** What an agent may do by itself, the least first. */
export const LEVELS: readonly { value: string; label: string; detail: string }[] = [
  { value: 'restricted', label: 'Restricted', detail: 'Looks into things and proposes; somebody else decides.' },
  { value: 'guided', label: 'Guided', detail: 'Acts inside its task, and asks where that leaves something open.' },
  { value: 'standard', label: 'Standard', detail: 'Runs its routine work, and asks before what binds others.' },
  { value: 'autonomous', label: 'Autonomous', detail: 'Runs its department; asks about strategy and the outside.' },
  { value: 'full', label: 'Full', detail: 'Runs the company, apart from what is the founder’s.' },
];

export const PERSONAS: readonly { value: string; label: string }[] = [
  { value: 'professional', label: 'Professional' },
  { value: 'startup', label: 'Startup' },
  { value: 'technical', label: 'Technical' },
  { value: 'creative', label: 'Creative' },
];

/** Models by the names that files use for them. */
export const MODELS = ['opus', 'sonnet', 'haiku'];

/** Skills that come with AICIB; a company's config may have more. */
export const SKILLS = [
  'api_development',
  'architecture_design',
  'budget_tracking',
  'code_review',
  'content_strategy',
  'copywriting',
  'financial_modeling',
  'frontend_development',
  'market_analysis',
  'project_planning',
  'research',
  'seo_optimization',
  'stakeholder_reporting',
  'testing',
];

const SHORT: Record<string, string> = { api: 'API', seo: 'SEO' };

/** "code_review" as "Code review". */
export function skillName(skill: string): string {
  const words = skill.split(/[_\-\s]+/).filter(Boolean);
  return words
    .map((word, i) => SHORT[word] ?? (i === 0 ? word.charAt(0).toUpperCase() + word.slice(1) : word))
    .join(' ');
}

/** "full" as "Full"; a level that nobody knows as it is. */
export function levelName(level: string): string {
  return LEVELS.find((row) => row.value === level)?.label ?? level;
}

const ROLE = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** Why a role's name is not taken; empty where it is. */
export function roleFault(role: string, known: readonly string[]): string {
  if (role === '') return 'A role is its name in files, like “data-analyst”.';
  if (!ROLE.test(role) || role.length > 40) return 'Lower-case letters, digits and hyphens, beginning with a letter.';
  return known.includes(role) ? 'There is an agent of this role already.' : '';
}
