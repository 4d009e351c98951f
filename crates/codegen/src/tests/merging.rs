//! The order of merged streams, and that a wrong one is noticed.

use super::{Numbers, liveness::hazard};
use crate::{
    merge::{Stream, interleave, merge, spread},
    op::{Lines, Op},
    operand::{Class, RDI, Register, Slot},
};

fn zmm(number: u8) -> Register {
    Register::new(Class::Zmm, number)
}

/// Instructions that only copy within registers `first` and the next, or rotate.
fn lines(count: usize, first: u8, rotates: bool) -> Lines {
    let copy = Op::Move.to(zmm(first), [zmm(first + 1).into()]);
    let rotate = Op::RotateRight.to(zmm(first), [zmm(first + 1).into(), 7.into()]);
    (0..count)
        .map(|i| if rotates && i % 3 == 0 { rotate } else { copy })
        .collect()
}

/// Which stream each instruction came from, by the register that it writes.
fn order(merged: &Lines) -> String {
    let letter = |number: u8| char::from(b'a' + number / 2);
    let of = |line: &crate::op::Instruction| match line.to {
        Some(crate::operand::Operand::Register(register)) => letter(register.number),
        _ => '?',
    };
    merged.iter().map(of).collect()
}

#[test]
fn streams_of_unlike_length_keep_pace() {
    let paced = |a, b| {
        order(&merge(
            &[
                Stream::paced(lines(a, 0, false)),
                Stream::paced(lines(b, 2, false)),
            ],
            None,
        ))
    };
    assert_eq!(paced(6, 3), "abaabaaba");
    assert_eq!(paced(2, 6), "abbbabbb");
    assert_eq!(paced(0, 2), "bb");
}

#[test]
fn a_lag_keeps_streams_apart() {
    let streams = vec![lines(5, 0, false), lines(5, 2, false), lines(3, 4, false)];
    assert_eq!(order(&interleave(streams, 2)), "aaabababcbcbc");
}

#[test]
fn chunks_stay_whole() {
    let streams = [
        Stream::chunked(lines(8, 0, false), 4),
        Stream::chunked(lines(6, 2, false), 2),
    ];
    assert_eq!(order(&merge(&streams, None)), "bbaaaabbaaaabb");
}

#[test]
fn a_heavier_stream_comes_more_often() {
    let mut heavy = Stream::lagging(lines(6, 0, false), 0);
    heavy.unit = 2.0;
    let streams = [heavy, Stream::lagging(lines(3, 2, false), 0)];
    assert_eq!(order(&merge(&streams, None)), "abaabaaba");
}

#[test]
fn rotates_come_evenly() {
    let rotates: Lines = lines(6, 0, true)
        .into_iter()
        .filter(|line| line.op == Op::RotateRight)
        .collect();
    let merged = spread(rotates, lines(6, 2, false), 1.0);
    assert_eq!(order(&merged), "abbbabbb");
}

/// Whatever the parameters: each stream's own order is kept (checked in `merge`), and nothing is lost.
#[test]
fn any_parameters_keep_the_order_of_each_stream() {
    let mut numbers = Numbers::new(7);
    for _ in 0..500 {
        let mut any = |below: u32| (numbers.next() % below) as usize;
        let count = 1 + any(4);
        let streams: Vec<_> = (0..count)
            .map(|i| Stream {
                lines: lines(any(30), 2 * i as u8, any(2) == 0),
                lag: any(50) as f64 / 10.0,
                unit: 1.0 + any(30) as f64,
                chunk: 1 + any(6),
            })
            .collect();
        let slack = [None, Some(0.0), Some(0.3), Some(9.0)][any(4)];
        let total: usize = streams.iter().map(|stream| stream.lines.len()).sum();
        assert_eq!(merge(&streams, slack).len(), total);
    }
}

/// The check of merged streams finds what it is there for.
#[test]
fn hazards_are_found() {
    let slot = |bytes| Slot::at(RDI, bytes);
    let load = |to, bytes| Op::Move.to(zmm(to), [slot(bytes).into()]);
    let store = |bytes, from| Op::Move.to(slot(bytes), [zmm(from).into()]);
    let found = |a: Lines, b: Lines, origins: &[usize]| {
        let streams = [Stream::paced(a), Stream::paced(b)];
        let mut next = [0, 0];
        let merged: Lines = origins
            .iter()
            .map(|which| {
                next[*which] += 1;
                streams[*which].lines[next[*which] - 1]
            })
            .collect();
        hazard(&streams, &merged, origins).is_some()
    };
    // A shared temporary.
    let [a, b] = [0, 128].map(|bytes| vec![load(1, bytes), store(bytes, 1)]);
    assert!(found(a.clone(), b, &[0, 1, 0, 1]));
    // A value in memory that is overwritten, in part, before it is read; and not.
    let b = vec![load(2, 256), store(32, 2)];
    assert!(found(a.clone(), b.clone(), &[1, 1, 0, 0]));
    assert!(!found(a.clone(), vec![load(2, 256), store(64, 2)], &[1, 1, 0, 0]));
    // The digests that a schedule reads at its beginning, before other rounds store theirs.
    let reader = vec![load(1, 0), Op::Add.to(zmm(3), [zmm(1).into(), zmm(1).into()])];
    assert!(!found(reader.clone(), b.clone(), &[0, 1, 0, 1]));
    assert!(found(reader, b.clone(), &[1, 1, 0, 0]));
    // An instruction that is lost.
    assert!(found(a, b, &[0, 0, 1]));
}
