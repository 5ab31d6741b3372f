//! What commands start from: default < file < environment < flag.
//!
//! A setting is the default of a flag, so it has that flag's values and no code of its own: before
//! the arguments are read, the value is put where the flag's default stands. The one table of
//! settings is in [`keys`].
//!
//! Invariants: one file is read, the first that is there of those in [`Layers::searched`]; a
//! setting that there is not, or a value that its flag refuses, is an error with file and line, or
//! with the variable's name, before anything else is done; a run file (`backtest --config`) speaks
//! instead of the section `[backtest]`; whom to believe is never taken from a file that merely lies
//! where the program is started.

mod file;
mod keys;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::Command;

use super::outcome::CliError;
pub(super) use keys::{KEYS, Key};

/// The file in the directory where the program is started.
const HERE: &str = "schwabot.toml";
/// Names a file; empty for none.
const FILE_VARIABLE: &str = "SCHWABOT_CONFIG";

/// Why the configuration will not do.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfigError {
    #[error("{}: cannot read the configuration: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}: line {line}: {reason}", path.display())]
    Syntax { path: PathBuf, line: usize, reason: String },
    #[error("{origin}: {key}: {reason}")]
    Value { origin: String, key: &'static str, reason: String },
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of the file.
    File { path: PathBuf, line: usize },
    /// A variable of the environment.
    Variable(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}: line {line}", path.display()),
            Self::Variable(name) => write!(f, "environment {name}"),
        }
    }
}

/// One setting, as it stands after all layers.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) key: &'static Key,
    /// None where the command decides for itself.
    pub(super) value: Option<String>,
    pub(super) origin: Origin,
}

/// All settings.
#[derive(Debug, Clone)]
pub(super) struct Layers {
    /// The file that was read.
    pub(super) file: Option<PathBuf>,
    /// The files that were looked for, the first that is there being read.
    pub(super) searched: Vec<PathBuf>,
    pub(super) settings: Vec<Setting>,
}

impl Layers {
    /// Only the defaults.
    pub(super) fn defaults() -> Self {
        let settings = KEYS.iter().map(|key| Setting {
            key,
            value: key.usual.map(str::to_owned),
            origin: Origin::Default,
        });
        Self { file: None, searched: Vec::new(), settings: settings.collect() }
    }

    /// Only the defaults, and where a file was looked for.
    pub(super) fn unread(arguments: &[OsString]) -> Self {
        let (searched, _) = Self::places(arguments);
        Self { searched, ..Self::defaults() }
    }

    /// Where a file is looked for; true where it must be there.
    fn places(arguments: &[OsString]) -> (Vec<PathBuf>, bool) {
        if let Some(path) = flag_value(arguments, "--config-file") {
            return (vec![path.into()], true);
        }
        match std::env::var_os(FILE_VARIABLE) {
            Some(path) if path.is_empty() => return (Vec::new(), false),
            Some(path) => return (vec![path.into()], true),
            None => {}
        }
        let home = std::env::var_os("XDG_CONFIG_HOME").filter(|path| !path.is_empty());
        let home = home
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")));
        let own = home.map(|home| home.join("schwabot").join("config.toml"));
        ([PathBuf::from(HERE)].into_iter().chain(own).collect(), false)
    }

    /// Reads file and environment, and checks every value as its flag would.
    pub(super) fn read(arguments: &[OsString], commands: &Command) -> Result<Self, ConfigError> {
        let (searched, must_be_there) = Self::places(arguments);
        let mut layers = Self { searched, ..Self::defaults() };
        let found = layers.searched.iter().find(|path| must_be_there || path.is_file()).cloned();
        if let Some(path) = found {
            let text = std::fs::read_to_string(&path)
                .map_err(|source| ConfigError::Io { path: path.clone(), source })?;
            for (key, value, line) in file::parse(&path, &text)? {
                let origin = Origin::File { path: path.clone(), line };
                if key.is_trust && !must_be_there && path == Path::new(HERE) {
                    let reason = format!(
                        "`{}` says whom to believe, so a file that lies here must not set it: move \
                         it to your own file, or name this one with --config-file",
                        key.name
                    );
                    return Err(ConfigError::Syntax { path, line, reason });
                }
                let value = if key.is_path { beside(&path, &value) } else { value };
                layers.set(key, value, origin);
            }
            layers.file = Some(path);
        }
        for key in KEYS {
            let name = key.variable();
            if let Some(value) = std::env::var_os(&name).filter(|value| !value.is_empty()) {
                layers.set(key, value.to_string_lossy().into_owned(), Origin::Variable(name));
            }
        }
        layers.check(commands)?;
        Ok(layers)
    }

    fn set(&mut self, key: &'static Key, value: String, origin: Origin) {
        let same = |setting: &&mut Setting| setting.key.name == key.name;
        if let Some(setting) = self.settings.iter_mut().find(same) {
            (setting.value, setting.origin) = (Some(value), origin);
        }
    }

    /// The settings that somebody made.
    fn made(&self) -> impl Iterator<Item = (&Setting, &str)> {
        let made = self.settings.iter().filter(|setting| setting.origin != Origin::Default);
        made.filter_map(|setting| Some((setting, setting.value.as_deref()?)))
    }

    fn check(&self, commands: &Command) -> Result<(), ConfigError> {
        for (setting, value) in self.made() {
            let refused = match commands_with(commands, setting.key).next() {
                Some(command) => refusal(command, setting.key, value),
                None => refusal(commands, setting.key, value),
            };
            if let Some(reason) = refused {
                let (origin, key) = (setting.origin.to_string(), setting.key.name);
                return Err(ConfigError::Value { origin, key, reason });
            }
        }
        Ok(())
    }

    /// Puts the values where the flags' defaults stand.
    pub(super) fn apply(&self, mut commands: Command, arguments: &[OsString]) -> Command {
        let run_file = flag_value(arguments, "--config").is_some();
        for (setting, value) in self.made() {
            let key = setting.key;
            if run_file && key.is_of_backtest() {
                continue;
            }
            let names: Vec<String> = commands_with(&commands, key)
                .map(|command| command.get_name().to_owned())
                .collect();
            for name in names {
                commands = commands.mut_subcommand(name, |command| {
                    command.mut_arg(key.argument, |argument| {
                        argument.required(false).default_value(value.to_owned())
                    })
                });
            }
        }
        commands
    }

    /// The value of a setting that is about the program and no command.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let setting = self.settings.iter().find(|setting| setting.key.name == name)?;
        setting.value.as_deref()
    }
}

/// The subcommands that take a setting.
fn commands_with<'c>(
    commands: &'c Command,
    key: &'static Key,
) -> impl Iterator<Item = &'c Command> {
    let named =
        |command: &&Command| key.commands.is_empty() || key.commands.contains(&command.get_name());
    let takes = |command: &&Command| {
        command.get_arguments().any(|argument| argument.get_id() == key.argument)
    };
    commands.get_subcommands().filter(named).filter(takes)
}

/// What the flag's own reader says against a value.
fn refusal(command: &Command, key: &Key, value: &str) -> Option<String> {
    let argument = command.get_arguments().find(|known| known.get_id() == key.argument)?;
    if !argument.get_action().takes_values() {
        let known = ["true", "false"].contains(&value);
        return (!known).then(|| format!("`{value}` is neither true nor false"));
    }
    // Alone, so that nothing is asked but this.
    let alone = argument.clone().required(false).index(None).long("value");
    let probe = Command::new("probe").no_binary_name(true).arg(alone);
    let said = probe.try_get_matches_from([format!("--value={value}")]).err()?;
    let said = said.render().to_string();
    let reason = said.lines().take_while(|line| !line.trim().is_empty());
    let reason: Vec<&str> = reason.map(|line| line.trim().trim_start_matches("error: ")).collect();
    let reason = reason.join(" ");
    // The flag is only the probe's name for it.
    let words = format!("invalid value '{value}' for ");
    let bare = reason
        .strip_prefix(&words)
        .and_then(|rest| rest.split_once("': ").map(|(_, why)| format!("`{value}`: {why}")));
    let listed = reason.find('[').map(|at| format!("`{value}` is none of {}", &reason[at..]));
    Some(bare.or(listed).unwrap_or(reason))
}

/// The value of a flag, as far as it can be seen before arguments are read.
pub(super) fn flag_value<'a>(arguments: &'a [OsString], flag: &str) -> Option<&'a OsStr> {
    let mut rest = arguments.iter().take_while(|argument| *argument != "--");
    while let Some(argument) = rest.next() {
        if argument == flag {
            return rest.next().map(OsString::as_os_str);
        }
        let text = argument.to_str().and_then(|text| text.strip_prefix(flag));
        if let Some(value) = text.and_then(|text| text.strip_prefix('=')) {
            return Some(OsStr::new(value));
        }
    }
    None
}

/// A path of the file: relative to the file.
fn beside(file: &Path, value: &str) -> String {
    let folder = file.parent().unwrap_or(Path::new(""));
    folder.join(value).to_string_lossy().into_owned()
}

/// The file that `config init` writes.
pub(super) fn template() -> String {
    file::template()
}

/// Reads arguments with the settings in the place of the flags' defaults.
pub(super) fn prepare(
    commands: Command,
    arguments: &[OsString],
) -> Result<(Command, Layers), CliError> {
    let layers = Layers::read(arguments, &commands)?;
    Ok((layers.apply(commands, arguments), layers))
}
