//! `paydirt completions`: a script that completes commands and options in a shell.

use clap::{Args, ValueEnum as _};
use clap_complete::Shell;

use crate::{
    options::input::{InputError, parse},
    terminal::{exit::Exit, output},
};

const EXAMPLES: &str = "\
Examples:
  paydirt completions bash > ~/.local/share/bash-completion/completions/paydirt
  paydirt completions zsh  > ~/.zfunc/_paydirt
  paydirt completions fish > ~/.config/fish/completions/paydirt.fish";

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// bash, zsh, fish, powershell or elvish
    #[arg(value_name = "SHELL")]
    shell: Option<String>,
}

impl CompletionsArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        const SHELLS: &str = "bash, zsh, fish, powershell or elvish";
        let Some(name) = &self.shell else {
            return Err(InputError::option("SHELL", format!("is missing; give {SHELLS}")).into());
        };
        let shell = parse("SHELL", name, |name| {
            Shell::from_str(name, true).map_err(|_| format!("is no shell known here; give {SHELLS}"))
        })?;
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut crate::command(), "paydirt", &mut script);
        output::bytes(&script)?;
        Ok(Exit::Done)
    }
}
