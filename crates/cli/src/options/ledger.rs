//! The options that say which ledger, and which network a new one gets.

use std::path::PathBuf;

use clap::Args;
use directories::ProjectDirs;

use crate::options::{InputError, environment::said, number, one_or_more, parse};
use paydirt_ledger::{
    ChainParameters, DEFAULT_BITS, HALF_LIFE_BLOCKS, Ledger, Options, ParametersError, StoreError,
};

/// What names the folder where --data does not.
const VARIABLE: &str = "PAYDIRT_DATA";

/// Where the ledger is.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Ledger")]
pub(crate) struct DataArgs {
    /// The ledger's folder [default: the environment's PAYDIRT_DATA, or paydirt in the platform's data directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

/// What a new ledger's network is.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Network (of a new ledger; an old one keeps its own)")]
pub(crate) struct NetworkArgs {
    /// The difficulty: N leading zero bits, 1 to 224, fractions allowed [default: 16]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) bits: Option<String>,
    /// Aim at this time between blocks, in seconds: the difficulty follows (ASERT) [default: it stays]
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    pub(crate) block_time: Option<String>,
    /// ASERT's half-life: the difficulty halves when the chain is this many seconds late [default: 288 block times]
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    pub(crate) half_life: Option<String>,
}

/// What these commands do is done by hand: an import takes up a heavier branch however deep it is.
fn by_hand() -> Options {
    Options {
        max_reorganisation: u64::MAX,
        ..Options::default()
    }
}

impl DataArgs {
    /// The folder.
    pub(crate) fn folder(&self) -> Result<PathBuf, InputError> {
        let named = self.data.clone().or_else(|| said(VARIABLE).map(PathBuf::from));
        if let Some(folder) = named {
            return Ok(folder);
        }
        let project = ProjectDirs::from("", "", "paydirt");
        project
            .map(|project| project.data_dir().to_owned())
            .ok_or_else(|| {
                InputError::option(
                    "data",
                    "this account has no home directory; name a folder for the ledger",
                )
            })
    }

    /// The ledger that is there, verified.
    pub(crate) fn open(&self) -> anyhow::Result<Ledger> {
        let folder = self.folder()?;
        Ledger::open(&folder, by_hand()).map_err(|error| self.explain(error))
    }

    /// The ledger that is there, verified, or a new one.
    pub(crate) fn open_or_create(&self, network: Option<&ChainParameters>) -> anyhow::Result<Ledger> {
        let folder = self.folder()?;
        Ledger::open_or_create(&folder, network, by_hand()).map_err(|error| self.explain(error))
    }

    /// What named the folder.
    fn name(&self) -> &'static str {
        match (&self.data, said(VARIABLE)) {
            (None, Some(_)) => VARIABLE,
            _ => "data",
        }
    }

    /// The folder as it is named in errors.
    fn shown(&self) -> String {
        self.folder()
            .map_or_else(|_| String::new(), |folder| folder.display().to_string())
    }

    /// Tells bad input from a failure.
    pub(crate) fn explain(&self, error: StoreError) -> anyhow::Error {
        match &error {
            StoreError::Missing(_) => {
                let problem = "there is no ledger in it; start one with paydirt serve or paydirt chain mine";
                InputError::value(self.name(), &self.shown(), problem).into()
            }
            StoreError::Foreign => InputError::value(self.name(), &self.shown(), error).into(),
            StoreError::OtherParameters { .. } => InputError::option(self.name(), error).into(),
            _ => error.into(),
        }
    }
}

impl NetworkArgs {
    /// The network that is asked for; `None` when nothing is.
    pub(crate) fn resolve(&self) -> Result<Option<ChainParameters>, InputError> {
        let bits_text = self.bits.as_deref();
        let bits = bits_text.map(|text| parse("bits", text, number)).transpose()?;
        let seconds = |option, text: &Option<String>| {
            text.as_deref()
                .map(|text| parse(option, text, one_or_more::<u32>))
                .transpose()
        };
        let block_time_s = seconds("block-time", &self.block_time)?;
        let half_life_s = seconds("half-life", &self.half_life)?;
        let network = match (bits, block_time_s, half_life_s) {
            (None, None, None) => return Ok(None),
            (_, None, Some(_)) => {
                return Err(InputError::option(
                    "half-life",
                    "this goes with --block-time; give that as well",
                ));
            }
            (bits, None, None) => ChainParameters::fixed(bits.unwrap_or(DEFAULT_BITS)),
            (bits, Some(block_time_s), half_life_s) => {
                let usual = block_time_s.saturating_mul(HALF_LIFE_BLOCKS);
                ChainParameters::asert(
                    bits.unwrap_or(DEFAULT_BITS),
                    block_time_s,
                    half_life_s.unwrap_or(usual),
                )
            }
        };
        network.map(Some).map_err(|problem| match problem {
            ParametersError::Bits(_) => InputError::value("bits", bits_text.unwrap_or(""), problem),
            _ => InputError::option("block-time", problem),
        })
    }
}
