//! `paydirt solo`: mine for a Bitcoin node.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use crate::{
    mining::{Mined, Moment, StatusLine, Stop, mine, work_done},
    options::{InputError, MachineArgs, one_or_more, parse, time_limit},
    render::numbers::significant,
    terminal::{
        events::Events,
        exit::Exit,
        output::{seconds, thousands},
    },
};
use paydirt::{Miner, record::ChosenRecord};
use paydirt_bitcoin::{
    difficulty,
    rate::Rates,
    rpc::{Credentials, Rpc, RpcUrl},
    solo::{Plan, SoloSource, Summary, Template, Told},
};
use paydirt_jobs::Event;

/// How long the end waits for the node's verdict on a block.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The bits of a version that mean nothing (BIP 320).
const MEANINGLESS: u32 = 0x1fff_e000;

const EXAMPLES: &str = "\
Mines blocks until --blocks, --timeout or Ctrl-C ends it. A node that is down,
silent or starting is tried again. With --json stdout has an event a line
(schema paydirt.solo/1): template, block (accepted, or the node's reason), rate
(every 10 seconds), and last end.

Exit codes: 0 as many blocks as wanted; 2 bad input; 3 wrong credentials, an
address of another network, no cookie file; 4 time limit; 130 interrupted.

Examples:
  # regtest, with the cookie that bitcoind writes
  paydirt solo --rpc http://127.0.0.1:18443 --address bcrt1q… --blocks 10 \\
    --rpc-cookie ~/.bitcoin/regtest/.cookie

  paydirt solo --rpc http://127.0.0.1:38332 --rpc-user me --rpc-password secret \\
    --address tb1q… --timeout 3600 --json";

/// Mine for a Bitcoin node (getblocktemplate)
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SoloArgs {
    /// The node's RPC: http://host:port
    #[arg(long, value_name = "URL", allow_hyphen_values = true)]
    rpc: String,
    /// The file with the node's cookie: .cookie in its data directory
    #[arg(long, value_name = "FILE")]
    rpc_cookie: Option<PathBuf>,
    /// Instead of a cookie: the user's name
    #[arg(long, value_name = "USER", allow_hyphen_values = true)]
    rpc_user: Option<String>,
    /// And the user's password
    #[arg(long, value_name = "PASSWORD", allow_hyphen_values = true)]
    rpc_password: Option<String>,
    /// Who is paid: an address of the node's network
    #[arg(long, value_name = "ADDRESS", allow_hyphen_values = true)]
    address: String,
    /// Stop after this many accepted blocks
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    blocks: Option<String>,
    /// Roll these bits of the version too, as in 1fffe000 (BIP 320), where the template has no use for them: faster, but
    /// the node did not choose such a version
    #[arg(long, value_name = "MASK", allow_hyphen_values = true)]
    roll_version: Option<String>,
    /// Stop after this time, in seconds (fractions allowed)
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    timeout: Option<String>,
    #[command(flatten)]
    machine: MachineArgs,
    /// Print events, one JSON object a line (schema paydirt.solo/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl SoloArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let url = RpcUrl::parse(&self.rpc)
            .map_err(|problem| InputError::value("rpc", &RpcUrl::shown(&self.rpc), problem))?;
        let credentials = self.credentials(&url)?;
        let plan = Plan {
            address: parse("address", &self.address, str::parse)?,
            version_mask: (self.roll_version.as_deref())
                .map_or(Ok(0), |text| parse("roll-version", text, version_mask))?,
            blocks: (self.blocks.as_deref())
                .map(|text| parse("blocks", text, one_or_more))
                .transpose()?,
        };
        let limit = (self.timeout.as_deref())
            .map(|text| parse("timeout", text, time_limit))
            .transpose()?;
        let miner = self.machine.miner()?;
        let stop = Stop::on_interrupt()?;
        let events = Arc::new(Events::new(self.json, "paydirt.solo/1")?);
        let tally = Arc::new(Mutex::new(Tally::default()));

        let wanted = plan.blocks;
        let (telling, counting) = (Arc::clone(&events), Arc::clone(&tally));
        let tell = Box::new(move |told: Told<'_>| tell(&telling, &mut locked(&counting), told));
        let node = url.to_string();
        let source = SoloSource::start(Rpc::new(url, credentials), plan, tell)
            .context("cannot start the threads that talk to the node")?;
        let mined = mine(
            &miner,
            &source,
            &stop,
            limit,
            &|event| {
                if let Event::Share(_, share, _) = event {
                    let found = difficulty::of_hash(share.hash);
                    let mut tally = locked(&tally);
                    tally.best_difficulty = Some(tally.best_difficulty.map_or(found, |best| best.max(found)));
                }
            },
            &|moment| show(&events, &moment, &locked(&tally)),
        );
        let Summary {
            accepted, failure, ..
        } = source.finish(PATIENCE);
        if wanted.is_some_and(|wanted| accepted >= wanted) {
            stop.done();
        }
        let tally = *locked(&tally);
        if tally.height.is_none() && failure.is_none() {
            events.say(&format!("there was no template from {node}"));
        }
        let end = End {
            status: match &failure {
                Some(_) => "failed",
                None => stop.ending().name(),
            },
            reason: failure.as_ref().map(ToString::to_string),
            tally,
            ..End::new(&miner, &mined)
        };
        events.end(&end, || end.readable())?;
        match failure {
            Some(failure) => Err(failure.into()),
            None => Ok(stop.ending().into()),
        }
    }

    /// One way of being known to the node.
    fn credentials(&self, url: &RpcUrl) -> Result<Credentials, InputError> {
        let password = match (&self.rpc_user, &self.rpc_password) {
            (Some(user), Some(password)) => Some(Credentials::Password {
                user: user.clone(),
                password: password.clone(),
            }),
            (None, None) => None,
            (Some(_), None) => {
                return Err(InputError::option(
                    "rpc-user",
                    "this goes with --rpc-password; give that as well",
                ));
            }
            (None, Some(_)) => {
                return Err(InputError::option(
                    "rpc-password",
                    "this goes with --rpc-user; give that as well",
                ));
            }
        };
        let cookie = self.rpc_cookie.clone().map(Credentials::Cookie);
        let mut given = [cookie, password, url.credentials()].into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(InputError::option(
                "rpc",
                "credentials are given twice; give one of --rpc-cookie, --rpc-user with --rpc-password, and \
                 http://user:password@host",
            )),
            (None, _) => Err(InputError::option(
                "rpc-cookie",
                "the node wants to know who calls; give the file .cookie of its data directory, or --rpc-user and \
                 --rpc-password",
            )),
        }
    }
}

fn version_mask(text: &str) -> Result<u32, &'static str> {
    let mask = hex::decode(text)
        .ok()
        .and_then(|bytes| Some(u32::from_be_bytes(bytes.try_into().ok()?)));
    match mask {
        Some(mask) if mask != 0 && mask & !MEANINGLESS == 0 => Ok(mask),
        _ => Err("not a mask of bits that mean nothing; give 8 hex digits, some bits of 1fffe000 (BIP 320)"),
    }
}

/// What came of it so far.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Tally {
    accepted: u64,
    rejected: u64,
    /// Of all hashes that were looked at: there are a few of 2^28 hashes each, and the blocks.
    best_difficulty: Option<f64>,
    /// Of the last call of the node.
    latency_s: Option<f64>,
    /// Of the template that is mined.
    #[serde(skip)]
    height: Option<u32>,
}

fn locked(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().expect("nothing panics while it is held")
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
enum SoloEvent<'e> {
    Template {
        height: u32,
        previous: String,
        transactions: usize,
        difficulty: f64,
        target: String,
        #[serde(flatten)]
        tally: Tally,
    },
    Block {
        height: u32,
        hash: &'e str,
        accepted: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        latency_s: Option<f64>,
    },
    Rate {
        #[serde(flatten)]
        rates: Rates,
        hashes: u64,
        elapsed_s: f64,
        #[serde(flatten)]
        tally: Tally,
    },
}

/// What happens, for programs or for people.
fn tell(events: &Events, tally: &mut Tally, told: Told<'_>) {
    let in_seconds = |took: Option<Duration>| took.map(|took| took.as_secs_f64());
    match told {
        Told::Template(template, took) => {
            tally.latency_s = in_seconds(took).or(tally.latency_s);
            let is_next = tally.height.replace(template.height) != Some(template.height);
            if events.are_json() {
                events.tell(&template_event(template, *tally));
            } else if is_next {
                let (height, transactions) = (template.height, thousands(template.transactions()));
                let difficulty = shown(difficulty::of_target(template.target));
                events.say(&format!(
                    "height {height}: {transactions} transactions, difficulty {difficulty}"
                ));
            }
        }
        Told::Block(found, verdict, took) => {
            tally.latency_s = in_seconds(took).or(tally.latency_s);
            match verdict {
                Ok(()) => tally.accepted += 1,
                Err(_) => tally.rejected += 1,
            }
            let (height, hash) = (found.height, found.hash.as_str());
            if !events.are_json() {
                let what =
                    verdict.map_or_else(|reason| format!("refused ({reason})"), |()| "accepted".to_owned());
                events.say(&format!("block {height} {what}: {hash}"));
            }
            events.tell(&SoloEvent::Block {
                height,
                hash,
                accepted: verdict.is_ok(),
                reason: verdict.err().map(ToString::to_string),
                latency_s: in_seconds(took),
            });
        }
        Told::Trouble(problem, wait) => {
            events.say(&format!(
                "{problem}; trying again in {}",
                seconds(wait.as_secs_f64())
            ));
        }
        Told::Warning(warning) => events.say(&format!("warning: {warning}")),
    }
}

/// A difficulty; on a test network it may be tiny.
fn shown(difficulty: f64) -> String {
    match difficulty {
        tiny if tiny < 1e-3 => format!("{tiny:.2e}"),
        other => significant(other),
    }
}

fn template_event(template: &Template, tally: Tally) -> SoloEvent<'static> {
    let mut previous = template.previous;
    previous.reverse();
    SoloEvent::Template {
        height: template.height,
        previous: hex::encode(previous),
        transactions: template.transactions(),
        difficulty: difficulty::of_target(template.target),
        target: template.target.to_hex(),
        tally,
    }
}

fn show(events: &Events, moment: &Moment, tally: &Tally) {
    if moment.rate_is_due {
        events.offer(&SoloEvent::Rate {
            rates: moment.rates,
            hashes: moment.hashes,
            elapsed_s: moment.elapsed.as_secs_f64(),
            tally: *tally,
        });
    }
    let counts = format!(
        "accepted {}, refused {}",
        thousands(tally.accepted),
        thousands(tally.rejected),
    );
    StatusLine::of(&moment.rates, &counts)
        .best(tally.best_difficulty, shown)
        .latency("node", tally.latency_s)
        .show(events, moment);
}

/// The last event, and the summary.
#[derive(Debug, Serialize)]
struct End {
    r#type: &'static str,
    /// `done`, `timeout`, `interrupted` or `failed`.
    status: &'static str,
    /// What failed.
    reason: Option<String>,
    #[serde(flatten)]
    tally: Tally,
    hashes: u64,
    /// Wall time in seconds.
    elapsed_s: f64,
    /// Over the time spent mining; null when that was too short to measure.
    hashes_per_second: Option<f64>,
    kernel: &'static str,
    /// From which figures that kernel was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    chosen: Option<ChosenRecord>,
    threads: usize,
}

impl End {
    fn new(miner: &Miner, mined: &Mined) -> Self {
        Self {
            r#type: "end",
            status: "",
            reason: None,
            tally: Tally::default(),
            hashes: mined.hashes,
            elapsed_s: mined.elapsed.as_secs_f64(),
            hashes_per_second: mined.hashes_per_second(),
            kernel: miner.kernel().name(),
            chosen: miner.chosen().as_ref().map(ChosenRecord::from),
            threads: miner.threads(),
        }
    }

    fn readable(&self) -> String {
        let mut text = String::new();
        let mut line = |label: &str, value: String| text.push_str(&format!("{label:<12}{value}\n"));
        let (accepted, rejected) = (thousands(self.tally.accepted), thousands(self.tally.rejected));
        line(
            self.status,
            format!("{accepted} blocks accepted, {rejected} refused"),
        );
        if let Some(best) = self.tally.best_difficulty {
            line("best", format!("difficulty {}", shown(best)));
        }
        if let Some(latency_s) = self.tally.latency_s {
            line("latency", seconds(latency_s));
        }
        let (hashes, rate) = (self.hashes, self.hashes_per_second);
        line(
            "work",
            work_done(hashes, self.elapsed_s, rate, self.kernel, self.threads),
        );
        text
    }
}
