//! `config`: what commands start from, and where it comes from.

use std::io::Write;

use serde_json::{Value, json};

use super::place::outside_ledgers;
use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_tools::{ConfigAction, ConfigArgs};
use crate::cli::config::{Layers, template};
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::text::{GOOD, Screen};

pub(in crate::cli) fn run(args: &ConfigArgs, layers: &Layers) -> Outcome {
    let mut screen = Screen::new();
    match &args.action {
        ConfigAction::Show { origin, format } => show(&mut screen, layers, *origin, *format)?,
        ConfigAction::Path { format } => path(&mut screen, layers, *format)?,
        ConfigAction::Init { path, format } => {
            outside_ledgers(path)?;
            let failed = |error: std::io::Error| {
                let what = match error.kind() {
                    std::io::ErrorKind::AlreadyExists => {
                        "the file exists, and is left as it is: take another name".to_owned()
                    }
                    _ => format!("cannot write the configuration: {error}"),
                };
                CliError::NotWritten { path: path.clone(), what }
            };
            let file = std::fs::File::options().write(true).create_new(true).open(path);
            file.and_then(|mut file| file.write_all(template().as_bytes())).map_err(failed)?;
            if *format == Format::Text {
                screen.styled(GOOD, format_args!("wrote {}", path.display()))?;
                screen.line("  every setting is explained in it, and none is set yet")?;
            } else {
                let fields = json!({ "file": path.to_string_lossy() });
                screen.answer(*format, &Answer::new("config_written", &fields))?;
            }
        }
    }
    screen.flush()?;
    Ok(0)
}

fn show(
    screen: &mut Screen,
    layers: &Layers,
    origin: bool,
    format: Format,
) -> Result<(), CliError> {
    if format == Format::Text {
        let rows = layers.settings.iter().map(|setting| {
            let value = setting.value.clone().unwrap_or_else(|| "-".to_owned());
            let mut row = vec![setting.key.name.to_owned(), value];
            row.extend(origin.then(|| setting.origin.to_string()));
            row
        });
        let header: &[&str] = if origin { &["key", "value", "origin"] } else { &["key", "value"] };
        return screen.table(header, &rows.collect::<Vec<_>>());
    }
    let settings: Vec<Value> = layers
        .settings
        .iter()
        .map(|setting| {
            json!({
                "key": setting.key.name,
                "value": setting.value,
                "origin": setting.origin.to_string(),
                "variable": setting.key.variable(),
                "about": setting.key.about,
            })
        })
        .collect();
    let fields = json!({ "file": layers.file, "settings": settings });
    let answer = Answer::new("config", &fields);
    let columns = &["key", "value", "origin", "variable", "about"];
    screen.answer(format, &answer.listing("setting", columns, settings))
}

fn path(screen: &mut Screen, layers: &Layers, format: Format) -> Result<(), CliError> {
    if format != Format::Text {
        let fields = json!({ "file": layers.file, "searched": layers.searched });
        return screen.answer(format, &Answer::new("config_path", &fields));
    }
    match &layers.file {
        Some(file) => screen.line(file.display()),
        None => {
            screen.line("no file of settings is read; looked for were")?;
            layers
                .searched
                .iter()
                .try_for_each(|path| screen.line(format_args!("  {}", path.display())))
        }
    }
}
