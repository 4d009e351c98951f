//! Nodes that mean harm.
//!
//! *In:* what an honest core would say. *Out:* what a hostile node says instead, or nothing.

use paydirt_ledger::{Block, Header, Transaction, Work};
use paydirt_network::message::{Request, Response};

/// How a node does harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hostility {
    /// It says hello, and answers nothing after that.
    Stalls,
    /// It gives headers, and no blocks.
    Withholds,
    /// It claims far more work than its branch has.
    Lies,
    /// It sends blocks whose transactions are not those of their headers.
    Forges,
    /// It sends headers without work, and more requests than anybody answers.
    Floods,
}

impl Hostility {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Stalls,
        Self::Withholds,
        Self::Lies,
        Self::Forges,
        Self::Floods,
    ];

    /// The request that goes out instead.
    pub(crate) fn request(self, mut request: Request) -> Option<Request> {
        if self == Self::Lies {
            match &mut request {
                Request::Hello(hello) => hello.tip.work = claimed(hello.tip.work),
                Request::Announce { work, .. } => *work = claimed(*work),
                _ => {}
            }
        }
        Some(request)
    }

    /// The response that goes out instead.
    pub(crate) fn response(self, mut response: Response) -> Option<Response> {
        match (self, &mut response) {
            (_, Response::Heard) => {}
            (Self::Lies, Response::Hello(hello)) => hello.tip.work = claimed(hello.tip.work),
            (Self::Lies, Response::Headers { tip, .. }) => tip.work = claimed(tip.work),
            (Self::Stalls, Response::Hello(_)) => {}
            (Self::Stalls, _) => return None,
            (Self::Withholds, Response::Blocks(_) | Response::Compact(_) | Response::Transactions(_)) => {
                return None;
            }
            (Self::Forges, Response::Compact(_)) => return Some(Response::Busy),
            (Self::Forges, Response::Blocks(blocks)) => {
                blocks.iter_mut().for_each(|block| *block = forged(block));
            }
            _ => {}
        }
        Some(response)
    }

    /// What it sends unasked, each time it is woken for it.
    pub(crate) fn spam(self, tip: Header) -> Vec<Request> {
        if self != Self::Floods {
            return Vec::new();
        }
        let mut idle = Header {
            previous_hash: tip.hash(),
            ..tip
        };
        while idle.meets_target() {
            idle.nonce = idle.nonce.wrapping_add(1);
        }
        let announce = Request::Announce {
            header: idle,
            index: 1_000_000,
            work: claimed(tip.work()),
        };
        let mut spam = vec![Request::Headers { locator: Vec::new() }; 20];
        spam.push(announce);
        spam
    }
}

/// A made-up reward makes a block that nobody has mined.
pub(crate) const FORGED: &str = "forged";

fn forged(block: &Block<paydirt_ledger::Unchecked>) -> Block<paydirt_ledger::Unchecked> {
    let reward = Transaction::reward(FORGED, 1, 0).expect("it is within its limits");
    Block::new(block.index(), *block.header(), vec![reward])
}

fn claimed(work: Work) -> Work {
    let mut bytes = work.to_le_bytes();
    bytes[20] = 1;
    Work::from_le_bytes(&bytes)
}
