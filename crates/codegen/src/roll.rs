//! Version rolling: several midstates, one message schedule.

use crate::{
    block::{AHEAD, Block, SLACK, Word, streams, word_address},
    code::{Lines, Piece, spread},
    layout::*,
    rounds::{Entry, Operand, Results, Round},
    shapes::{Generator, first_round, slot},
};

impl Generator<'_> {
    /// Version rolling: each stream has a midstate of its own, both have the same nonces, so that one schedule serves
    /// both. It is stored, with and without K, for a second pass with two more midstates.
    ///
    /// Only the rounds before the schedule begins are written out: with more, the loop would not fit the op cache.
    pub fn roll(&mut self) {
        let isa = self.isa;
        let [roll_start, roll_body, again_body] =
            ["roll_start", "roll_body", "again_body"].map(|name| self.label(name));
        let entry = |t: usize, stream: usize| {
            let slot = |index| slot(index + stream * SCALAR_COUNT);
            match t - 3 {
                after @ 1..=3 => Entry::Uniform {
                    h_k: slot(H_KW + after - 1),
                    d_h_k: slot(D_H_KW + after - 1),
                },
                _ => Entry::Varying { k: slot(KW + t) },
            }
        };
        let plain = |t: usize, stream: usize, entry: Entry| {
            let word = None;
            let results = Results::Both;
            Round {
                t,
                entry,
                word,
                results,
            }
            .emit(isa, &isa.registers(stream))
        };

        // Rounds 3 to 14, the same for both passes.
        let mut piece = Piece::new(&roll_start);
        piece.scalar(&format!("lea rcx, [rdi + {}]", WORDS + 16 * WORD_BYTES));
        piece.push(streams(isa, |stream| {
            let r = isa.registers(stream);
            let slot = |index| slot(index + stream * SCALAR_COUNT);
            let mut out = Lines::new();
            for role in [0, 1, 4, 5] {
                isa.load(&mut out, r.role(role, 3), &slot(STATE + role));
            }
            let word = Operand::Vector(word_address(3, 16, 0));
            out.extend(first_round(isa, &r, 3, &word, &slot(FIRST_A), &slot(FIRST_E)));
            out
        }));
        for t in 4..15 {
            piece.push(streams(isa, |stream| plain(t, stream, entry(t, stream))));
        }
        piece.scalar("ret");
        self.assembly.push_str(&piece.text);
        let start = piece.operations;

        // The schedule's registers are those of the first stream; the second's hold the sums of K and word.
        let sums = isa.registers(1).schedule;
        let recent = isa.registers(0).recent.expect("room for two streams");
        let shared = |t: usize, base: usize, k: Operand| {
            let recent = recent[t % 2];
            let mut out = Lines::new();
            isa.add(&mut out, sums[t % 2], recent, &k, sums[t % 2]);
            isa.store(&mut out, &word_address(t, base, 1), sums[t % 2]);
            out
        };
        let rounds = |t: usize| {
            streams(isa, |stream| {
                plain(
                    t,
                    stream,
                    Entry::Varying {
                        k: Operand::Register(sums[t % 2]),
                    },
                )
            })
        };
        let mut piece = Piece::new(&roll_body);
        let block = Block {
            isa,
            words: [Word::Varying; 64],
            base: 16,
            last: 127,
        };
        for t in 16 - AHEAD..32 - AHEAD {
            let k = self.pool.constant_from_rdx(t, 16);
            let [first, second] = <[Lines; 2]>::try_from(rounds(t)).expect("two streams");
            let step = spread(first, block.step(t + AHEAD, 0, None), SLACK);
            let mut lines = shared(t, 16, k);
            lines.extend(spread(step, second, SLACK / 4.0));
            piece.push(vec![lines]);
        }
        piece.scalar(&format!("add rcx, {}\nadd rdx, 64\nret", 16 * WORD_BYTES));
        self.assembly.push_str(&piece.text);
        let body = piece.operations;

        let mut piece = Piece::new(&self.label(ROLL));
        piece.scalar(&format!(
            "call {roll_start}\nlea rdx, [r9 + {}]",
            self.pool.offset(16)
        ));
        for t in [14, 15] {
            let mut out = Lines::new();
            isa.load(&mut out, recent[t % 2], &block.word(t, 0));
            piece.push(vec![out]);
        }
        piece.scalar(&format!("call {roll_body}\n").repeat(3));
        for t in 64 - AHEAD..64 {
            let k = self.pool.round_constant(t);
            piece.push(vec![shared(t, 64, k)]);
            piece.scalar("");
            piece.push(rounds(t));
        }
        let chain = |word, stream| slot(CHAIN + word + stream * SCALAR_COUNT);
        self.digest(&mut piece, chain);
        piece.operations += start + body * 3;
        self.finish(ROLL, piece);

        let mut piece = Piece::new(&again_body);
        for t in 16..32 {
            let sum = Operand::Vector(word_address(t, 16, 1));
            piece.push(streams(isa, |stream| {
                plain(t, stream, Entry::Varying { k: sum.clone() })
            }));
        }
        piece.scalar(&format!("add rcx, {}\nret", 16 * WORD_BYTES));
        self.assembly.push_str(&piece.text);
        let body = piece.operations;

        let mut piece = Piece::new(&self.label(ROLL_AGAIN));
        piece.scalar(&format!("add r8, {}\ncall {roll_start}", STREAMS * SCALAR_BYTES));
        piece.push(streams(isa, |stream| plain(15, stream, entry(15, stream))));
        piece.scalar(&format!("call {again_body}\n").repeat(3));
        self.digest(&mut piece, chain);
        piece.operations += start + body * 3;
        self.finish(ROLL_AGAIN, piece);
    }
}
