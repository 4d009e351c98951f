//! The command line that was given, to be shown and given again.

/// The program's name and its arguments; signs stand for what is no text.
pub(crate) fn given() -> Vec<String> {
    let arguments = std::env::args_os().skip(1);
    let arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once("paydirt".to_owned()).chain(arguments).collect()
}

/// The same with another option in the place of one that takes a value; both with their dashes.
pub(crate) fn with_option_instead(mut command: Vec<String>, option: &str, other: &str) -> Vec<String> {
    for word in &mut command {
        match word.strip_prefix(option) {
            Some("") => *word = other.to_owned(),
            Some(value) if value.starts_with('=') => *word = format!("{other}{value}"),
            _ => continue,
        }
        break;
    }
    command
}

/// A command line, as a shell takes it.
pub(crate) fn shell_line(command: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,@%+".contains(c);
    let quoted = command.iter().map(|word| {
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_given_instead() {
        let instead = |command: &str| {
            let words = command.split(' ').map(str::to_owned).collect();
            with_option_instead(words, "--text", "--template").join(" ")
        };
        assert_eq!(instead("mine --text a --bits 4"), "mine --template a --bits 4");
        assert_eq!(
            instead("mine --text=--text --bits 4"),
            "mine --template=--text --bits 4"
        );
        assert_eq!(instead("mine --text --text"), "mine --template --text");
        assert_eq!(instead("mine --text-file a"), "mine --text-file a");
    }

    #[test]
    fn commands_can_be_given_again() {
        let command = ["paydirt", "bench", "--save", "results/{date}-{cpu}", "", "it's"].map(str::to_owned);
        assert_eq!(
            shell_line(&command),
            r"paydirt bench --save 'results/{date}-{cpu}' '' 'it'\''s'"
        );
    }
}
