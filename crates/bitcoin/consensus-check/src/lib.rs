//! Nothing but a test: blocks from `paydirt solo`, judged by Bitcoin Core's own consensus code. It is in `tests/judge.rs`.
