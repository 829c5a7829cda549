/** The parts of the settings: by what they are in the address, what they are called, and what is in them. */
export const SETTINGS_SECTIONS = [
  ['engine', 'Engines & keys', 'Models, programs, keys'],
  ['safety', 'Leave & confinement', 'What agents may do'],
  ['limits', 'Limits', 'What may be spent'],
  ['notices', 'Notifications', 'Which, and when it is quiet'],
  ['look', 'Appearance', 'Theme, size of text'],
  ['keys', 'Keys', 'Shortcuts, and how to change them'],
  ['general', 'General', 'Start with the login'],
  ['runs', 'Runs', 'How long, how often, how many'],
  ['advanced', 'Advanced', 'Practice pace, addresses'],
  ['storage', 'Storage', 'What is kept, and how much of it'],
  ['privacy', 'Privacy', 'What leaves this computer'],
  ['health', 'Health', 'Of the background process'],
  ['doctor', 'Doctor', 'What could be wrong'],
  ['about', 'About', 'Version, licences'],
] as const;
