import { m } from '$lib/paraglide/messages';

/** The parts of the settings: by what they are in the address, what they are called, and what is in them. */
export const SETTINGS_SECTIONS = [
  ['engine', m.company_section_engine(), m.company_section_engine_detail()],
  ['safety', m.company_section_safety(), m.company_section_safety_detail()],
  ['limits', m.company_section_limits(), m.company_section_limits_detail()],
  ['notices', m.company_section_notices(), m.company_section_notices_detail()],
  ['look', m.company_section_look(), m.company_section_look_detail()],
  ['keys', m.company_section_keys(), m.company_section_keys_detail()],
  ['general', m.company_section_general(), m.company_section_general_detail()],
  ['runs', m.company_section_runs(), m.company_section_runs_detail()],
  ['advanced', m.company_section_advanced(), m.company_section_advanced_detail()],
  ['storage', m.company_section_storage(), m.company_section_storage_detail()],
  ['privacy', m.company_section_privacy(), m.company_section_privacy_detail()],
  ['health', m.company_section_health(), m.company_section_health_detail()],
  ['doctor', m.company_section_doctor(), m.company_section_doctor_detail()],
  ['about', m.company_section_about(), m.company_section_about_detail()],
] as const;
