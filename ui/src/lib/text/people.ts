import { m } from '$lib/paraglide/messages';

/** What an agent may do by itself, the least first. */
export const LEVELS: readonly { value: string; label: string; detail: string }[] = [
  { value: 'restricted', label: m.company_level_restricted(), detail: m.company_level_restricted_detail() },
  { value: 'guided', label: m.company_level_guided(), detail: m.company_level_guided_detail() },
  { value: 'standard', label: m.company_level_standard(), detail: m.company_level_standard_detail() },
  { value: 'autonomous', label: m.company_level_autonomous(), detail: m.company_level_autonomous_detail() },
  { value: 'full', label: m.company_level_full(), detail: m.company_level_full_detail() },
];

export const PERSONAS: readonly { value: string; label: string }[] = [
  { value: 'professional', label: m.company_persona_professional() },
  { value: 'startup', label: m.company_persona_startup() },
  { value: 'technical', label: m.company_persona_technical() },
  { value: 'creative', label: m.company_persona_creative() },
];

/** "startup" as "Startup"; one that nobody knows as it is. */
export function personaName(persona: string): string {
  return PERSONAS.find((row) => row.value === persona)?.label ?? persona;
}

/** Models by the names that files use for them. */
export const MODELS = ['opus', 'sonnet', 'haiku'];

/** Skills that come with AICIB; a company's config may have more. */
const SKILL_NAMES: Record<string, string> = {
  api_development: m.company_skill_api_development(),
  architecture_design: m.company_skill_architecture_design(),
  budget_tracking: m.company_skill_budget_tracking(),
  code_review: m.company_skill_code_review(),
  content_strategy: m.company_skill_content_strategy(),
  copywriting: m.company_skill_copywriting(),
  financial_modeling: m.company_skill_financial_modeling(),
  frontend_development: m.company_skill_frontend_development(),
  market_analysis: m.company_skill_market_analysis(),
  project_planning: m.company_skill_project_planning(),
  research: m.company_skill_research(),
  seo_optimization: m.company_skill_seo_optimization(),
  stakeholder_reporting: m.company_skill_stakeholder_reporting(),
  testing: m.company_skill_testing(),
};
const SHORT: Record<string, string> = { api: 'API', seo: 'SEO' };

export const SKILLS: readonly string[] = Object.keys(SKILL_NAMES);

/** "code_review" as "Code review"; one of the company's own by the words of its name. */
export function skillName(skill: string): string {
  if (Object.hasOwn(SKILL_NAMES, skill)) return SKILL_NAMES[skill] ?? skill;
  const words = skill.split(/[_\-\s]+/).filter(Boolean);
  const name = words.map((word) => SHORT[word] ?? word).join(' ');
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** "full" as "Full"; a level that nobody knows as it is. */
export function levelName(level: string): string {
  return LEVELS.find((row) => row.value === level)?.label ?? level;
}

const ROLE = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** Why a role's name is not taken; empty where it is. */
export function roleFault(role: string, known: readonly string[]): string {
  if (role === '') return m.company_role_missing();
  if (!ROLE.test(role) || role.length > 40) return m.company_role_form();
  return known.includes(role) ? m.company_role_taken() : '';
}
