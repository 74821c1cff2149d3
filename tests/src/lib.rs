//! Tests of the whole: harness and one file per claim.
