//! What a run leaves behind: text patterns, tables, `run.json`; written to a temporary name and renamed.
