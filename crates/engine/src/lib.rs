//! One engine trait and its agents: Anthropic API and practice.
