//! `paydirt chain show`: blocks to look at.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use serde::Serialize;

use crate::{
    options::{InputError, ledger::DataArgs, parse, whole_number},
    render::numbers::{about, utc},
    terminal::{
        exit::Exit,
        output::{self, thousands},
        width,
    },
};
use paydirt_ledger::{Block, BlockRecord, Ledger, Unchecked};

const EXAMPLES: &str = "\
Examples:
  paydirt chain show                     # the last ten blocks
  paydirt chain show --from 1 --limit 3
  paydirt chain show latest              # one block with its transactions
  paydirt chain show 2 --json            # JSON (schema paydirt.block/1)";

/// Show blocks of a stored ledger
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ShowArgs {
    /// One block: its index, its hash, or latest
    #[arg(value_name = "BLOCK")]
    block: Option<String>,
    /// The first block to list [default: the tenth last]
    #[arg(long, value_name = "INDEX", allow_hyphen_values = true)]
    from: Option<String>,
    /// How many blocks to list [default: 10]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    limit: Option<String>,
    #[command(flatten)]
    data: DataArgs,
    /// Print one JSON object a block (schema paydirt.block/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl ShowArgs {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let limit = self
            .limit
            .as_deref()
            .map(|text| parse("limit", text, whole_number))
            .transpose()?;
        let from = self
            .from
            .as_deref()
            .map(|text| parse("from", text, whole_number))
            .transpose()?;
        if let (Some(_), Some(text)) = (&self.block, self.from.as_ref().or(self.limit.as_ref())) {
            let option = if self.from.is_some() { "from" } else { "limit" };
            return Err(InputError::value(
                option,
                text,
                "this is for lists; leave it out beside a block's name",
            )
            .into());
        }
        let ledger = self.data.open()?;
        let branch = ledger.active_branch();
        let length = branch.length;
        if let Some(name) = &self.block {
            let block = find(&ledger, name)?;
            return match self.json {
                true => output::json_line(&Shown::new(&block, now_s())),
                false => output::text(&one(&block, now_s())),
            }
            .map(|()| Exit::Done);
        }
        let limit = limit.unwrap_or(10);
        let from = from.unwrap_or_else(|| (length + 1).saturating_sub(limit).max(1));
        let place = HashPlace::within(width::columns());
        if !self.json {
            output::text(&place.line(["index", "time (UTC)", "bits", "trans.", "hash"]))?;
        }
        let mut printed = Ok(());
        ledger.read(&branch, from..from.saturating_add(limit), |block| {
            printed = match self.json {
                true => output::json_line(&Shown::new(&block, now_s())),
                false => output::text(&place.block(&block, now_s())),
            };
            printed.is_ok()
        })?;
        printed.map(|()| Exit::Done)
    }
}

fn find(ledger: &Ledger, name: &str) -> anyhow::Result<Block<Unchecked>> {
    let snapshot = ledger.snapshot()?;
    let length = snapshot.length()?;
    let found = match (name, name.len()) {
        ("latest", _) => snapshot.block(length)?,
        (hash, 64) => {
            let hash = parse("BLOCK", hash, |hash| {
                hash.parse().map_err(|_| "not a hash; a hash has 64 hex digits")
            })?;
            snapshot.block_by_hash(&hash)?
        }
        (index, _) => {
            let whole =
                |index: &str| whole_number(index).map_err(|_| "not a block; give an index, a hash or latest");
            snapshot.block(parse("BLOCK", index, whole)?)?
        }
    };
    let missing = || {
        InputError::value(
            "BLOCK",
            name,
            format!("there is no such block; the ledger has blocks 1 to {length}"),
        )
    };
    Ok(found.ok_or_else(missing)?)
}

/// A block in JSON, as it is seen here and now.
#[derive(Serialize)]
struct Shown<'b> {
    #[serde(flatten)]
    block: BlockRecord<'b>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ahead_of_clock_s: Option<u64>,
}

impl<'b> Shown<'b> {
    fn new(block: &'b Block<Unchecked>, now_s: u64) -> Self {
        Self {
            block: BlockRecord::new(block).with_schema(),
            ahead_of_clock_s: ahead_s(block, now_s),
        }
    }
}

/// This machine's clock, in seconds since 1970.
fn now_s() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

/// How far a block is stamped ahead of the clock, if it is; a second is none: clocks are read in whole ones.
fn ahead_s(block: &Block<Unchecked>, now_s: u64) -> Option<u64> {
    let ahead_s = u64::from(block.header().time).checked_sub(now_s);
    ahead_s.filter(|ahead_s| *ahead_s > 1)
}

/// The same in words.
fn ahead(block: &Block<Unchecked>, now_s: u64) -> Option<String> {
    let ahead_s = ahead_s(block, now_s)?;
    Some(format!("{} ahead of the clock", about(ahead_s as f64)))
}

fn bits(block: &Block<Unchecked>) -> f64 {
    block.header().work().log2()
}

/// Where in the list a block's hash stands.
#[derive(Clone, Copy)]
enum HashPlace {
    /// At the end of its line.
    Beside,
    /// In a line of its own.
    Below,
}

impl HashPlace {
    /// How wide the list is with 64 digits beside the rest.
    const WIDTH: usize = 8 + 2 + 19 + 2 + 5 + 2 + 7 + 2 + 64;

    /// Where there is room for it on a terminal of so many columns; anything else takes lines of any length.
    fn within(columns: Option<usize>) -> Self {
        match columns {
            Some(columns) if columns < Self::WIDTH => Self::Below,
            _ => Self::Beside,
        }
    }

    /// A block. Where it is stamped ahead of the clock, that is said where there is room: at the end of its first line, which
    /// has no hash, or in a line of its own.
    fn block(self, block: &Block<Unchecked>, now_s: u64) -> String {
        let line = self.line(cells(block).each_ref().map(String::as_str));
        match (self, ahead(block, now_s)) {
            (_, None) => line,
            (Self::Beside, Some(ahead)) => format!("{line}          {ahead}\n"),
            (Self::Below, Some(ahead)) => line.replacen('\n', &format!("  {ahead}\n"), 1),
        }
    }

    fn line(self, [index, time, bits, transactions, hash]: [&str; 5]) -> String {
        let between = match self {
            Self::Beside => "  ",
            Self::Below => "\n          ",
        };
        format!("{index:>8}  {time:19}  {bits:>5}  {transactions:>7}{between}{hash}\n")
    }
}

/// A block in the list.
fn cells(block: &Block<Unchecked>) -> [String; 5] {
    [
        block.index().to_string(),
        utc(block.header().time),
        format!("{:.2}", bits(block)),
        thousands(block.transactions().len()),
        block.hash().to_string(),
    ]
}

fn one(block: &Block<Unchecked>, now_s: u64) -> String {
    let header = block.header();
    let ahead = ahead(block, now_s).map_or(String::new(), |ahead| format!(", {ahead}"));
    let mut text = format!(
        "block       {}\nhash        {}\nprevious    {}\nmerkle root {}\ntime        {} UTC ({}){ahead}\nbits        {:08x} \
         ({:.2} bits)\nnonce       {}\nversion     {:08x}\n",
        block.index(),
        block.hash(),
        header.previous_hash,
        header.merkle_root,
        utc(header.time),
        header.time,
        header.nbits,
        bits(block),
        header.nonce,
        header.version,
    );
    for transaction in block.transactions() {
        text.push_str(&format!(
            "transaction {}  {:?} to {:?}: {}\n",
            transaction.id(),
            transaction.sender(),
            transaction.recipient(),
            thousands(transaction.amount()),
        ));
    }
    text
}
