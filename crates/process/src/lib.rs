//! Processes: identity, confined spawn, tree, census, stop, adopt.
