import { language } from '$lib/locale';
import { m } from '$lib/paraglide/messages';

/** What the doctor looks at, by the names that it has for that. */
const NAMES: Record<string, string> = {
  Daemon: m.settings_check_daemon(),
  Database: m.settings_check_database(),
  Disk: m.settings_check_disk(),
  Engines: m.settings_check_engines(),
  Keychain: m.settings_check_keychain(),
  Keys: m.settings_check_keys(),
  'Login shell': m.settings_check_shell(), // not words
  Notifications: m.settings_check_notifications(),
  'Other agents': m.settings_check_agents(), // not words
  Provider: m.settings_check_provider(),
  Sandbox: m.settings_check_sandbox(),
  Tray: m.settings_check_tray(),
};
const COMPANY = 'Company '; // not words

/** The name of a check. One that is not known stays as the doctor has it. */
export function checkName(name: string): string {
  if (language === 'en') return name;
  if (name.startsWith(COMPANY)) return m.settings_check_company({ name: name.slice(COMPANY.length) });
  return (Object.hasOwn(NAMES, name) ? NAMES[name] : undefined) ?? name;
}
