//! `paydirt pool`: mine for a pool that speaks Stratum v1.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use crate::{
    mining::{Mined, Moment, StatusLine, Stop, mine, work_done},
    options::{InputError, MachineArgs, number, one_or_more, parse, time_limit},
    render::numbers::significant,
    terminal::{
        events::Events,
        exit::Exit,
        output::{seconds, thousands},
    },
};
use paydirt::{Miner, Target, record::ChosenRecord};
use paydirt_bitcoin::{
    difficulty,
    rate::Rates,
    stratum::{Event, Login, Pool, PoolUrl, Tally, Told, Trust},
};

/// How long the end waits for the pool's answers to what was sent.
const PATIENCE: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "\
Mines until --shares, --timeout or Ctrl-C ends it. A pool that is down or silent
is tried again, later and later, and then the fallbacks in order. With --json
stdout has an event a line (schema paydirt.pool/1): connected, subscribed,
authorized, difficulty, job, accepted, rejected, stale, rate (every 10 seconds),
reconnecting, and last end.

Exit codes: 0 as many shares as wanted; 2 bad input; 3 the pool refuses the
user, or its certificate is not trusted; 4 time limit; 130 interrupted.

Examples:
  paydirt pool stratum+tcp://127.0.0.1:3333 --user bc1q…
  paydirt pool stratum+tcp://pool.example.org:3333 --user me.rig1 \\
    --fallback stratum+tcp://127.0.0.1:3333 --suggest-difficulty 0.1
  paydirt pool stratum+ssl://127.0.0.1:3334 --certificate pool.pem --user me \\
    --shares 10 --timeout 600 --json";

/// Mine for a pool (Stratum v1)
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PoolArgs {
    /// The pool: stratum+tcp://host:port, or stratum+ssl://host:port
    #[arg(value_name = "URL")]
    url: String,
    /// Who mines: the name that the pool knows, often an address
    #[arg(long, value_name = "USER", allow_hyphen_values = true)]
    user: String,
    /// The password; most pools take any [default: x]
    #[arg(long, value_name = "PASS", allow_hyphen_values = true)]
    password: Option<String>,
    /// Another pool, for when those before it do not answer; may be given several times
    #[arg(long, value_name = "URL")]
    fallback: Vec<String>,
    /// Ask for shares of this difficulty, whole or fractional: 1 takes 2^32 hashes on average
    #[arg(long, value_name = "D", allow_hyphen_values = true)]
    suggest_difficulty: Option<String>,
    /// Stop after this many accepted shares
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    shares: Option<String>,
    /// Stop after this time, in seconds (fractions allowed)
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    timeout: Option<String>,
    /// With stratum+ssl: a PEM file with a certificate to trust, the pool's own or its authority's; may be given several times
    #[arg(long, value_name = "FILE")]
    certificate: Vec<PathBuf>,
    #[command(flatten)]
    machine: MachineArgs,
    /// Print events, one JSON object a line (schema paydirt.pool/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl PoolArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let pools = self.pools()?;
        let trust = self.trust(&pools)?;
        let login = self.login()?;
        let wanted = (self.shares.as_deref())
            .map(|text| parse("shares", text, one_or_more::<u64>))
            .transpose()?;
        let limit = (self.timeout.as_deref())
            .map(|text| parse("timeout", text, time_limit))
            .transpose()?;
        let miner = self.machine.miner()?;
        let stop = Stop::on_interrupt()?;
        let events = Arc::new(Events::new(self.json, "paydirt.pool/1")?);

        let telling = Arc::clone(&events);
        let pool = Pool::new(pools, trust, login, wanted, move |told| tell(&telling, told));
        pool.start()
            .context("cannot start the thread that talks to the pool")?;
        let mined = mine(
            &miner,
            &pool,
            &stop,
            limit,
            &|event| pool.hear(event),
            &|moment| {
                show(&events, &moment, &pool.tally());
            },
        );
        let (tally, unanswered) = pool.finish(PATIENCE);
        if wanted.is_some_and(|wanted| tally.accepted >= wanted) {
            stop.done();
        }
        let failure = pool.failure();
        let end = End {
            status: match &failure {
                Some(_) => "failed",
                None => stop.ending().name(),
            },
            reason: failure.as_ref().map(ToString::to_string),
            tally,
            unanswered,
            ..End::new(&miner, &mined)
        };
        events.end(&end, || end.readable())?;
        match failure {
            Some(error) => Err(error.into()),
            None => Ok(stop.ending().into()),
        }
    }

    /// In the order in which they are tried.
    fn pools(&self) -> Result<Vec<PoolUrl>, InputError> {
        // What will not do is not repeated: people write passwords into addresses.
        let url = |name, text: &String| text.parse().map_err(|problem| InputError::option(name, problem));
        let mut pools = vec![url("URL", &self.url)?];
        for fallback in &self.fallback {
            pools.push(url("fallback", fallback)?);
        }
        Ok(pools)
    }

    fn trust(&self, pools: &[PoolUrl]) -> Result<Option<Trust>, InputError> {
        if !pools.iter().any(|pool| pool.encrypted) {
            return match self.certificate.first() {
                None => Ok(None),
                Some(_) => Err(InputError::option(
                    "certificate",
                    "no pool is encrypted; it goes with stratum+ssl://",
                )),
            };
        }
        let mut files = Vec::new();
        for path in &self.certificate {
            let shown = path.display().to_string();
            let problem =
                |error| InputError::value("certificate", &shown, format!("cannot be read: {error}"));
            let file = std::fs::read(path).map_err(problem)?;
            // Each on its own, so that the one that will not do is named.
            Trust::new(std::slice::from_ref(&file))
                .map_err(|problem| InputError::value("certificate", &shown, problem))?;
            files.push(file);
        }
        let trust = Trust::new(&files).map_err(|problem| InputError::option("URL", problem))?;
        Ok(Some(trust))
    }

    fn login(&self) -> Result<Login, InputError> {
        let suggested = |text: &str| {
            let wanted = number(text)?;
            match difficulty::target(wanted) {
                Some(Target::ZERO) => {
                    Err("a difficulty that no hash meets; give one as in 0.1 or 1000".to_owned())
                }
                Some(_) => Ok(wanted),
                None => Err("not a difficulty; give a number above 0, as in 0.1 or 1000".to_owned()),
            }
        };
        let suggest_difficulty = (self.suggest_difficulty.as_deref())
            .map(|text| parse("suggest-difficulty", text, suggested))
            .transpose()?;
        if self.user.is_empty() {
            return Err(InputError::option(
                "user",
                "a pool knows nobody without a name; give one",
            ));
        }
        Ok(Login {
            user: self.user.clone(),
            password: self.password.clone().unwrap_or_else(|| "x".to_owned()),
            agent: concat!("paydirt/", env!("CARGO_PKG_VERSION")).to_owned(),
            suggest_difficulty,
        })
    }
}

/// What happens, for programs or for people.
fn tell(events: &Events, told: Told) {
    match told {
        Told::Line(line) => events.say(&line),
        Told::Event(event) if events.are_json() => events.tell(&event),
        Told::Event(event) => {
            if let Some(line) = in_words(&event) {
                events.say(&line);
            }
        }
    }
}

fn in_words(event: &Event) -> Option<String> {
    let share = |what: &str, share: &paydirt_bitcoin::stratum::FoundShare| {
        let block = if share.block { ", a block" } else { "" };
        let (found, asked) = (significant(share.share_difficulty), significant(share.difficulty));
        format!("{what}: a share of difficulty {found} ({asked} asked){block}")
    };
    match event {
        Event::Connected { url, address } => Some(format!("connected to {url} ({address})")),
        Event::Authorized { user } => Some(format!("mining as {user}")),
        Event::Difficulty { difficulty } => Some(format!("difficulty {}", significant(*difficulty))),
        Event::Accepted { share: found, .. } => Some(share("accepted", found)),
        Event::Rejected {
            share: found, reason, ..
        } => Some(format!("{}: {reason}", share("rejected", found))),
        Event::Stale { share: found, reason } => Some(format!("{}: {reason}", share("stale", found))),
        // Said by the pool's thread already, or too often to be read.
        Event::Reconnecting { .. } | Event::Subscribed { .. } | Event::Job { .. } => None,
    }
}

/// The rates and what came of the shares.
#[derive(Debug, Serialize)]
struct RateEvent {
    r#type: &'static str,
    #[serde(flatten)]
    rates: Rates,
    hashes: u64,
    elapsed_s: f64,
    #[serde(flatten)]
    tally: Tally,
}

fn show(events: &Events, moment: &Moment, tally: &Tally) {
    if moment.rate_is_due {
        events.offer(&RateEvent {
            r#type: "rate",
            rates: moment.rates,
            hashes: moment.hashes,
            elapsed_s: moment.elapsed.as_secs_f64(),
            tally: *tally,
        });
    }
    let counts = format!(
        "accepted {}, rejected {}, stale {}",
        thousands(tally.accepted),
        thousands(tally.rejected),
        thousands(tally.stale),
    );
    StatusLine::of(&moment.rates, &counts)
        .best(tally.best_difficulty, significant)
        .latency("pool", tally.latency_s)
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
    /// Shares that were sent and had no answer when it ended.
    unanswered: usize,
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
            unanswered: 0,
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
        let tally = &self.tally;
        let unanswered = match self.unanswered {
            0 => String::new(),
            some => format!(", not answered {}", thousands(some)),
        };
        line(
            self.status,
            format!(
                "{} shares accepted, {} rejected, {} stale{unanswered}",
                thousands(tally.accepted),
                thousands(tally.rejected),
                thousands(tally.stale)
            ),
        );
        if let Some(best) = tally.best_difficulty {
            line("best", format!("difficulty {}", significant(best)));
        }
        if let Some(latency_s) = tally.latency_s {
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
