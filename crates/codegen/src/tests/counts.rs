//! What the code costs: pinned in `tests/golden`, told in `docs`. `BLESS=1` writes both anew.

use std::{collections::HashSet, env, fs, path::PathBuf};

use crate::{
    counts::{self, Operations},
    interpret::Call,
    layout::{CONTEXT_BYTES, Entry},
    op::Instruction,
    operand::Label,
    program::{Code, Program},
    programs,
};

fn from_root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The file must say this.
pub(super) fn assert_file(path: &str, expected: &str) {
    let path = from_root(path);
    if env::var_os("BLESS").is_some() {
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    for (line, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(
            found,
            expected,
            "line {} of {}; BLESS=1 writes it anew",
            line + 1,
            path.display()
        );
    }
    assert!(
        found == expected,
        "{} is not as long; BLESS=1 writes it anew",
        path.display()
    );
}

fn name(label: Option<Label>) -> String {
    match label {
        None => "begin".to_owned(),
        Some(Label::Named(name)) => name.to_owned(),
        Some(Label::Entry(index)) => {
            let blocks = (0..16).flat_map(|first| [1, 2].map(|words| Entry::Block { first, words }));
            let others = [
                Entry::Header,
                Entry::Varying,
                Entry::Uniform,
                Entry::SecondBig,
                Entry::SecondLittle,
                Entry::TopBig,
                Entry::TopLittle,
                Entry::Digest,
                Entry::Return,
                Entry::Roll,
            ];
            let entry = blocks.chain(others).find(|entry| entry.index() == index);
            format!("{index} {:?}", entry.expect("listed"))
        }
    }
}

fn list(code: &Code) -> String {
    let row = |(i, piece): (usize, &crate::program::Piece)| {
        let o = counts::of_piece(code, i);
        format!(
            "{:<32}{:>8}{:>8}{:>8}{:>8}{:>14}\n",
            name(piece.label),
            o.rotates,
            o.logic,
            o.adds,
            o.others,
            o.instructions
        )
    };
    code.pieces.iter().enumerate().map(row).collect()
}

/// A change that alters the code shows here; one that alters only its order, in the last line.
#[test]
fn counts_and_code_are_as_pinned() {
    for program in programs() {
        let head = format!(
            "{:<32}{:>8}{:>8}{:>8}{:>8}{:>14}\n",
            "piece", "rotates", "logic", "adds", "others", "instructions"
        );
        let assembly = program.assembly(".L") + &program.ceiling(".L");
        let digest: String = paydirt_sha256::sha256(assembly.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let text = format!(
            "{head}{}{}sha256 of the assembly: {digest}\n",
            list(&program.code),
            list(&program.ceiling)
        );
        assert_file(
            &format!("crates/codegen/tests/golden/{}.txt", program.name),
            &text,
        );
    }
}

/// What runs, from the entry to the end: each operation once for each time, and each instruction once.
#[derive(Default)]
struct Traced {
    operations: Operations,
    different: HashSet<(usize, usize)>,
}

impl Traced {
    fn of(program: &Program, paths: &[[Entry; 3]]) -> Self {
        let mut traced = Self::default();
        for [entry, then, next] in paths.iter().map(|path| path.map(Entry::index)) {
            let call = Call {
                entry,
                then,
                next,
                sums: None,
            };
            let visit = |piece: usize, at: usize| {
                let line: &Instruction = &program.code.pieces[piece].code()[at];
                traced.operations = traced.operations + Operations::of(line);
                traced.different.insert((piece, at));
            };
            program
                .trace(&mut vec![0; CONTEXT_BYTES], 0, call, visit)
                .unwrap();
        }
        traced
    }
}

/// 1234567 as 1,234,567.
fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let group = |(i, digit): (usize, char)| {
        let comma = i > 0 && (digits.len() - i).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(group).collect()
}

/// The table under this head in a page of `docs` is the one given.
fn assert_table(page: &str, head: &str, rows: &[String]) {
    let text = fs::read_to_string(from_root(page)).unwrap();
    let start = text
        .find(head)
        .unwrap_or_else(|| panic!("no table in {page} begins with {head}"));
    let table: usize = text[start..]
        .split_inclusive('\n')
        .take_while(|line| line.starts_with('|'))
        .map(str::len)
        .sum();
    let rule = "|---".repeat(head.matches('|').count() - 1);
    let expected = format!(
        "{}{head}\n{rule}|\n{}{}",
        &text[..start],
        rows.concat(),
        &text[start + table..]
    );
    assert_file(page, &expected);
}

#[test]
fn operations_told_in_the_documentation() {
    let after = |first, words| [Entry::Block { first, words }, Entry::TopBig, Entry::Return];
    let shapes = [
        (
            "header, sha256d",
            vec![[Entry::Header, Entry::Digest, Entry::SecondLittle]],
            1,
        ),
        (
            "text, words 2 and 3 vary (3-byte prefix, 10 digits)",
            vec![after(2, 2)],
            1,
        ),
        (
            "text, words 11 and 12 vary (40-byte prefix, 10 digits)",
            vec![after(11, 2)],
            1,
        ),
        ("text, word 0 alone", vec![after(0, 1)], 1),
        ("text, word 13 alone", vec![after(13, 1)], 1),
        (
            "header, versions rolled",
            vec![[Entry::Roll, Entry::Return, Entry::SecondLittle]],
            1,
        ),
    ];
    for program in programs() {
        let (page, head) = match program.name {
            "avx512" => (
                "docs/kernels.md",
                "| shape | rotates, shifts | ternary | adds | other | operations | a hash | hot |",
            ),
            _ => (
                "docs/kernels-avx2.md",
                "| shape | shifts | logic | adds | other | operations | a hash | hot |",
            ),
        };
        let has = |paths: &[[Entry; 3]]| {
            paths
                .iter()
                .all(|path| program.code.find(Label::Entry(path[0].index())).is_some())
        };
        let row = |(shape, paths, calls): &(&str, Vec<[Entry; 3]>, usize)| {
            let traced = Traced::of(&program, paths);
            let o = traced.operations;
            let total = o.rotates + o.logic + o.adds + o.others;
            let hashes = program.lanes * program.streams * calls;
            let [rotates, logic, adds, others, total_shown] =
                [o.rotates, o.logic, o.adds, o.others, total].map(grouped);
            format!(
                "| {shape} | {rotates} | {logic} | {adds} | {others} | {total_shown} | {:.1} | {} |\n",
                f64::from(total) / hashes as f64,
                grouped(traced.different.len() as u32)
            )
        };
        let rows: Vec<_> = shapes
            .iter()
            .filter(|(_, paths, _)| has(paths))
            .map(row)
            .collect();
        assert_table(page, head, &rows);
    }
}
