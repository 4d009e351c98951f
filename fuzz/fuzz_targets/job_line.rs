//! Any bytes as a line on the stdin of `paydirt work`: a request, or a refusal that is one short line.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    if let Err(problem) = paydirt_cli::check_job_line(line) {
        assert!(!problem.is_empty() && !problem.contains('\n'));
        assert!(problem.len() <= 10_000);
    }
});
