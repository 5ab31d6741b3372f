//! `completions` and `man`: made from the arguments themselves.

use serde_json::json;

use super::place::outside_ledgers;
use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_tools::{CompletionsArgs, ManArgs};
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::reference::commands;
use crate::cli::text::Screen;

pub(in crate::cli) fn completions(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut commands(), "schwabot", &mut script);
    let mut screen = Screen::new();
    std::io::Write::write_all(screen.raw(), &script)?;
    screen.flush()?;
    Ok(0)
}

pub(in crate::cli) fn man(args: &ManArgs) -> Outcome {
    let failed = |error: std::io::Error| {
        let what = format!("cannot write the pages: {error}");
        CliError::NotWritten { path: args.dir.clone(), what }
    };
    outside_ledgers(&args.dir.join("page"))?;
    std::fs::create_dir_all(&args.dir).map_err(failed)?;
    clap_mangen::generate_to(commands().disable_help_subcommand(true), &args.dir)
        .map_err(failed)?;
    let pages = std::fs::read_dir(&args.dir).map_err(failed)?.filter_map(Result::ok);
    let own = |name: &str| name.starts_with("schwabot") && name.ends_with(".1");
    let pages = pages.filter(|page| own(&page.file_name().to_string_lossy())).count();
    let mut screen = Screen::new();
    if args.format == Format::Text {
        screen.line(format_args!("{pages} pages in {}", args.dir.display()))?;
    } else {
        let fields = json!({ "pages": pages, "folder": args.dir.to_string_lossy() });
        screen.answer(args.format, &Answer::new("man", &fields))?;
    }
    screen.flush()?;
    Ok(0)
}
