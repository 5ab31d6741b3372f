//! The arguments as a page: what `CLI.md` holds, and a test keeps it so.

use clap::{Command, CommandFactory};

use super::args::Cli;

/// Columns of the page.
const WIDTH: usize = 96;

/// The arguments, as they stand before anybody set anything.
pub(super) fn commands() -> Command {
    Cli::command()
}

/// The reference of all commands and flags, in Markdown: what `src/docs/CLI.md` holds.
///
/// # Examples
/// ```
/// let page = schwabot::cli::reference();
/// assert!(page.contains("\n## schwabot verify\n"));
/// ```
#[must_use]
pub fn reference() -> String {
    let mut page = "# All commands and flags\n\nMade from the program itself; `cargo test --test \
                    craft reference` holds it so.\n"
        .to_owned();
    let mut commands = commands().term_width(WIDTH).disable_help_subcommand(true);
    commands.build();
    add(&mut page, &mut commands);
    page
}

fn add(page: &mut String, command: &mut Command) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    *page += &format!("\n## {name}\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
    for inner in command.get_subcommands_mut().filter(|inner| !inner.is_hide_set()) {
        add(page, inner);
    }
}
