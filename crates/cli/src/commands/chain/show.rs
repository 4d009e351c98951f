//! `paydirt chain show`: blocks to look at.

use clap::Args;

use crate::{
    options::{InputError, ledger::DataArgs, parse, whole_number},
    render::numbers::utc,
    terminal::{
        exit::Exit,
        output::{self, thousands},
    },
};
use paydirt_ledger::{Block, BlockRecord, Ledger, Unchecked};

const EXAMPLES: &str = "\
Examples:
  paydirt chain show                     # the last ten blocks
  paydirt chain show --from 1 --limit 3
  paydirt chain show latest              # one block with its transactions
  paydirt chain show 2 --json            # one JSON object a block (schema paydirt.block/1)";

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
                true => output::json_line(&BlockRecord::new(&block).with_schema()),
                false => output::text(&one(&block)),
            }
            .map(|()| Exit::Done);
        }
        let limit = limit.unwrap_or(10);
        let from = from.unwrap_or_else(|| (length + 1).saturating_sub(limit).max(1));
        if !self.json {
            output::text(&format!(
                "{:>8}  {:19}  {:>5}  {:>7}  hash\n",
                "index", "time (UTC)", "bits", "trans."
            ))?;
        }
        let mut printed = Ok(());
        ledger.read(&branch, from..from.saturating_add(limit), |block| {
            printed = match self.json {
                true => output::json_line(&BlockRecord::new(&block).with_schema()),
                false => output::text(&line(&block)),
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

fn bits(block: &Block<Unchecked>) -> f64 {
    block.header().work().log2()
}

fn line(block: &Block<Unchecked>) -> String {
    format!(
        "{:>8}  {:19}  {:>5.2}  {:>7}  {}\n",
        block.index(),
        utc(block.header().time),
        bits(block),
        thousands(block.transactions().len()),
        block.hash()
    )
}

fn one(block: &Block<Unchecked>) -> String {
    let header = block.header();
    let mut text = format!(
        "block       {}\nhash        {}\nprevious    {}\nmerkle root {}\ntime        {} UTC ({})\nbits        {:08x} \
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
