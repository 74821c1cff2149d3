//! `subrosa-bench`.
fn main() {}
