//! A company folder as values: config, agents, structures, prompts.
